"""Who else is shown the images made for a network: other networks, and the same one defended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import interpolate

from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.estimators.defences import DEFENCES
from hpe_art.evaluation.arguments import FLIP

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Onlooker:
    """A network that sees images which were made for another.

    Attributes:
        name: in the results, for example its config.
        estimator: a `PyTorchPoseEstimator`.
        kind: key of its scores in the results: "transfer_to", or "defence" if it is the attacked
            network itself behind a defence.
    """

    name: str
    estimator: Any
    kind: str = "transfer_to"

    def poses(
        self, images: Array, bgr: bool, batch_size: int = 32, clean: Array | None = None
    ) -> Array:
        """What it sees, in pixels of the images as they are given.

        Args:
            images: (N, 3, H, W), 0 to 255; resized where the network takes another size.
            clean: (N, 3, H, W), the same before the attack; not looked at here.
            bgr: whether they have blue first; their channels are turned round where the network
                takes them the other way.
            batch_size: images per pass.

        Returns:
            (N, K, 3): x, y, score.

        Raises:
            ValueError: the network takes another aspect.
        """
        height, width = images.shape[2:]
        _, own_height, own_width = self.estimator.input_shape
        if height * own_width != width * own_height:
            raise ValueError(
                f"Expected a network for crops of the aspect {width} x {height}. "
                f"Got {self.name} with {own_width} x {own_height}."
            )
        seen = torch.as_tensor(
            images if bgr == self.estimator.packs_bgr else images[:, ::-1].copy()
        )
        if (height, width) != (own_height, own_width):
            seen = interpolate(seen, (own_height, own_width), mode="bilinear", antialias=True)
        poses = self.estimator.predict(seen.numpy(), batch_size)
        ratio = np.float32(width / own_width)
        # Pixel centres lie at halves when an image is resized.
        points = (poses[..., :2] + 0.5) * ratio - 0.5 if ratio != 1 else poses[..., :2]
        return np.concatenate([points, poses[..., 2:]], axis=-1)


@dataclass(frozen=True)
class MirroredPerturbation(Onlooker):
    """The attacked network itself, shown the clean image with the perturbation mirrored.

    That tells whether a perturbation hangs on the image it was made for.

    Source: Jain et al. 2019, section 4.6 (defences).
    """

    name: str = "flip-perturbation"
    estimator: Any = None
    kind: str = "defence"

    def poses(
        self, images: Array, bgr: bool, batch_size: int = 32, clean: Array | None = None
    ) -> Array:
        """As `Onlooker.poses`; without the clean images these are clean."""
        if clean is not None:
            images = np.clip(clean + (images - clean)[..., ::-1], 0, 255)
        return super().poses(np.ascontiguousarray(images), bgr, batch_size)


def defended(name: str, estimator: PyTorchPoseEstimator) -> Onlooker:
    """The same network behind a defence, which its first estimator does not know of.

    Args:
        name: a key of `DEFENCES`, or "flip-perturbation".
        estimator: the network.
    """
    if name == FLIP:
        return MirroredPerturbation(estimator=estimator)
    behind = PyTorchPoseEstimator(
        estimator.model,
        flip_test=estimator.flip_test,
        precision=estimator.precision,
        compile=estimator.compile,
        preprocessing_defences=DEFENCES[name](estimator.packs_bgr),
        device_type="cpu" if estimator.device.type == "cpu" else "gpu",
    )
    return Onlooker(name, behind, kind="defence")
