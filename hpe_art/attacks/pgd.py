"""PGD, and IGSM as the paper has it: its spec."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from art.attacks.attack import EvasionAttack
from art.summary_writer import SummaryWriter
from rich.progress import track
from torch import Tensor

from hpe_art.attacks.gradient_sign import (
    TARGETED_STEP,
    UNTARGETED_STEP,
    Eps,
    Given,
    GradientSignAttack,
    on_device_of,
    rows_of,
)
from hpe_art.attacks.specs import ATTACKS, AttackSpec, Images, option
from hpe_art.attacks.steps import Radius, accumulate, direction
from hpe_art.losses import TRAINING, PoseLoss

UNTARGETED_ITERATIONS = 10
TARGETED_ITERATIONS = 20


class PoseProjectedGradientDescent(GradientSignAttack):
    """Steps along the gradient of the loss, projected onto the ball around the image.

    Args:
        estimator: a `PyTorchPoseEstimator`.
        norm: numpy.inf, 1 or 2.
        eps: radius of the ball, for norm inf in grey levels. A number; an array (N,) with one for
            each image, or as ART has it, (N, 1, 1, 1); or a list of numbers: `generate` then
            returns a list.
        eps_step: length of a step, of the kind of `eps`, or a number; default the middle of the
            paper's best range: 0.4 eps untargeted, eps / 8 targeted.
        decay: of the momentum; None is none.
        max_iter: number of steps.
        targeted: towards y rather than away from it.
        num_random_init: number of starts at random points of the ball; 0 starts at the image. The
            start that ends with the largest pose error (targeted: the smallest) is kept, image by
            image.
        batch_size: images per pass; the result does not depend on it.
        random_eps: draws eps from a normal distribution cut at 0 and eps, anew in each call, and
            keeps the ratio of eps_step to it.
        loss: a name in `LOSSES`, or a function; default the estimator's.
        outputs: "last" or "all"; default the estimator's.
        summary_writer: as in ART; it looks at each step from the host.
        verbose: shows progress.

    Raises:
        ValueError: an argument out of range (the message names it).

    Source: Madry et al. 2018, arXiv:1706.06083.
    """

    attack_params: ClassVar = [
        *EvasionAttack.attack_params,
        "norm",
        "eps",
        "eps_step",
        "decay",
        "max_iter",
        "targeted",
        "num_random_init",
        "batch_size",
        "random_eps",
        "loss",
        "outputs",
        "summary_writer",
        "verbose",
    ]

    def __init__(
        self,
        estimator: Any,
        norm: float | str = np.inf,
        eps: Eps = 8.0,
        eps_step: Eps | None = None,
        decay: float | None = None,
        max_iter: int = 100,
        targeted: bool = False,
        num_random_init: int = 0,
        batch_size: int = 32,
        random_eps: bool = False,
        loss: str | PoseLoss | None = None,
        outputs: str | None = None,
        summary_writer: str | bool | SummaryWriter = False,
        verbose: bool = True,
    ) -> None:
        super().__init__(estimator=estimator, summary_writer=summary_writer)
        self.norm = norm
        self.eps = eps
        self.eps_step = eps_step
        self.decay = decay
        self.max_iter = max_iter
        self._targeted = targeted
        self.num_random_init = num_random_init
        self.batch_size = batch_size
        self.loss = loss
        self.outputs = outputs
        self.random_eps = random_eps
        self.verbose = verbose
        self._check_params()

    @classmethod
    def igsm(
        cls,
        estimator: Any,
        eps: Eps = 8.0,
        targeted: bool = False,
        max_iter: int | None = None,
        **kwargs: Any,
    ) -> PoseProjectedGradientDescent:
        """IGSM as in the paper: norm inf, from the image, 10 steps untargeted, 20 targeted.

        Source: Kurakin et al. 2016, arXiv:1607.02533; settings of Jain et al. 2019, section 4.
        """
        if max_iter is None:
            max_iter = TARGETED_ITERATIONS if targeted else UNTARGETED_ITERATIONS
        return cls(estimator, eps=eps, targeted=targeted, max_iter=max_iter, **kwargs)

    def _climb(self, given: Given, start: Tensor | None, radius: Radius, step: Radius) -> Tensor:
        found = torch.empty_like(given.x)
        device = self.estimator.device
        batches = list(given.batches())
        for number, rows in track(batches, "PGD", transient=True, disable=not self.verbose):
            clean = given.x[rows].to(device)
            now = clean if start is None else start[rows].to(device)
            objective, tally = self._objective(given, rows), given.tally[rows]
            mask = None if given.mask is None else given.mask[rows].to(device)
            ball, length = (on_device_of(rows_of(value, rows), clean) for value in (radius, step))
            momentum = torch.zeros_like(clean)
            for i in range(self.max_iter):
                objective.progress = i / self.max_iter
                ascent = self._ascent(objective, now, mask, tally, number, i)
                if self.decay is not None:
                    ascent = momentum = accumulate(momentum, ascent, self.decay)
                now = self._step(now, clean, direction(ascent, float(self.norm)), ball, length)
                if given.callback is not None:
                    given.callback(i + 1, rows, now)
            found[rows] = now.to(found.device)
        return found


@ATTACKS.register_module(name="igsm")
@dataclass(frozen=True)
class Igsm(AttackSpec):
    """IGSM with the paper's defaults; all step counts share the longest run.

    Attributes:
        targeted: towards target poses, or away from the truth.
        eps_step: size of one step; default the middle of the paper's best range.
        max_iter: number of steps; default 10 untargeted, 20 targeted.
        loss: a name in `LOSSES`.
        outputs: "last" or "all" outputs in the loss.

    Source: Kurakin et al. 2016, arXiv:1607.02533; settings of Jain et al. 2019, section 4.
    """

    by_default: ClassVar = ({}, {"targeted": True})
    says: ClassVar = "steps along the sign of the gradient, kept within eps (Kurakin et al. 2016)"

    targeted: bool = option(False, "towards target poses, not away from the truth")
    eps_step: float | None = option(None, "size of one step [0.4 eps, targeted eps / 8]")
    max_iter: int | None = option(None, "number of steps [10, targeted 20]")
    loss: str = option(TRAINING, "what is raised, or lowered towards target poses")
    outputs: str = option("last", "which outputs the loss is put on: last or all")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_iter is not None:
            self._check_whole("max_iter", least=1)
        if self.eps_step is not None:
            self._check_number("eps_step", least=0.0, above=True)
            if self.eps_step > self.eps:
                raise ValueError(
                    f"Expected eps_step of at most eps. Got {self.eps_step:g} for eps {self.eps:g}."
                )

    @property
    def step(self) -> float:
        """The step size that is used."""
        if self.eps_step is not None:
            return self.eps_step
        return self.eps * (TARGETED_STEP if self.targeted else UNTARGETED_STEP)

    @property
    def iterations(self) -> int:
        """The number of steps that is used."""
        if self.max_iter is not None:
            return self.max_iter
        return TARGETED_ITERATIONS if self.targeted else UNTARGETED_ITERATIONS

    def settings(self) -> dict[str, Any]:
        """With the step size and the number of steps that are used."""
        return {**super().settings(), "eps_step": self.step, "max_iter": self.iterations}

    def build(self, estimator: Any, batch_size: int = 32) -> PoseProjectedGradientDescent:
        """`PoseProjectedGradientDescent`."""
        return PoseProjectedGradientDescent(
            estimator,
            norm=self.norm,
            eps=self.eps,
            eps_step=self.step,
            max_iter=self.iterations,
            targeted=self.targeted,
            batch_size=batch_size,
            loss=self.loss,
            outputs=self.outputs,
            verbose=False,
        )

    @property
    def share_key(self) -> Igsm:
        """All but the number of steps."""
        return replace(self, eps_step=self.step, max_iter=None)

    @classmethod
    def passes(cls, specs: Sequence[Igsm]) -> tuple[int, int]:
        """A gradient for each step of the longest."""
        longest = max(spec.iterations for spec in specs)
        return longest, longest

    @classmethod
    def build_shared(cls, estimator: Any, specs: Sequence[Igsm], batch_size: int) -> EvasionAttack:
        """With as many steps as the longest."""
        return max(specs, key=lambda spec: spec.iterations).build(estimator, batch_size)

    @classmethod
    def generate_shared(
        cls, attack: EvasionAttack, specs: Sequence[Igsm], x: Any, y: Any, **more: Any
    ) -> list[Images]:
        """Taken from the run on its way."""
        if len(specs) == 1:
            return [attack.generate(x, y, **more)]
        by_step = {spec.iterations: x.astype(np.float32) for spec in specs}

        def keep(step: int, rows: slice, now: Tensor) -> None:
            if step in by_step:
                by_step[step][rows] = now.cpu().numpy()

        attack.generate(x, y, callback=keep, **more)
        return [by_step[spec.iterations] for spec in specs]
