"""Random signs of full size: the control that every attack must beat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from art.estimators.estimator import BaseEstimator, NeuralNetworkMixin
from numpy.typing import NDArray
from torch import Tensor

from hpe_art.attacks.base import PoseAttack
from hpe_art.attacks.checks import attacked_images, check_finite, check_norm, check_whole
from hpe_art.attacks.specs import ATTACKS, AttackSpec
from hpe_art.attacks.steps import clipped


class RandomSignNoise(PoseAttack):
    """Adds +-1 at random to every value, scaled to the whole budget, then clips to the range.

    With norm inf every pixel moves by eps, as in FGSM, but in no direction that the network
    knows of.

    Args:
        estimator: gives the range of pixels; it is never asked for anything else.
        norm: numpy.inf, 1 or 2.
        eps: size of the perturbation in that norm; grey levels for inf.
        seed: of the signs. Consecutive calls of `generate` go on with the same stream, so the
            result does not depend on how the images are split into batches.
    """

    attack_params: ClassVar = [*PoseAttack.attack_params, "norm", "eps", "seed"]
    _estimator_requirements = (BaseEstimator, NeuralNetworkMixin)

    def __init__(
        self, estimator: Any, norm: float | str = np.inf, eps: float = 8.0, seed: int = 0
    ) -> None:
        super().__init__(estimator=estimator)
        self.norm = norm
        self.eps = eps
        self.seed = seed
        self._check_params()
        self._drawn = 0

    def set_params(self, **kwargs: Any) -> None:
        """As in ART; a seed begins its stream anew."""
        super().set_params(**kwargs)
        if "seed" in kwargs:
            self._drawn = 0

    def generate(
        self,
        x: Any,
        y: Any = None,
        index: NDArray[np.int64] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Images with noise.

        Args:
            x: (N, C, H, W), pixels within the estimator's clip values; NumPy, or a tensor.
            y: not looked at.
            index: (N,), the place of each image in the test set: its signs are those that the
                stream has there, as one call for the whole set would give. Default the images
                after those of the last call.
            **kwargs: none is known; any raises.

        Returns:
            (N, C, H, W) of the kind of x, float32.
        """
        if kwargs:
            raise TypeError(f"Expected no further arguments. Got {sorted(kwargs)}.")
        images = attacked_images(self.estimator, x)
        clean = images.cpu().numpy()
        shape = clean.shape
        if index is None:
            drawn = self._numbers(shape, self._drawn)
            self._drawn += drawn.size
        else:
            drawn = self._drawn_at(shape, index)
        signs = np.where(drawn < 0.5, np.float32(-1), np.float32(1))
        values = np.prod(shape[1:])
        step = {"inf": self.eps, "2.0": self.eps / np.sqrt(values), "1.0": self.eps / values}
        noisy = clean + np.float32(step[str(float(self.norm))]) * signs
        moved = clipped(
            torch.from_numpy(noisy), self.estimator.clip_values, torch.from_numpy(clean)
        )
        return moved.to(images.device) if isinstance(x, Tensor) else moved.numpy()

    def _drawn_at(self, shape: tuple[int, ...], index: NDArray[np.int64]) -> NDArray[np.float64]:
        """Those of each image's place in the stream."""
        if len(index) != shape[0]:
            raise ValueError(f"Expected an index for each of {shape[0]} images. Got {len(index)}.")
        drawn = np.empty(shape)
        for row, place in enumerate(index.tolist()):
            drawn[row] = self._numbers(shape[1:], place * int(np.prod(shape[1:])))
        return drawn

    def _numbers(self, shape: tuple[int, ...], first: int) -> NDArray[np.float64]:
        """Uniform ones of the stream from there on; each takes one step of PCG64."""
        stream = np.random.PCG64(self.seed).advance(first)
        return np.random.Generator(stream).random(shape)

    def _check_params(self) -> None:
        check_norm(self.norm)
        check_finite(self, "eps")
        check_whole(self, seed=0)


@ATTACKS.register_module(name="noise")
@dataclass(frozen=True)
class Noise(AttackSpec):
    """Random signs, drawn by each image's place in the test set."""

    by_default: ClassVar = ({},)
    says: ClassVar = "each pixel up or down by eps at random: the control"

    def build(self, estimator: Any, batch_size: int = 32) -> RandomSignNoise:
        """`RandomSignNoise`."""
        return RandomSignNoise(estimator, norm=self.norm, eps=self.eps, seed=self.seed)

    @classmethod
    def passes(cls, specs: Sequence[Noise]) -> tuple[int, int]:
        """None at all."""
        return 0, 0
