"""An ensemble without parameters: the strongest attack that is known here, at two prices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from art.estimators.estimator import BaseEstimator, LossGradientsMixin
from torch import Tensor

from hpe_art.attacks.apgd import PoseAPGD
from hpe_art.attacks.batches import Batch, BatchedAttack, Callback
from hpe_art.attacks.checks import check_choice, check_norm, check_whole
from hpe_art.attacks.specs import ATTACKS, AttackSpec, option
from hpe_art.attacks.strongest import Strongest
from hpe_art.losses import DISTANCE, MARGIN, REMAINING, Goal

SHARE, OTHER = "softmax share", "the other of margin and remaining"
"""Losses of members that depend on head and direction; a member without one has APGD's default."""

MEMBERS: dict[str, tuple[dict[str, Any], ...]] = {
    "fast": (dict(outputs="all", max_iter=99),),
    "standard": (
        dict(outputs="all", max_iter=299),
        dict(outputs="all", max_iter=249, loss=SHARE),
        dict(outputs="last", max_iter=149),
        dict(outputs="all", max_iter=149, loss=OTHER),
        dict(outputs="all", max_iter=149, schedule="halving"),
    ),
}
"""By size: what each member, an APGD, is made with; docs/strength.md has the evidence."""


class PoseAutoAttack(BatchedAttack):
    """Several APGDs in turn, each on the images that have joints left, the worst case per image.

    There is nothing to set but the size, so that numbers of different networks can be compared.
    The worst case is by the metric that the goal is of: most joints lost (targeted: reached), as
    the model itself sees them; among equals the first that was found.

    Args:
        estimator: a `PyTorchPoseEstimator`.
        norm: numpy.inf, 1 or 2.
        eps: radius of the ball, for norm inf in grey levels.
        targeted: towards y rather than away from it.
        size: "fast", at most 100 gradients for each image, or "standard", at most 1,000.
        seed: of members that draw; none of these does.
        batch_size: images per pass; the result does not depend on it.

    Attributes:
        details: of the last call: `joints_reached` (N, K), 1 where any member brought that joint
            to its goal, in whichever image, else 0; NaN where it does not count. This is the worst
            case per joint, which no single image need show.

    Raises:
        ValueError: an argument out of range (the message names it).

    Source: AutoAttack (Croce and Hein 2020, arXiv:2003.01690), with members for poses.
    """

    attack_params: ClassVar = [
        *BatchedAttack.attack_params,
        *("norm", "eps", "targeted", "size", "seed", "batch_size"),
    ]
    _estimator_requirements = (BaseEstimator, LossGradientsMixin)

    def __init__(
        self,
        estimator: Any,
        norm: float | str = np.inf,
        eps: float = 8.0,
        targeted: bool = False,
        size: str = "fast",
        seed: int = 0,
        batch_size: int = 32,
    ) -> None:
        super().__init__(estimator=estimator)
        self.norm = norm
        self.eps = eps
        self._targeted = targeted
        self.size = size
        self.seed = seed
        self.batch_size = batch_size
        self._check_params()

    def _begin(self, count: int, goal: Goal | None) -> None:
        assert goal is not None
        joints = np.full(tuple(goal.radii.shape), np.nan, np.float32)
        self.details = {"joints_reached": joints}

    def _perturbed(self, batch: Batch, callback: Callback | None) -> Tensor:
        worst, reached = self._worst(batch)
        assert batch.goal is not None
        told = torch.where(batch.goal.counts, reached.float(), torch.nan).cpu().numpy()
        self.details["joints_reached"][batch.first : batch.first + len(told)] = told
        return worst

    def _worst(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The worst case of each image (n, 3, H, W), and of each joint (n, K), over all members."""
        assert batch.goal is not None
        worst = Strongest(batch.x, batch.goal)
        clean = self.estimator.predict(batch.x, self.batch_size)
        joints = batch.goal.reached(clean)
        for number, arguments in enumerate(MEMBERS[self.size]):
            rows = (~worst.finished).nonzero()[:, 0]
            if not len(rows):
                break
            standing = batch[rows]
            found = Strongest(standing.x, standing.goal)
            self._member(number, arguments).attack(standing, found)
            poses = self.estimator.predict(found.images, self.batch_size)
            assert standing.goal is not None
            reached = standing.goal.reached(poses)
            joints[rows] |= reached
            # Losses of different members say nothing about each other.
            worst.offer(rows, found.images, reached.sum(1), torch.zeros_like(found.losses))
        return worst.images, joints

    def _member(self, number: int, arguments: dict[str, Any]) -> PoseAPGD:
        losses = {
            None: None,
            SHARE: "cross_entropy" if self.estimator.head.has_cells else DISTANCE,
            OTHER: MARGIN if self.targeted else REMAINING,
        }
        loss = losses[arguments.get("loss")]
        settings = {"schedule": "linear", **arguments, "loss": loss}
        return PoseAPGD(
            self.estimator,
            norm=self.norm,
            eps=self.eps,
            targeted=self.targeted,
            seed=self.seed + number,
            batch_size=self.batch_size,
            **settings,
        )

    def _check_params(self) -> None:
        check_norm(self.norm)
        check_choice("size", self.size, MEMBERS)
        check_whole(self, seed=0, batch_size=1)
        self._member(0, MEMBERS[self.size][0])  # raises what it refuses


@ATTACKS.register_module(name="auto")
@dataclass(frozen=True)
class Auto(AttackSpec):
    """The ensemble; each eps runs on its own.

    Attributes:
        targeted: towards target poses, or away from the truth.
        size: "fast" or "standard".
    """

    wants_checks: ClassVar = True
    says: ClassVar = "several attacks in turn; of each person the worst counts: the strongest here"

    targeted: bool = option(False, "towards target poses, not away from the truth")
    size: str = option("fast", "at most 100 gradients for each image; standard: 1,000")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("size", self.size, MEMBERS)

    @property
    def needs_goal(self) -> bool:
        """The worst case is by the metric."""
        return True

    @property
    def label(self) -> str:
        """AUTO-U, AUTO-T-STANDARD L2."""
        direction, _, norm = super().label.partition(" ")
        size = "" if self.size == "fast" else f"-{self.size.upper()}"
        return f"{direction}{size} {norm}".strip()

    def build(self, estimator: Any, batch_size: int = 32) -> PoseAutoAttack:
        """`PoseAutoAttack`."""
        return PoseAutoAttack(
            estimator,
            norm=self.norm,
            eps=self.eps,
            targeted=self.targeted,
            size=self.size,
            seed=self.seed,
            batch_size=batch_size,
        )

    @classmethod
    def passes(cls, specs: Sequence[Auto]) -> tuple[int, int]:
        """Gradients at most; a pass forward for the clean image and for each member."""
        members = [member for spec in specs for member in MEMBERS[spec.size]]
        gradients = sum(
            (member["max_iter"] + 1) * max(1, member.get("num_random_init", 0))
            for member in members
        )
        return gradients + len(members) + len(specs), gradients
