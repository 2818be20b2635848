"""The spec of APGD."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from hpe_art.attacks.apgd import FIRST_STEP, PoseAPGD
from hpe_art.attacks.checks import check_choice
from hpe_art.attacks.specs import ATTACKS, AttackSpec, option
from hpe_art.losses import MARGIN, REMAINING


@ATTACKS.register_module(name="apgd")
@dataclass(frozen=True)
class Apgd(AttackSpec):
    """APGD at the metric's own question; each eps runs on its own.

    Attributes:
        targeted: towards target poses, or away from the truth.
        max_iter: number of steps.
        loss: a name in `LOSSES`; default "margin", or "remaining" if targeted.
        outputs: "last" or "all" outputs in the loss.
        schedule: "halving", as published, or "linear".
    """

    says: ClassVar = "shrinking steps at the metric itself, joint by joint (Croce and Hein 2020)"

    targeted: bool = option(False, "towards target poses, not away from the truth")
    max_iter: int = option(100, "number of steps")
    loss: str | None = option(None, "what is raised [margin], or lowered [remaining]")
    outputs: str = option("last", "which outputs the loss is put on: last or all")
    schedule: str = option("halving", "how steps fall: halving, as published, or linear")

    @property
    def needs_goal(self) -> bool:
        """With every loss: the metric says which iterate is the best, and who is finished."""
        return True

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_whole("max_iter", least=1)
        check_choice("schedule", self.schedule, FIRST_STEP)

    @property
    def usual_loss(self) -> str:
        """That which asks what the metric asks."""
        return REMAINING if self.targeted else MARGIN

    @property
    def label(self) -> str:
        """APGD-T-100-ALL, APGD-U-20-LINEAR."""
        direction, _, rest = super().label.partition(" ")
        schedule = "" if self.schedule == "halving" else f"-{self.schedule.upper()}"
        return f"{direction}{schedule} {rest}".strip()

    def settings(self) -> dict[str, Any]:
        """With the loss that is used."""
        return {**super().settings(), "loss": self.loss or self.usual_loss}

    def build(self, estimator: Any, batch_size: int = 32) -> PoseAPGD:
        """`PoseAPGD`."""
        return PoseAPGD(
            estimator,
            norm=self.norm,
            eps=self.eps,
            max_iter=self.max_iter,
            targeted=self.targeted,
            seed=self.seed,
            batch_size=batch_size,
            loss=self.loss or self.usual_loss,
            outputs=self.outputs,
            schedule=self.schedule,
        )

    @classmethod
    def passes(cls, specs: Sequence[Apgd]) -> tuple[int, int]:
        """At most: who has nothing left to lose takes no further pass."""
        most = sum(spec.max_iter + 1 for spec in specs)
        return most, most
