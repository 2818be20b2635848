"""Random signs of full size: the control that every attack must beat."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from art.attacks.attack import EvasionAttack
from art.estimators.estimator import BaseEstimator, NeuralNetworkMixin


class RandomSignNoise(EvasionAttack):
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

    attack_params: ClassVar = [*EvasionAttack.attack_params, "norm", "eps", "seed"]
    _estimator_requirements = (BaseEstimator, NeuralNetworkMixin)

    def __init__(
        self, estimator: Any, norm: float | str = np.inf, eps: float = 8.0, seed: int = 0
    ) -> None:
        super().__init__(estimator=estimator)
        self.norm = norm
        self.eps = eps
        self.seed = seed
        self._check_params()
        self._stream = np.random.default_rng(seed)

    def set_params(self, **kwargs: Any) -> None:
        """As in ART; a seed begins its stream anew."""
        super().set_params(**kwargs)
        if "seed" in kwargs:
            self._stream = np.random.default_rng(self.seed)

    def generate(self, x: np.ndarray, y: np.ndarray | None = None, **kwargs: Any) -> np.ndarray:
        """Returns x (N, C, H, W) with noise, float32; y is not looked at."""
        if kwargs:
            raise TypeError(f"Expected no further arguments. Got {sorted(kwargs)}.")
        x = x.astype(np.float32)
        signs = np.where(self._stream.random(x.shape) < 0.5, np.float32(-1), np.float32(1))
        values = np.prod(x.shape[1:])
        step = {"inf": self.eps, "2.0": self.eps / np.sqrt(values), "1.0": self.eps / values}
        noisy = x + np.float32(step[str(float(self.norm))]) * signs
        if self.estimator.clip_values is None:
            return noisy
        return np.clip(noisy, *self.estimator.clip_values)

    def _check_params(self) -> None:
        if float(self.norm) not in (np.inf, 1.0, 2.0):
            raise ValueError(f"Expected norm numpy.inf, 1 or 2. Got {self.norm!r}.")
        if not (np.isfinite(self.eps) and self.eps >= 0):
            raise ValueError(f"Expected a finite eps >= 0. Got {self.eps}.")
