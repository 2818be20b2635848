"""Losses over the cells of heatmaps, or along axes, as segmentation has them over pixels.

Shapes: N images, K joints.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from hpe_art.losses.base import LOSSES, with_goal
from hpe_art.losses.margin import SHARPNESS, circle_cells, goal_of


@LOSSES.register_module(name="cross_entropy")
@with_goal
def cross_entropy(outputs: list[Tensor], y: Tensor, head: Any) -> Tensor:
    """Minus the logarithm of the share of the softmax that lies in the circles: (N,).

    Summed over joints and outputs. Unlike the margin it never turns from a joint that is lost.

    Args:
        outputs: raw heatmaps; those with other channels than joints are left out.
        y: (N, K, 3), not looked at: the goal has the places.
        head: adaptor with `goal` and `parts`.

    Raises:
        ValueError: no goal, or a head without cells.
    """
    goal = goal_of(head, "cross_entropy")
    return torch.stack([_entropy(o, head, goal) for o in _heatmaps(outputs, y, head)]).sum(0)


@LOSSES.register_module(name="cosine")
def cosine_loss(outputs: list[Tensor], y: Tensor, head: Any) -> Tensor:
    """The training loss of each joint times the likeness of output and target: (N,).

    The weight is the cosine between the softmaxes of both, without a gradient, so that joints
    which are still right count more. Summed over outputs.

    Args:
        outputs: raw heatmaps; those with other channels than joints are left out.
        y: (N, K, 3), poses.
        head: adaptor with `targets`, `loss` and `parts`.

    Raises:
        ValueError: a head without cells.

    Source: CosPGD, Agnihotri et al. 2024, arXiv:2302.02213, equations 5 to 7, for each joint.
    """
    _heatmaps(outputs, y, head)
    pairs = enumerate(zip(outputs, head.targets(y, len(outputs)), strict=True))
    return torch.stack(
        [
            head.loss(i, output, (target, weights * _likeness(output, target)))
            for i, (output, (target, weights)) in pairs
            if output.shape[1] == y.shape[1]
        ]
    ).sum(0)


def _heatmaps(outputs: list[Tensor], y: Tensor, head: Any) -> list[Tensor]:
    chosen = [output for output in outputs if output.shape[1] == y.shape[1]]
    if not chosen or not head.parts(chosen[-1]):
        raise ValueError(
            "Expected a head of heatmaps or SimCC for a loss over cells. Got one of coordinates: "
            "take the loss margin or distance."
        )
    return chosen


def _entropy(output: Tensor, head: Any, goal: Any) -> Tensor:
    shares = torch.stack([_share(part, goal) for part in head.parts(output)]).sum(0)
    return -shares.masked_fill(~goal.counts, 0.0).sum(1)


def _share(part: Any, goal: Any) -> Tensor:
    """The logarithm of what lies in the circle."""
    logarithms = (part.values * SHARPNESS).log_softmax(-1)
    return logarithms.masked_fill(~circle_cells(goal, part), -torch.inf).logsumexp(-1)


def _likeness(output: Tensor, target: Tensor) -> Tensor:
    seen, wanted = output.detach().flatten(2).softmax(-1), target.flatten(2).softmax(-1)
    return torch.cosine_similarity(seen, wanted, dim=-1)
