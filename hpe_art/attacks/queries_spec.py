"""The specs of attacks that may only ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import ClassVar

from hpe_art.attacks.checks import check_choice
from hpe_art.attacks.queries import FEEDBACK, KINDS, PoseRayS, PoseSquare
from hpe_art.attacks.specs import ATTACKS, AttackSpec, option
from hpe_art.losses import MARGIN


@ATTACKS.register_module(name="square")
@dataclass(frozen=True)
class Square(AttackSpec):
    """Random squares by answers alone; each eps and number of queries runs on its own.

    Attributes:
        targeted: towards target poses, or away from the truth.
        max_iter: queries for each image.
        feedback: "loss", or "count": only how many joints are lost (targeted: reached).
        loss: a name in `LOSSES`.
        outputs: "last" or "all" outputs in the loss.
    """

    says: ClassVar = "squares at random, by answers alone (Andriushchenko et al. 2020)"

    targeted: bool = option(False, "towards target poses, not away from the truth")
    max_iter: int = option(1000, "queries for each image")
    feedback: str = option("loss", "what an answer is; count: only how many joints are lost")
    loss: str = option(MARGIN, "what is raised, or lowered towards target poses")
    outputs: str = option("last", "which outputs the loss is put on: last or all")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_whole("max_iter", least=1)
        if self.norm not in KINDS:
            raise ValueError(f"Expected norm inf or 2 of squares. Got {self.norm:g}.")
        check_choice("feedback", self.feedback, FEEDBACK)

    @property
    def needs_goal(self) -> bool:
        """With every loss: the metric says who is finished."""
        return True

    @property
    def label(self) -> str:
        """SQUARE-U-1000; the feedback where unusual."""
        return super().label + ("" if self.feedback == FEEDBACK[0] else f" {self.feedback}")

    def build(self, estimator: object, batch_size: int = 32) -> PoseSquare:
        """`PoseSquare`."""
        return PoseSquare(
            estimator,
            norm=self.norm,
            eps=self.eps,
            max_iter=self.max_iter,
            feedback=self.feedback,
            targeted=self.targeted,
            seed=self.seed,
            batch_size=batch_size,
            loss=self.loss,
            outputs=self.outputs,
        )

    @classmethod
    def passes(cls, specs: Sequence[Square]) -> tuple[int, int]:
        """At most: who has nothing left to lose is asked about no more."""
        return sum(spec.max_iter for spec in specs), 0


@ATTACKS.register_module(name="rays")
@dataclass(frozen=True)
class RayS(AttackSpec):
    """Changed ends of the ball by counts of joints alone; each eps and number on its own.

    Attributes:
        targeted: towards target poses, or away from the truth.
        max_iter: queries for each image.
    """

    says: ClassVar = "by answers alone, of how many joints are lost (Chen and Gu 2020)"

    targeted: bool = option(False, "towards target poses, not away from the truth")
    max_iter: int = option(1000, "queries for each image")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_whole("max_iter", least=1)
        if self.norm != inf:
            raise ValueError(f"Expected norm inf of changed signs. Got {self.norm:g}.")

    @property
    def needs_goal(self) -> bool:
        """All that it hears is how many joints are at their goal."""
        return True

    def build(self, estimator: object, batch_size: int = 32) -> PoseRayS:
        """`PoseRayS`."""
        return PoseRayS(
            estimator,
            eps=self.eps,
            max_iter=self.max_iter,
            targeted=self.targeted,
            seed=self.seed,
            batch_size=batch_size,
        )

    @classmethod
    def passes(cls, specs: Sequence[RayS]) -> tuple[int, int]:
        """At most: who has nothing left to lose is asked about no more."""
        return sum(spec.max_iter for spec in specs), 0
