"""The network's own training loss, with weights for joints that are, or are not, at their goal.

Shapes: N images, K joints.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from hpe_art.losses.base import LOSSES, REMAINING, with_goal
from hpe_art.losses.goal import Goal
from hpe_art.losses.margin import BEYOND, goal_of, joint_margins


@LOSSES.register_module(name=REMAINING)
@with_goal
def remaining_loss(outputs: list[Tensor], y: Tensor, head: Any) -> Tensor:
    """The training loss of the joints that each output does not have at their goal yet: (N,).

    A joint counts as there once it is a little beyond the boundary, as for the margin.

    Args:
        outputs: raw outputs; those with other channels than joints are left out.
        y: (N, K, 3), true or target poses.
        head: adaptor with `goal`, `targets`, `loss`, `parts` and `decode`.

    Raises:
        ValueError: there is no goal.
    """
    goal = goal_of(head, REMAINING)
    return _weighted(outputs, y, head, goal, left=1.0, there=0.0, beyond=BEYOND)


@LOSSES.register_module(name="segpgd")
@with_goal
def segpgd_loss(outputs: list[Tensor], y: Tensor, head: Any) -> Tensor:
    """The training loss with a share of its weight for joints that are at their goal: (N,).

    The share grows from 0 to one half over the steps of the attack (`head.progress`).

    Args:
        outputs: raw outputs; those with other channels than joints are left out.
        y: (N, K, 3), true or target poses.
        head: adaptor with `goal`, `progress`, `targets`, `loss`, `parts` and `decode`.

    Raises:
        ValueError: there is no goal.

    Source: SegPGD, Gu et al. 2022, arXiv:2207.12391, equations 4 and 5, with joints for pixels.
    """
    share, goal = head.progress / 2, goal_of(head, "segpgd")
    return _weighted(outputs, y, head, goal, left=1 - share, there=share, beyond=0.0)


def _weighted(
    outputs: list[Tensor],
    y: Tensor,
    head: Any,
    goal: Goal,
    left: float,
    there: float,
    beyond: float,
) -> Tensor:
    """The training loss with one weight for joints that are left, one for those that are there.

    A joint is there once its margin is so much beyond the boundary.
    """
    losses = []
    for number, (output, (target, weights)) in enumerate(
        zip(outputs, head.targets(y, len(outputs)), strict=True)
    ):
        if output.shape[1] == y.shape[1]:
            margins = joint_margins(output.detach(), head, goal)
            reached = margins < -beyond if goal.targeted else margins > beyond
            share = torch.where(reached, there, left).masked_fill(~goal.counts, 0.0)
            losses.append(head.loss(number, output, (target, weights * share.to(weights))))
    return torch.stack(losses).sum(0)
