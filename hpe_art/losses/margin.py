"""Losses that ask what the metric asks: how far each joint is beyond its circle.

Shapes: N images, K joints, H x W heatmap cells.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from hpe_art.losses.base import DISTANCE, LOSSES, MARGIN, with_goal
from hpe_art.losses.goal import Goal

SHARPNESS = 5.0
"""Of the smooth maximum over cells, for heatmaps whose peaks are about 1; so blunt that the whole
map takes part. From 2.5 to 7 it makes little difference, 20 is much weaker (docs/strength.md)."""
BEYOND = 0.05
"""A joint this far beyond the boundary pulls no more: heatmap units, radii for coordinates."""
NEVER = -1e4


@LOSSES.register_module(name=MARGIN)
@with_goal
def margin_loss(outputs: list[Tensor], y: Tensor, head: Any) -> Tensor:
    """By how much the joints lie beyond their circles: (N,), summed over joints and outputs.

    Heatmaps: the maximum of the cells beyond the circle minus that of those within; its gradient is
    that of the smooth maxima (log-sum-exp), which sees every cell. SimCC: the same along each axis,
    the larger of both. Coordinates: the distance from the circle in radii. A joint that has reached
    its goal by a small margin adds a constant, so that the attack turns to those that have not.

    Args:
        outputs: raw outputs; those with other channels than joints are left out.
        y: (N, K, 3), not looked at: the goal has the places.
        head: adaptor with `goal`, `parts` and `decode`.

    Raises:
        ValueError: there is no goal.

    Source: the C&W margin (Carlini and Wagner 2017, arXiv:1608.04644) for each joint, with the two
    sides of the metric's boundary for classes.
    """
    goal = goal_of(head, MARGIN)
    joints = goal.radii.shape[1]
    chosen = [output for output in outputs if output.shape[1] == joints]
    values = [_hinged(joint_margins(output, head, goal), goal) for output in chosen]
    return torch.stack(values).sum(0)


@LOSSES.register_module(name=DISTANCE)
def distance_loss(outputs: list[Tensor], y: Tensor, head: Any) -> Tensor:
    """How far the last output puts the joints from y: (N,).

    Without a goal the mean in crop pixels over the labelled joints, 0 if there is none; with one
    the sum over joints of the distance from the circle in radii, up to a little beyond it. See
    `heatmaps.expected_distances`.
    """
    distances = head.distances(outputs[-1], y)
    if head.goal is not None:
        return _hinged(_in_radii(distances, head.goal.radii), head.goal)
    labelled = y[..., 2] > 0
    mean: Tensor = distances.masked_fill(~labelled, 0.0).sum(1) / labelled.sum(1).clamp(min=1)
    return mean


def goal_of(head: Any, loss: str) -> Goal:
    """The goal that a loss needs.

    Raises:
        ValueError: the attack has none.
    """
    if head.goal is None:
        raise ValueError(
            f"Expected a goal for the loss {loss}: circles of a metric with a radius. Got None: "
            "give one (hpe_art.evaluation.goals), or take another loss."
        )
    found: Goal = head.goal
    return found


def circle_cells(goal: Goal, part: Any) -> Tensor:
    """Which places of a part lie in each joint's circle: (N, K, L), at least the nearest one.

    Along one axis the circle is as wide as it is, or, where it is to be entered, as the square
    within it, so that a joint that has left, or entered, on the axes has done so.

    Args:
        goal: of the attack.
        part: of an output (`hpe_art.estimators.heads.Part`).
    """
    places = part.places.to(goal.centres)
    apart = torch.linalg.vector_norm(goal.centres[..., None, part.axes] - places, dim=-1)
    nearest = apart == apart.amin(-1, keepdim=True)
    square = goal.targeted and places.shape[-1] == 1
    radii = goal.radii / math.sqrt(2) if square else goal.radii
    return (apart < radii[..., None]) | nearest


def joint_margins(output: Tensor, head: Any, goal: Goal) -> Tensor:
    """By how much each joint of an output lies beyond its circle: (N, K), negative within.

    In heatmap units, or in radii for coordinates. The value is exact, the gradient smooth.
    """
    parts = head.parts(output)
    if not parts:
        points = head.decode(output)[..., :2]
        offsets = (points - goal.centres).square().sum(-1)
        # Rounded off below a pixel, so that there is a gradient at 0; both alike, so that the
        # boundary stays where it is.
        return _in_radii(_rounded(offsets), _rounded(goal.radii.square()))
    return torch.stack([_part_margins(part, goal) for part in parts]).amax(0)


def _part_margins(part: Any, goal: Goal) -> Tensor:
    within, values = circle_cells(goal, part), part.values
    inner, outer = values.masked_fill(~within, NEVER), values.masked_fill(within, NEVER)
    exact = (outer.amax(-1) - inner.amax(-1)).detach()
    smooth = (outer * SHARPNESS).logsumexp(-1) - (inner * SHARPNESS).logsumexp(-1)
    return exact + (smooth - smooth.detach()) / SHARPNESS


def _rounded(squares: Tensor) -> Tensor:
    return (squares + 1).sqrt() - 1


def _in_radii(distances: Tensor, radii: Tensor) -> Tensor:
    return distances / radii.clamp(min=1e-6) - 1


def _hinged(margins: Tensor, goal: Goal) -> Tensor:
    bounded = margins.clamp(min=-BEYOND) if goal.targeted else margins.clamp(max=BEYOND)
    return bounded.masked_fill(~goal.counts, 0.0).sum(1)
