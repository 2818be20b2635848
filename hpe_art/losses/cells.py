"""Losses over the cells of heatmaps, as segmentation has them over pixels.

Shapes: N images, K joints, H x W heatmap cells.
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
        head: adaptor with `goal` and `cells`.

    Raises:
        ValueError: no goal, or a head without cells.
    """
    goal = goal_of(head, "cross_entropy")
    return torch.stack([_entropy(o, head, goal) for o in _heatmaps(outputs, y, head)]).sum(0)


@LOSSES.register_module(name="cosine")
def cosine_loss(outputs: list[Tensor], y: Tensor, head: Any) -> Tensor:
    """Squared error of each heatmap times its likeness to the target: (N,).

    The weight is the cosine between the softmaxes of heatmap and target, without a gradient, so
    that joints which are still right count more. Mean over joints and cells, summed over outputs.

    Args:
        outputs: raw heatmaps; those with other channels than joints are left out.
        y: (N, K, 3), poses.
        head: adaptor with `targets` and `cells`.

    Raises:
        ValueError: a head without cells.

    Source: CosPGD, Agnihotri et al. 2024, arXiv:2302.02213, equations 5 to 7, for each joint.
    """
    targets = head.targets(y, len(outputs))
    joints = [pair for pair in zip(outputs, targets, strict=True) if pair[0].shape[1] == y.shape[1]]
    _heatmaps([output for output, _ in joints], y, head)
    return torch.stack([_cosine(output, *target) for output, target in joints]).sum(0)


def _heatmaps(outputs: list[Tensor], y: Tensor, head: Any) -> list[Tensor]:
    chosen = [output for output in outputs if output.shape[1] == y.shape[1]]
    if not chosen or head.cells(chosen[-1]) is None:
        raise ValueError(
            "Expected a head of heatmaps for a loss over cells. Got one of coordinates: take the "
            "loss margin or distance."
        )
    return chosen


def _entropy(output: Tensor, head: Any, goal: Any) -> Tensor:
    within = circle_cells(goal, head.cells(output))
    logarithms = (output.flatten(2) * SHARPNESS).log_softmax(-1)
    shares = logarithms.masked_fill(~within, -torch.inf).logsumexp(-1)
    return -shares.masked_fill(~goal.counts, 0.0).sum(1)


def _cosine(output: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    seen, wanted = output.detach().flatten(2).softmax(-1), target.flatten(2).softmax(-1)
    likeness = torch.cosine_similarity(seen, wanted, dim=-1) * weights
    return ((output - target).square().flatten(2).mean(-1) * likeness).mean(1)
