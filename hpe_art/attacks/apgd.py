"""APGD: projected gradient ascent with momentum whose steps fall when they no longer help."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from art.estimators.estimator import BaseEstimator, LossGradientsMixin
from torch import Tensor

from hpe_art.attacks.ascent import Ascent, since_checkpoint
from hpe_art.attacks.batches import Batch, BatchedAttack, Callback
from hpe_art.attacks.checks import (
    check_choice,
    check_finite,
    check_flags,
    check_loss,
    check_norm,
    check_whole,
)
from hpe_art.attacks.steps import clipped, direction, project
from hpe_art.attacks.strongest import Strongest
from hpe_art.losses import MARGIN, REMAINING, Goal, PoseLoss

MOMENTUM = 0.75
"""Share of the new step; the rest goes on as before."""
FIRST_STEP = {"halving": 2.0, "linear": 1.0}
"""By how steps fall: the length of the first ones, in eps."""
FIRST_TARGETED_STEP = 0.6
"""Of those that fall linearly towards target poses (docs/strength.md)."""


class PoseAPGD(BatchedAttack):
    """APGD on poses, with the metric's own question as its loss.

    The best iterate of each image is kept: the one with most joints where the goal wants them, and
    among those the one of largest loss. Images whose joints are all there take no further pass.

    Args:
        estimator: a `PyTorchPoseEstimator`.
        norm: numpy.inf, 1 or 2.
        eps: radius of the ball, for norm inf in grey levels.
        eps_step: length of the first steps; default 2 eps, of those that fall linearly eps, and
            0.6 eps if targeted.
        max_iter: number of steps; each start takes one gradient more.
        targeted: towards y rather than away from it.
        schedule: "halving" halves steps at checkpoints where they no longer help, as published;
            "linear" lets them fall to 0.
        num_random_init: number of starts at random points; 0 starts at the image.
        seed: of the random points, with the place of the image.
        batch_size: images per pass; the result does not depend on it.
        loss: a name in `LOSSES`, or a function; default where there is a goal "margin", or
            "remaining" if targeted, else the estimator's.
        outputs: "last" or "all"; default the estimator's.

    Raises:
        ValueError: an argument out of range (the message names it).

    Source: Croce and Hein 2020, arXiv:2003.01690, algorithm 1.
    """

    attack_params: ClassVar = [
        *BatchedAttack.attack_params,
        *("norm", "eps", "eps_step", "max_iter", "targeted", "num_random_init", "seed"),
        *("batch_size", "loss", "outputs", "schedule"),
    ]
    _needs_goal, _takes_callback = False, True
    _estimator_requirements = (BaseEstimator, LossGradientsMixin)

    def __init__(
        self,
        estimator: Any,
        norm: float | str = np.inf,
        eps: float = 8.0,
        eps_step: float | None = None,
        max_iter: int = 100,
        targeted: bool = False,
        num_random_init: int = 0,
        seed: int = 0,
        batch_size: int = 32,
        loss: str | PoseLoss | None = None,
        outputs: str | None = None,
        schedule: str = "halving",
    ) -> None:
        super().__init__(estimator=estimator)
        self.norm = norm
        self.eps = eps
        self.eps_step = eps_step
        self.max_iter = max_iter
        self._targeted = targeted
        self.num_random_init = num_random_init
        self.seed = seed
        self.batch_size = batch_size
        self.loss = loss
        self.outputs = outputs
        self.schedule = schedule
        self._check_params()

    def _perturbed(self, batch: Batch, callback: Callback | None) -> Tensor:
        strongest = Strongest(batch.x, batch.goal)
        self.attack(batch, strongest, callback)
        return strongest.images

    def attack(self, batch: Batch, strongest: Strongest, callback: Callback | None = None) -> None:
        """All starts, of those who are not finished yet; what they find goes to the strongest."""
        for start in range(max(1, self.num_random_init)):
            rows = (~strongest.finished).nonzero()[:, 0]
            if len(rows):
                begin = self._start(batch, rows, start)
                self._climb(batch, rows, begin, strongest, callback)

    def _climb(
        self,
        batch: Batch,
        rows: Tensor,
        start: Tensor,
        strongest: Strongest,
        callback: Callback | None,
    ) -> None:
        state = Ascent.begin(start, self._first_step())
        goal = None if batch.goal is None else batch.goal[rows]
        loss, tally = self._loss(goal), batch.tally[rows]
        objective = self.estimator.objective(batch.y[rows], loss, self.outputs, goal=goal)
        for k in range(self.max_iter + 1):
            objective.progress = k / max(1, self.max_iter)
            found = objective.evaluate(state.now)
            sign = -1 if self.targeted else 1
            state.note(sign * found.losses, sign * found.gradients)
            if callback is not None:
                callback(k, batch.first + rows, state.now)
            reached = self._reached(batch.goal, rows, state.now, found.poses)
            strongest.offer(rows, state.now, reached, sign * found.losses)
            left = ~strongest.finished[rows]
            tally.note(found.gradients, left)
            if self.schedule == "linear":
                state.fall(k, self.max_iter)
            elif (since := since_checkpoint(k - 1, self.max_iter)) is not None:
                state.check(since)
            self._move(state, batch.x[rows], first=k == 0)
            if batch.goal is not None and not left.all():
                rows, tally = rows[left], tally[left]
                state, objective = state[left], objective[left]
                if not len(rows):
                    return

    def _loss(self, goal: Goal | None) -> str | PoseLoss | None:
        if self.loss is not None or goal is None:
            return self.loss
        return REMAINING if self.targeted else MARGIN

    def _first_step(self) -> float:
        if self.eps_step is not None:
            return self.eps_step
        slow = self.targeted and self.schedule == "linear"
        return self.eps * (FIRST_TARGETED_STEP if slow else FIRST_STEP[self.schedule])

    def _reached(self, goal: Goal | None, rows: Tensor, images: Tensor, poses: Tensor) -> Tensor:
        """(n,), how many joints are at their goal; where all are, as the model itself sees it."""
        if goal is None:
            return torch.zeros(len(rows), device=images.device)
        wanted = goal[rows]
        reached = wanted.reached(poses).sum(1)
        claimed = reached == wanted.counts.sum(1)
        if claimed.any():  # gradients may be those of a rounded copy
            exact = self.estimator.predict(images[claimed], self.batch_size)
            reached[claimed] = wanted[claimed].reached(exact).sum(1)
        return reached

    def _move(self, state: Ascent, clean: Tensor, first: bool) -> None:
        """A step along the gradient, and some of the last step again."""
        along = direction(state.gradient, float(self.norm))
        ahead = self._projected(state.now + state.step * along, clean)
        if not first:
            again = (1 - MOMENTUM) * (state.now - state.before)
            ahead = self._projected(state.now + MOMENTUM * (ahead - state.now) + again, clean)
        state.before, state.now = state.now, ahead

    def _projected(self, images: Tensor, clean: Tensor) -> Tensor:
        moved = clipped(images, self.estimator.clip_values) - clean
        return clean + project(moved, self.eps, float(self.norm))

    def _start(self, batch: Batch, rows: Tensor, number: int) -> Tensor:
        """The images, or points on the sphere that their places and the seed give."""
        clean = batch.x[rows]
        if not self.num_random_init:
            return clean
        shape, norm = tuple(clean.shape[1:]), float(self.norm)
        drawn = np.empty(clean.shape, np.float32)
        for row, place in enumerate(batch.places[rows.cpu().numpy()].tolist()):
            random = np.random.default_rng([self.seed, place, number])
            point = random.uniform(-1, 1, shape) if norm == np.inf else random.normal(size=shape)
            drawn[row] = point / np.linalg.norm(point.ravel(), norm)
        return self._projected(clean + self.eps * torch.as_tensor(drawn).to(clean), clean)

    def _check_params(self) -> None:
        check_norm(self.norm)
        check_finite(self, "eps", *(() if self.eps_step is None else ("eps_step",)))
        check_choice("schedule", self.schedule, FIRST_STEP)
        check_whole(self, max_iter=0, num_random_init=0, seed=0, batch_size=1)
        check_flags(self, "targeted")
        check_loss(self)
