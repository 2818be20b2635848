"""One perturbation for all images: fitted on a set of people, added to any others."""

from __future__ import annotations

import math
from numbers import Real
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from art.estimators.estimator import BaseEstimator, LossGradientsMixin
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from hpe_art.attacks.base import PoseAttack
from hpe_art.attacks.checks import (
    attacked_images,
    attacked_poses,
    check_loss,
    check_own_predictions,
    check_whole,
)
from hpe_art.attacks.steps import clipped
from hpe_art.attacks.universal_file import FORMAT, read_perturbation, write_perturbation
from hpe_art.attacks.universal_fit import fitted_noise
from hpe_art.errors import UserError
from hpe_art.gradients import GradientTally, say_gradients
from hpe_art.inputs import as_numbers
from hpe_art.losses import PoseLoss, loss_name

STEPS_TO_EPS = 200


class UniversalPosePerturbation(PoseAttack):
    """Signed steps along the mean gradient of minibatches, kept within eps.

    Args:
        estimator: a `PyTorchPoseEstimator`.
        eps: largest absolute value of the perturbation, in grey levels.
        delta: length of a step; default the paper's eps / 200.
        epochs: passes over the people it is fitted on.
        batch_size: images per step, 16 in the paper.
        targeted: towards y rather than away from it.
        loss: a name in `LOSSES`, or a function; default the estimator's.
        outputs: "last" or "all"; default the estimator's.
        seed: of the order of the images.
        verbose: shows progress while fitting.

    Attributes:
        noise: (3, H, W) float32, the perturbation in grey levels, channels as the estimator packs
            them; None before `fit` or `load`.
        fitted: what it was fitted with, and on how many people, as saved.

    Raises:
        ValueError: an argument out of range (the message names it).

    Source: Metzen et al. 2017, arXiv:1704.05712, in the form of Jain et al. 2019, section 4.3.
    """

    attack_params: ClassVar = [
        *PoseAttack.attack_params,
        "eps",
        "delta",
        "epochs",
        "batch_size",
        "targeted",
        "loss",
        "outputs",
        "seed",
        "verbose",
    ]
    _estimator_requirements = (BaseEstimator, LossGradientsMixin)

    def __init__(
        self,
        estimator: Any,
        eps: float = 8.0,
        delta: float | None = None,
        epochs: int = 2,
        batch_size: int = 16,
        targeted: bool = False,
        loss: str | PoseLoss | None = None,
        outputs: str | None = None,
        seed: int = 0,
        verbose: bool = True,
    ) -> None:
        super().__init__(estimator=estimator)
        self.eps = eps
        self.delta = delta
        self.epochs = epochs
        self.batch_size = batch_size
        self._targeted = targeted
        self.loss = loss
        self.outputs = outputs
        self.seed = seed
        self.verbose = verbose
        self.noise: NDArray[np.float32] | None = None
        self.fitted: dict[str, Any] = {}
        self._check_params()

    def fit(
        self, x: Any, y: Any, source: str = "", state: Path | None = None
    ) -> UniversalPosePerturbation:
        """Finds the perturbation; all ranks together where `torch.distributed` is initialised.

        Args:
            x: (N, 3, H, W), images to fit on; whole grey levels may stay uint8.
            y: (N, K, 3), their true poses, or target poses if targeted.
            source: name of the network, to be saved with it.
            state: file that is written every 50 steps; a fit that was stopped goes on from it, bit
                for bit.

        Returns:
            Itself. Over ranks the same to float32's rounding; see `universal_fit.fitted_noise`.

        Raises:
            ValueError: y does not fit x, there are no images, or the state is of another fit.
        """
        x = x if hasattr(x, "__array__") else as_numbers("x", x)  # not read here if read on demand
        if not len(x):
            raise ValueError("Expected images to fit on. Got none.")
        attacked_images(self.estimator, x[: self.batch_size])
        poses = attacked_poses(y, len(x), self.targeted)
        facts = {
            "format": FORMAT,
            "source": source,
            "eps": self.eps,
            "delta": self.step,
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "targeted": self.targeted,
            "outputs": self.outputs or self.estimator.outputs,
            "loss": loss_name(self.loss or self.estimator.loss),
            "seed": self.seed,
            "people": len(x),
            "steps": self.epochs * math.ceil(len(x) / self.batch_size),
            "bgr": self.estimator.packs_bgr,
        }
        tally = GradientTally.begin(len(x), self.estimator.device)
        self.noise = fitted_noise(self, x, poses, facts, tally, state)
        self.fitted = facts
        say_gradients(tally.states(), stacklevel=2)
        return self

    def set_params(self, **kwargs: Any) -> None:
        """As in ART, but what a perturbation was fitted with cannot be changed afterwards."""
        changed = [name for name, value in kwargs.items() if getattr(self, name, None) != value]
        if self.noise is not None and set(changed) - {"verbose"}:
            raise ValueError(
                f"Expected set_params before fit. Got {changed} for a fitted perturbation: make "
                "another."
            )
        super().set_params(**kwargs)

    @property
    def step(self) -> float:
        """The length of a step that is used."""
        return self.eps / STEPS_TO_EPS if self.delta is None else self.delta

    def generate(self, x: Any, y: Any = None, **kwargs: Any) -> Any:
        """Images with the perturbation; it is fitted on them first if it is not fitted yet.

        Args:
            x: (N, 3, H, W), pixels within the estimator's clip values; NumPy, or a tensor. Of
                another size than the perturbation but the same aspect it is resized.
            y: (N, K, 3), only needed to fit; default the estimator's own predictions, if of
                heatmaps: coordinates have no gradient there.
            **kwargs: none is known; any raises.

        Returns:
            (N, 3, H, W) of the kind of x, float32.

        Raises:
            ValueError: images of another aspect; or targeted or of coordinates, not fitted and
                without y.
        """
        if kwargs:
            raise TypeError(f"Expected no further arguments. Got {sorted(kwargs)}.")
        images = attacked_images(self.estimator, x, any_size=self.noise is not None)
        if self.noise is None:
            if y is None and not self.targeted:
                check_own_predictions(self.estimator, self.loss)
                y = self.estimator.predict(images)
            self.fit(images, y)
        noise = self.resized(images.shape[2], images.shape[3]).to(images.device)
        moved = clipped(images + noise, self.estimator.clip_values, images)
        return moved if isinstance(x, Tensor) else moved.numpy()

    def resized(self, height: int, width: int) -> Tensor:
        """(3, height, width), the perturbation for images of another size.

        Raises:
            ValueError: not fitted yet.
            UserError: another aspect.
        """
        if self.noise is None:
            raise ValueError("Expected a fitted perturbation. Got none: call fit or load.")
        noise = torch.as_tensor(self.noise)
        if noise.shape[1:] == (height, width):
            return noise
        if noise.shape[1] * width != noise.shape[2] * height:
            raise UserError(
                f"Expected images of the aspect of the perturbation, {noise.shape[2]} x "
                f"{noise.shape[1]} pixels. Got {width} x {height}."
            )
        # Bilinear, so no value grows beyond eps.
        resized = interpolate(noise[None], (height, width), mode="bilinear", antialias=True)
        return resized[0].clamp(-self.eps, self.eps)

    def save(self, path: str | Path) -> Path:
        """Writes the perturbation, a byte for each value, with what it was fitted with.

        Args:
            path: of a file; `.npz` is added where it lacks.

        Returns:
            The path written.

        Raises:
            ValueError: not fitted yet.
        """
        if self.noise is None:
            raise ValueError("Expected a fitted perturbation. Got none: call fit or load.")
        path = Path(path)
        path = path if path.suffix == ".npz" else path.with_name(f"{path.name}.npz")
        write_perturbation(path, self.noise, self.fitted)
        return path

    @classmethod
    def load(cls, path: str | Path, estimator: Any) -> UniversalPosePerturbation:
        """A saved perturbation, ready to be added to images for any estimator.

        Args:
            path: what `save` wrote.
            estimator: whose images it will be added to; if they have their channels in another
                order than those it was fitted on, its channels are turned round.

        Raises:
            UserError: not such a file.
        """
        noise, fitted = read_perturbation(path)
        names = ("eps", "delta", "epochs", "batch_size", "targeted", "loss", "outputs", "seed")
        attack = cls(estimator, **{name: fitted[name] for name in names})
        turned = fitted["bgr"] != estimator.packs_bgr
        attack.noise = np.ascontiguousarray(noise[::-1]) if turned else noise
        attack.fitted = fitted
        return attack

    def _check_params(self) -> None:
        for name in ("eps", "delta"):
            value = self.step if name == "delta" else self.eps
            if not isinstance(value, Real) or isinstance(value, bool) or not 0 < value < np.inf:
                raise ValueError(f"Expected a finite {name} > 0. Got {value}.")
        check_whole(self, epochs=1, batch_size=1, seed=0)
        check_loss(self)
        if not isinstance(self.targeted, bool):
            raise ValueError(f"Expected targeted True or False. Got {self.targeted!r}.")
