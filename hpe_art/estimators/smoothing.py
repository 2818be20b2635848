"""What a network sees in noisy copies of an image, of which its smoothed twin takes the median."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from art.preprocessing.expectation_over_transformation import EoTGaussianNoisePyTorch
from numpy.typing import NDArray

from hpe_art.estimators.defences import RANGE


def shown_with_noise(sigma: float, copies: int) -> EoTGaussianNoisePyTorch:
    """The defence through which an attack meets the mean loss over so many copies, each time anew.

    Args:
        sigma: standard deviation of the noise in grey levels.
        copies: in each pass.
    """
    # ART would draw from 0 to a single number.
    return EoTGaussianNoisePyTorch(copies, RANGE, (float(sigma), float(sigma)))


def noisy_poses(
    estimator: Any,
    image: NDArray[np.floating],
    sigma: float,
    copies: int,
    seed: int | Sequence[int] = 0,
    batch_size: int = 32,
) -> NDArray[np.float32]:
    """The poses in copies of an image, each with Gaussian noise of its own.

    Copies are clipped to grey levels as every image is; the smoothed network is that of what
    follows, so that bounds on its medians stay as they are.

    Args:
        estimator: a `PyTorchPoseEstimator`.
        image: (3, H, W), 0 to 255.
        sigma: standard deviation of the noise in grey levels.
        copies: their number; more begin with the same noise.
        seed: of the noise.
        batch_size: copies per pass at most; the result does not depend on it.

    Returns:
        (copies, K, 3): x, y in crop pixels, score.
    """
    random = np.random.default_rng(seed)
    poses = []
    for first in range(0, copies, batch_size):
        shape = (min(batch_size, copies - first), *image.shape)
        noise = random.standard_normal(shape, np.float32)
        seen = np.clip(image + np.float32(sigma) * noise, *RANGE)
        poses.append(estimator.predict(seen.astype(np.float32), batch_size))
    found: NDArray[np.float32] = np.concatenate(poses)
    return found
