"""FGSM: one step along the gradient, and its spec."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from art.attacks.attack import EvasionAttack
from art.summary_writer import SummaryWriter
from torch import Tensor

from hpe_art.attacks.gradient_sign import Eps, Given, GradientSignAttack, on_device_of
from hpe_art.attacks.specs import ATTACKS, AttackSpec, Images, option
from hpe_art.attacks.steps import Radius, direction
from hpe_art.losses import TRAINING, PoseLoss


class PoseFastGradientMethod(GradientSignAttack):
    """One step of length eps along the gradient of the loss (FGSM for norm inf).

    The one gradient is always taken through the model itself, whatever the precision of the
    estimator: in bfloat16 a single step was found weaker (docs/attacks.md), and there is little
    time to win.

    Args:
        estimator: a `PyTorchPoseEstimator`.
        norm: numpy.inf, 1 or 2.
        eps: length of the step, for norm inf in grey levels. A number; an array (N,) with one for
            each image, or as ART has it, (N, 1, 1, 1); or a list of numbers: `generate` then
            returns a list, at the price of a single gradient for each image.
        targeted: towards y rather than away from it.
        num_random_init: number of starts at random points of the ball; 0 starts at the image. The
            start that ends with the largest pose error (targeted: the smallest) is kept, image by
            image.
        batch_size: images per pass; the result does not depend on it.
        loss: a name in `LOSSES`, or a function; default the estimator's.
        outputs: "last" or "all"; default the estimator's.
        summary_writer: as in ART; it looks at the step from the host.

    Raises:
        ValueError: an argument out of range (the message names it).

    Source: Goodfellow et al. 2015, arXiv:1412.6572.
    """

    attack_params: ClassVar = [
        *EvasionAttack.attack_params,
        "norm",
        "eps",
        "targeted",
        "num_random_init",
        "batch_size",
        "loss",
        "outputs",
        "summary_writer",
    ]
    max_iter = 1
    precision = "float32"

    def __init__(
        self,
        estimator: Any,
        norm: float | str = np.inf,
        eps: Eps = 8.0,
        targeted: bool = False,
        num_random_init: int = 0,
        batch_size: int = 32,
        loss: str | PoseLoss | None = None,
        outputs: str | None = None,
        summary_writer: str | bool | SummaryWriter = False,
    ) -> None:
        super().__init__(estimator=estimator, summary_writer=summary_writer)
        self.norm = norm
        self.eps = eps
        self._targeted = targeted
        self.num_random_init = num_random_init
        self.batch_size = batch_size
        self.loss = loss
        self.outputs = outputs
        self._check_params()

    @property
    def eps_step(self) -> Any:
        """The whole of eps."""
        return self.eps

    def _climb(self, given: Given, start: Tensor | None, radius: Radius, step: Radius) -> Tensor:
        if given.directions is None or start is not None:
            given.directions = self._directions(given, start)
        begin = given.x if start is None else start
        end = self._step(
            begin, given.x, given.directions, on_device_of(radius, begin), on_device_of(step, begin)
        )
        if given.callback is not None:
            for _, rows in given.batches():
                given.callback(1, rows, end[rows])
        return end

    def _directions(self, given: Given, start: Tensor | None) -> Tensor:
        found = torch.empty_like(given.x)
        device = self.estimator.device
        for number, rows in given.batches():
            now = (given.x if start is None else start)[rows].to(device)
            mask = None if given.mask is None else given.mask[rows].to(device)
            objective, tally = self._objective(given, rows), given.tally[rows]
            ascent = self._ascent(objective, now, mask, tally, number, 0)
            found[rows] = direction(ascent, float(self.norm)).to(found.device)
        return found


@ATTACKS.register_module(name="fgsm")
@dataclass(frozen=True)
class Fgsm(AttackSpec):
    """FGSM; all eps share one gradient.

    Attributes:
        targeted: towards target poses, or away from the truth.
        loss: a name in `LOSSES`.
        outputs: "last" or "all" outputs in the loss.
    """

    by_default: ClassVar = ({},)
    says: ClassVar = "one step of eps along the sign of the gradient (Goodfellow et al. 2015)"

    targeted: bool = option(False, "towards target poses, not away from the truth")
    loss: str = option(TRAINING, "what is raised, or lowered towards target poses")
    outputs: str = option("last", "which outputs the loss is put on: last or all")

    def build(self, estimator: Any, batch_size: int = 32) -> PoseFastGradientMethod:
        """`PoseFastGradientMethod`."""
        return PoseFastGradientMethod(
            estimator,
            norm=self.norm,
            eps=self.eps,
            targeted=self.targeted,
            batch_size=batch_size,
            loss=self.loss,
            outputs=self.outputs,
        )

    @property
    def share_key(self) -> Fgsm:
        """All but eps."""
        return replace(self, eps=0.0)

    @classmethod
    def passes(cls, specs: Sequence[Fgsm]) -> tuple[int, int]:
        """One gradient."""
        return 1, 1

    @classmethod
    def build_shared(cls, estimator: Any, specs: Sequence[Fgsm], batch_size: int) -> EvasionAttack:
        """With a list of eps."""
        attack = specs[0].build(estimator, batch_size)
        attack.set_params(eps=[spec.eps for spec in specs])
        return attack

    @classmethod
    def generate_shared(
        cls, attack: EvasionAttack, specs: Sequence[Fgsm], x: Any, y: Any, **more: Any
    ) -> list[Images]:
        """One for each eps."""
        images: list[Images] = attack.generate(x, y, **more)
        return images
