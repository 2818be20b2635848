"""Checks that a network does not only hide its gradient, from which attacks would fail for nothing.

They follow the list of Carlini et al. 2019, "On Evaluating Adversarial Robustness",
arXiv:1902.06705, section 5, and of Athalye et al. 2018, arXiv:1802.00420, section 3.1, with the
joints that the metric counts as lost for wrong classes.

Shapes: N images of (3, H, W), K joints.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hpe_art.attacks.apgd import PoseAPGD
from hpe_art.attacks.queries import PoseSquare
from hpe_art.losses import MARGIN, Goal

STEPS, FEW_STEPS, QUERIES = 20, 5, 200
LARGE_EPS = 64.0
MOST_LEFT = 0.05
"""Share of joints that may be left at the large eps."""
MOST_GAINED = 0.1
"""Share of joints by which three random starts may do better than the image itself."""


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        name: what must hold, in words.
        passed: whether it does.
        found: what was measured.
    """

    name: str
    passed: bool
    found: str


def masking_checks(
    estimator: Any,
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    goal: Goal,
    index: NDArray[np.int64],
    eps: float = 8.0,
    batch_size: int = 32,
) -> list[Check]:
    """Checks one network on a few images, in norm inf, away from the true poses.

    Args:
        estimator: a `PyTorchPoseEstimator`.
        x: (N, 3, H, W), 0 to 255.
        y: (N, K, 3), true poses.
        goal: of the metric, untargeted.
        index: (N,), the places of the images in the test set.
        eps: radius of the ball in grey levels, but where the check has its own.
        batch_size: images per pass.
    """
    return _Checker(estimator, x, y, goal, index, eps, batch_size).checks()


class _Checker:
    def __init__(
        self,
        estimator: Any,
        x: NDArray[np.float32],
        y: NDArray[np.float32],
        goal: Goal,
        index: NDArray[np.int64],
        eps: float,
        batch_size: int,
    ) -> None:
        self.estimator, self.x, self.y, self.index = estimator, x, y, index
        self.eps, self.batch_size = eps, batch_size
        self.goal = goal.to(estimator.device, torch.float32)
        self.counted = max(1, int(goal.counts.sum()))

    def checks(self) -> list[Check]:
        lost_before = self.lost(self.x)
        images = self.on_the_way()
        lost = self.lost(images[-1])
        return [
            self.same_twice(),
            self.gradients_are_there(lost_before),
            self.loss_rises(images),
            self.large_eps_breaks(),
            self.queries_do_no_better(lost),
            self.restarts_agree(lost),
        ]

    def lost(self, images: NDArray[np.float32]) -> NDArray[np.int64]:
        """(N,), joints that count and are lost."""
        poses = torch.as_tensor(self.estimator.predict(images, self.batch_size))
        found: NDArray[np.int64] = (
            self.goal.reached(poses.to(self.goal.centres)).sum(1).cpu().numpy()
        )
        return found

    def attacked(self, eps: float, callback: Any = None, **settings: Any) -> NDArray[np.float32]:
        attack = PoseAPGD(
            self.estimator,
            eps=eps,
            max_iter=STEPS,
            schedule="linear",
            outputs="all",
            batch_size=self.batch_size,
            **settings,
        )
        found: NDArray[np.float32] = attack.generate(
            self.x, self.y, self.goal, self.index, callback=callback
        )
        return found

    def on_the_way(self) -> list[NDArray[np.float32]]:
        """The images before the attack, after few steps, and the strongest."""
        few = self.x.copy()

        def keep(step: int, rows: Tensor, now: Tensor) -> None:
            if step <= FEW_STEPS:
                few[rows.cpu().numpy()] = now.cpu().numpy()

        strongest = self.attacked(self.eps, keep)
        return [self.x, few, strongest]

    def same_twice(self) -> Check:
        """Scores and gradients do not depend on chance."""
        objective = self.estimator.objective(self.y, MARGIN, "all", goal=self.goal)
        scores = [self.estimator.predict(self.x, self.batch_size) for _ in range(2)]
        gradients = [objective.gradient(self.x) for _ in range(2)]
        apart = float(np.abs(scores[0] - scores[1]).max())
        turned = float((gradients[0] - gradients[1]).abs().max())
        return Check(
            "the same image has the same pose and gradient twice",
            apart == turned == 0.0,
            f"poses differ by {apart:g} pixels, gradients by {turned:g}",
        )

    def gradients_are_there(self, lost: NDArray[np.int64]) -> Check:
        """Of images that have a joint to lose."""
        objective = self.estimator.objective(self.y, MARGIN, "last", goal=self.goal)
        gradients = objective.gradient(self.x).flatten(1)
        largest = gradients.abs().amax(1).cpu().numpy()
        left = self.goal.counts.sum(1).cpu().numpy() > lost
        flat = left & ~(np.isfinite(largest) & (largest > 0))
        return Check(
            "gradients are finite and not zero",
            not flat.any(),
            f"zero or not finite for {flat.sum()} of {left.sum()} images",
        )

    def loss_rises(self, images: list[NDArray[np.float32]]) -> Check:
        """With the number of steps."""
        objective = self.estimator.objective(self.y, MARGIN, "last", goal=self.goal)
        with torch.no_grad():
            means = [
                float(objective(torch.as_tensor(one).to(self.estimator.device)).mean())
                for one in images
            ]
        return Check(
            f"the loss rises from 0 over {FEW_STEPS} to {STEPS} steps",
            means[0] < means[1] <= means[2] + 1e-6,
            "{:.3g} at first, {:.3g} and {:.3g} after them".format(*means),
        )

    def large_eps_breaks(self) -> Check:
        """Nearly every joint."""
        left = 1 - self.lost(self.attacked(LARGE_EPS)).sum() / self.counted
        return Check(
            f"eps {LARGE_EPS:g} leaves at most {100 * MOST_LEFT:g} % of the joints",
            bool(left <= MOST_LEFT),
            f"{100 * left:.1f} %",
        )

    def queries_do_no_better(self, lost: NDArray[np.int64]) -> Check:
        """Than gradients, at the same eps."""
        square = PoseSquare(
            self.estimator, eps=self.eps, max_iter=QUERIES, batch_size=self.batch_size
        )
        asked = self.lost(square.generate(self.x, self.y, self.goal, self.index)).sum()
        return Check(
            f"{QUERIES} queries of Square lose no more joints than {STEPS} gradients",
            bool(asked <= lost.sum()),
            f"{asked} by Square, {lost.sum()} by gradients, of {self.counted} at eps {self.eps:g}",
        )

    def restarts_agree(self, lost: NDArray[np.int64]) -> Check:
        """Three random starts find little that the start at the image does not."""
        again = self.lost(self.attacked(self.eps, num_random_init=3)).sum()
        return Check(
            f"3 random starts lose at most {100 * MOST_GAINED:g} % of the joints more",
            bool(again - lost.sum() <= MOST_GAINED * self.counted),
            f"{again} by these, {lost.sum()} without, of {self.counted} at eps {self.eps:g}",
        )
