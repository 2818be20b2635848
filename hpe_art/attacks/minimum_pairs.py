"""Pairs of a person and a joint, each of which has a search of its own for the smallest eps.

Shapes: R pairs, K joints, images of (3, H, W).
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from hpe_art.attacks.batches import Batch
from hpe_art.losses import Goal, margin_loss, with_goal


@dataclass(frozen=True)
class Pairs:
    """Joints that are to be moved, each by an image of its own.

    Attributes:
        x: (R, 3, H, W), clean images.
        y: (R, K, 3), poses of these people.
        people: (R,), rows of the batch.
        joints: (R,), the joint of each pair.
        goal: the circles of all joints of each pair's person.
    """

    x: Tensor
    y: Tensor
    people: Tensor
    joints: Tensor
    goal: Goal

    @classmethod
    def of(cls, batch: Batch, wanted: Tensor) -> Pairs:
        """Those of a batch where `wanted` (N, K) says so; the batch has a goal."""
        people, joints = wanted.nonzero(as_tuple=True)
        assert batch.goal is not None
        return cls(batch.x[people], batch.y[people], people, joints, batch.goal[people])

    def __len__(self) -> int:
        return len(self.joints)

    @property
    def own_goal(self) -> Goal:
        """The circle of each pair's own joint; no other counts."""
        joints = torch.arange(self.goal.radii.shape[1], device=self.joints.device)
        others = joints != self.joints[:, None]
        return replace(self.goal, radii=self.goal.radii.masked_fill(others, 0.0))

    def moved(self, poses: Tensor) -> Tensor:
        """(R, R), whether the image of a column moves the joint of a row, of the same person.

        Args:
            poses: (R, K, 3), seen on one image for each pair.
        """
        same = self.people[:, None] == self.people
        return same & self.goal.reached(poses)[:, self.joints].T


class Shortest:
    """The image of smallest norm that moves each pair's joint, of all that were offered.

    An image that was made for one joint and moves another of the same person counts for both.

    Args:
        pairs: whose joints are to be moved.
        norm: numpy.inf or 2.

    Attributes:
        eps: (R,), norm of the perturbation; infinite where no image moved the joint.
        images: (R, 3, H, W); clean ones where none did.
        points: (R, 3), where the joint was seen on it; NaN where none did.
    """

    def __init__(self, pairs: Pairs, norm: float) -> None:
        self._pairs = pairs
        self._norm = norm
        self.eps = pairs.x.new_full((len(pairs),), torch.inf)
        self.images = pairs.x
        self.points = pairs.x.new_full((len(pairs), 3), torch.nan)

    def offer(self, images: Tensor, poses: Tensor) -> Tensor:
        """Takes what is smaller.

        Args:
            images: (R, 3, H, W), one for each pair.
            poses: (R, K, 3), seen on them.

        Returns:
            (R,), the pairs for which the image of another one was taken.
        """
        pairs = self._pairs
        lengths = lengths_of(images - pairs.x, self._norm)
        usable = torch.where(pairs.moved(poses), lengths, torch.inf)
        least, source = usable.min(1)
        own = torch.arange(len(pairs), device=source.device)
        source = torch.where(usable.diagonal() == least, own, source)
        smaller = least < self.eps
        self.eps = torch.where(smaller, least, self.eps)
        self.images = torch.where(smaller[:, None, None, None], images[source], self.images)
        points = poses[source, pairs.joints]
        self.points = torch.where(smaller[:, None], points, self.points)
        return smaller & (source != own)


@with_goal
def beyond_boundary(outputs: list[Tensor], y: Tensor, head: Any) -> Tensor:
    """The margin as a height above the metric's boundary, (N,): about 0 where a joint is lost.

    Circles of heatmaps are half a cell wider (targeted: narrower), since a maximum that is refined
    after it has left its circle may be back inside; within them the margin's hinge would leave a
    joint that is not lost.

    Args:
        outputs: raw outputs.
        y: (N, K, 3), not looked at.
        head: adaptor with `goal`, `parts` and `decode`.
    """
    goal: Goal = head.goal
    joints = goal.radii.shape[1]
    chosen = [output for output in outputs if output.shape[1] == joints]
    half_a_cell: Tensor | float = 0.0
    if parts := head.parts(chosen[-1]):
        places = parts[0].places
        half_a_cell = (places[..., 1, :] - places[..., 0, :]).norm(dim=-1) / 2
    radii = goal.radii + (-half_a_cell if goal.targeted else half_a_cell)
    asked = copy(head)
    asked.goal = replace(goal, radii=torch.where(goal.counts, radii.clamp(min=1e-3), 0.0))
    return margin_loss(chosen, y, asked)


def lengths_of(perturbations: Tensor, norm: float) -> Tensor:
    """(R,), the norm of each of (R, 3, H, W)."""
    return torch.linalg.vector_norm(perturbations.flatten(1), ord=norm, dim=1)
