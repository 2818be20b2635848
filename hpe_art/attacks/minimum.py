"""FMN on single joints: the smallest perturbation that moves each joint beyond its circle."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
import torch
from art.estimators.estimator import BaseEstimator, LossGradientsMixin
from torch import Tensor

from hpe_art.attacks.batches import Batch, BatchedAttack, Callback
from hpe_art.attacks.checks import check_flags, check_whole
from hpe_art.attacks.minimum_pairs import Pairs, Shortest, beyond_boundary, lengths_of
from hpe_art.attacks.minimum_result import Minimum
from hpe_art.attacks.steps import clipped, direction, project
from hpe_art.gradients import GradientTally
from hpe_art.losses import Goal

STEPS = (1.0, 0.01)
"""Length of the first and the last step, in eps of that pair."""
CHANGES = (0.3, 0.001)
"""By what share eps falls where the joint is lost, or rises where it is not, at first and last."""
FIRST_GREY = 2.0
"""In grey levels: eps of a joint not lost yet grows by no more than twice itself and this."""
FIRST_SHARE = 0.02
"""By what share the first of the last trials is shorter, or longer, than what was found."""


class PoseFMN(BatchedAttack):
    """The smallest perturbation for each joint of each person.

    Each pair of a person and a joint has an image of its own. A step goes along the gradient of the
    margin of that joint alone, and back into a ball that shrinks while the joint is lost and grows
    while it is not. Whatever moves other joints of the person as well is an upper bound for them
    too, and their searches go on from there. At last each perturbation is scaled as far down as its
    joint stays lost; that the joint is lost is always said by `estimator.predict`, on the very
    image that is kept.

    Gradients are in float32 whatever the estimator's precision: eps is so small that a rounded
    copy's boundary lies elsewhere (docs/minimum.md).

    Args:
        estimator: a `PyTorchPoseEstimator`.
        norm: numpy.inf or 2, in which the perturbation is to be small.
        max_iter: number of steps, with one gradient each for each joint.
        binary_search_steps: passes forward that scale the perturbation at last.
        targeted: towards y rather than away from it: each joint alone into its target's circle.
        batch_size: images per pass, but all joints of a person are always searched together. The
            result does not depend on it.
        outputs: "last" or "all".

    Attributes:
        minimum: a `Minimum`, what the last call of `generate` found of each joint.
        details: `minimum_eps` (N, K), the eps of it, for results.

    Raises:
        ValueError: an argument out of range (the message names it).

    Source: Pintor et al. 2021, "Fast Minimum-norm Adversarial Attacks through Adaptive Norm
    Constraints", arXiv:2102.12827, algorithm 1; steps are relative to eps and along the norm's own
    steepest direction, and images are shared between joints, which the paper has not.
    """

    attack_params: ClassVar = [
        *BatchedAttack.attack_params,
        *("norm", "max_iter", "binary_search_steps", "targeted", "batch_size", "outputs"),
    ]
    _estimator_requirements = (BaseEstimator, LossGradientsMixin)

    def __init__(
        self,
        estimator: Any,
        norm: float | str = np.inf,
        max_iter: int = 50,
        binary_search_steps: int = 6,
        targeted: bool = False,
        batch_size: int = 32,
        outputs: str = "all",
    ) -> None:
        super().__init__(estimator=estimator)
        self.norm = norm
        self.max_iter = max_iter
        self.binary_search_steps = binary_search_steps
        self._targeted = targeted
        self.batch_size = batch_size
        self.outputs = outputs
        self.minimum: Minimum | None = None
        self._check_params()

    def _begin(self, count: int, goal: Goal | None) -> None:
        assert goal is not None
        self.minimum = Minimum.unknown(goal)
        self.details = {"minimum_eps": self.minimum.eps}

    def _perturbed(self, batch: Batch, callback: Callback | None) -> Tensor:
        """For each person the image of smallest norm that moves one joint.

        Clean where a joint is lost already, where none counts, or where nothing was found.
        """
        assert batch.goal is not None and self.minimum is not None
        found, minimum = batch.x.clone(), self.minimum
        clean = self.estimator.predict(batch.x, self.batch_size)
        lost = batch.goal.reached(clean)
        minimum.note_lost(batch.first, lost, clean)
        wanted = batch.goal.counts & ~lost
        for rows in torch.arange(len(batch.x), device=lost.device).split(
            self._people_at_once(batch.goal)
        ):
            nearest = self._search_people(batch, rows, wanted, minimum)
            intact = ~lost[rows].any(1)
            found[rows[intact]] = nearest[intact]
        return found

    def _people_at_once(self, goal: Goal) -> int:
        return max(1, self.batch_size // goal.radii.shape[1])

    def _search_people(
        self, batch: Batch, rows: Tensor, wanted: Tensor, minimum: Minimum
    ) -> Tensor:
        """(n, 3, H, W), of the smallest norm for each of these people; clean if there is none."""
        few = batch[rows]
        pairs = Pairs.of(few, wanted[rows])
        if not len(pairs):
            return few.x
        tally = few.tally[pairs.people]
        shortest = self._shortened(pairs, self._search(pairs, tally))
        people = batch.first + rows[pairs.people]
        minimum.note(people, pairs.joints, shortest.eps, shortest.points)
        own = pairs.people == torch.arange(len(rows), device=rows.device)[:, None]
        least, source = torch.where(own, shortest.eps, torch.inf).min(1)
        nearest = shortest.images[source]
        return torch.where(least.isfinite()[:, None, None, None], nearest, few.x)

    def _search(self, pairs: Pairs, tally: GradientTally) -> Shortest:
        """What the steps find, as the passes that take gradients see it."""
        norm = float(self.norm)
        objective = self.estimator.objective(
            pairs.y, beyond_boundary, self.outputs, precision="float32", goal=pairs.own_goal
        )
        shortest = Shortest(pairs, norm)
        now, eps = pairs.x, pairs.x.new_zeros(len(pairs))
        for k in range(self.max_iter):
            found = objective.evaluate(now)
            sign = -1 if self.targeted else 1
            tally.note(found.gradients)
            gradients = torch.nan_to_num(sign * found.gradients)
            moved = pairs.moved(found.poses).diagonal()
            taken = shortest.offer(now, found.poses)
            change = _falling(CHANGES, k, self.max_iter)
            length = lengths_of(now - pairs.x, norm)
            first = self._first_eps(length, sign * found.losses, gradients, change)
            grown = torch.where(shortest.eps.isfinite(), eps * (1 + change), first)
            eps = torch.where(moved, eps * (1 - change), grown)
            eps = torch.minimum(eps, shortest.eps * (1 - change))
            now = torch.where(_wide(taken), shortest.images, now)
            step = _falling(STEPS, k, self.max_iter) * eps
            now = self._projected(now + _wide(step) * direction(gradients, norm), pairs.x, eps)
        shortest.offer(now, self.estimator.predict(now, self.batch_size))
        return shortest

    def _first_eps(
        self, length: Tensor, height: Tensor, gradients: Tensor, change: float
    ) -> Tensor:
        """(R,), where the boundary would be if the margin were linear, within bounds.

        Over all outputs the margin may be beyond where the last one is not, and then says nothing.
        """
        norm = float(self.norm)
        slope = lengths_of(gradients, 1 if norm == np.inf else 2)
        ahead = length - height / slope.clamp(min=1e-12)
        ahead = torch.where(height < 0, ahead, torch.inf)
        grey = lengths_of(torch.full_like(gradients[:1], FIRST_GREY), norm)
        return ahead.maximum(length * (1 + change)).minimum(2 * length + grey)

    def _shortened(self, pairs: Pairs, found: Shortest) -> Shortest:
        """The smallest multiple of each perturbation, as the model itself sees it."""
        shortest = Shortest(pairs, float(self.norm))
        along = found.images - pairs.x
        low = pairs.x.new_zeros(len(pairs))
        high, share = torch.full_like(low, torch.inf), torch.ones_like(low)
        change = FIRST_SHARE
        for _ in range(1 + self.binary_search_steps):
            scaled = pairs.x + _wide(share) * along
            images = clipped(scaled, self.estimator.clip_values, pairs.x)
            poses = self.estimator.predict(images, self.batch_size)
            shortest.offer(images, poses)
            moved = pairs.moved(poses).diagonal()
            high, low = torch.where(moved, share, high), torch.where(moved, low, share)
            share = torch.where(low == 0, high * (1 - change), (low + high) / 2)
            share = torch.where(high.isinf(), low * (1 + change), share)
            change = min(2 * change, 0.5)
        return shortest

    def _projected(self, images: Tensor, clean: Tensor, eps: Tensor) -> Tensor:
        moved = clipped(images, self.estimator.clip_values) - clean
        return clean + project(moved, _wide(eps), float(self.norm))

    def _check_params(self) -> None:
        if self.norm not in (np.inf, 2.0, "inf"):
            raise ValueError(f'Expected norm numpy.inf, "inf" or 2. Got {self.norm!r}.')
        check_whole(self, max_iter=1, binary_search_steps=0, batch_size=1)
        check_flags(self, "targeted")
        if self.outputs not in ("last", "all"):
            raise ValueError(f'Expected outputs "last" or "all". Got {self.outputs!r}.')


def _falling(ends: tuple[float, float], number: int, count: int) -> float:
    """From the first end to the second along half a cosine."""
    first, last = ends
    return last + (first - last) * (1 + math.cos(math.pi * number / count)) / 2


def _wide(values: Tensor) -> Tensor:
    return values[:, None, None, None]
