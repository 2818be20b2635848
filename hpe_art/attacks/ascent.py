"""What APGD knows of each image on its way: where it is, where it was best, and its step.

Shapes: n images of (3, H, W) that are still attacked. Nothing looks at the host.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor

RISING = 0.75
"""Share of the steps since the last checkpoint that must have raised the largest loss."""


def checkpoints(steps: int) -> list[int]:
    """The steps at which step sizes are judged, from 0.

    Source: Croce and Hein 2020, arXiv:2003.01690, section 4.1.
    """
    shares = [0.0, 0.22]
    while (ahead := shares[-1] + max(shares[-1] - shares[-2] - 0.03, 0.06)) <= 1:
        shares.append(ahead)
    return [math.ceil(round(share * steps, 6)) for share in shares]


def since_checkpoint(step: int, steps: int) -> int | None:
    """How many steps a checkpoint is after the one before; None where there is no checkpoint."""
    checks = checkpoints(steps)
    at = checks.index(step) if step in checks else 0
    return step - checks[at - 1] if at else None


@dataclass
class Ascent:
    """One start of some images.

    Attributes:
        now: (n, 3, H, W), where they are; `before` where they were a step ago.
        gradient: of the loss there, (n, 3, H, W).
        best: where the loss was largest so far, with `best_before`, `best_gradient`, `best_loss`.
        first_step: (n, 1, 1, 1), length of the first step; `step` of the next.
        halved: (n,), whether the last checkpoint halved it.
        checked_loss: (n,), the largest loss at that checkpoint.
        rises: (n,), how many steps since then have raised it.
    """

    now: Tensor
    before: Tensor
    gradient: Tensor
    best: Tensor
    best_before: Tensor
    best_gradient: Tensor
    best_loss: Tensor
    first_step: Tensor
    step: Tensor
    halved: Tensor
    checked_loss: Tensor
    rises: Tensor

    @classmethod
    def begin(cls, start: Tensor, step: float) -> Ascent:
        """At a start (n, 3, H, W), with steps of that length."""
        lowest = start.new_full((len(start),), -torch.inf)
        steps = start.new_full((len(start), 1, 1, 1), step)
        unknown = torch.zeros_like(start)
        return cls(
            now=start,
            before=start,
            gradient=unknown,
            best=start,
            best_before=start,
            best_gradient=unknown,
            best_loss=lowest,
            first_step=steps,
            step=steps,
            halved=torch.zeros_like(lowest, dtype=torch.bool),
            checked_loss=lowest,
            rises=torch.zeros_like(lowest),
        )

    def __getitem__(self, rows: Tensor) -> Ascent:
        """That of some of the images."""
        return Ascent(*(getattr(self, one.name)[rows] for one in fields(self)))

    def note(self, losses: Tensor, gradients: Tensor) -> None:
        """Takes in the losses (n,) and gradients (n, 3, H, W) of where the images are."""
        gradients = gradients.to(self.now)  # of a network in float64 they are finer
        higher = losses > self.best_loss
        self.gradient = gradients
        # The first loss of all is no rise.
        self.rises = self.rises + (higher & self.best_loss.isfinite())
        self.best = _chosen(higher, self.now, self.best)
        self.best_before = _chosen(higher, self.before, self.best_before)
        self.best_gradient = _chosen(higher, gradients, self.best_gradient)
        self.best_loss = torch.where(higher, losses, self.best_loss)

    def fall(self, number: int, steps: int) -> None:
        """Steps that fall linearly to 0: the length of step `number`, from 0, of so many."""
        self.step = self.first_step * (1 - number / max(1, steps))

    def check(self, since: int) -> None:
        """Halves steps that have not helped, and goes back to the best place with them.

        Args:
            since: steps since the last checkpoint.
        """
        rare = self.rises < RISING * since
        # A step that was halved at the last checkpoint gets another chance.
        stuck = ~self.halved & (self.checked_loss == self.best_loss)
        self.halved = halved = rare | stuck
        self.checked_loss = self.best_loss
        self.step = torch.where(halved[:, None, None, None], self.step / 2, self.step)
        self.rises = torch.zeros_like(self.rises)
        self.now = _chosen(halved, self.best, self.now)
        self.before = _chosen(halved, self.best_before, self.before)
        self.gradient = _chosen(halved, self.best_gradient, self.gradient)


def _chosen(rows: Tensor, images: Tensor, others: Tensor) -> Tensor:
    return torch.where(rows[:, None, None, None], images, others)
