"""The training loss with weights for joints that are at their goal, on maps of 5 x 5 cells."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from losses.maps import COUNTED, Head, goal_of, maps

from hpe_art.losses import LOSSES, heatmap_mse
from hpe_art.losses.margin import BEYOND


class Trained(Head):
    """With a training loss, and how far the attack has come."""

    progress = 0.0

    def loss(self, number, output, target):
        return heatmap_mse(output, *target) * (number + 1)


def value(name, output, goal, progress=0.0, count=1):
    head = Trained(goal.to(output.device, output.dtype))
    head.progress = progress
    y = torch.full((1, goal.radii.shape[1], 3), 2.0, dtype=output.dtype)
    return LOSSES.get(name)([output] * count, y, head)


def two_joints(beyond):
    """The first joint is found; the second lost by so much."""
    both = maps(2)
    both[:, 1, 0, 0] = 1.0 + beyond
    return both


@pytest.mark.parametrize("targeted", [False, True])
def test_only_joints_that_are_left_count(targeted):
    squares = np.array([0.6**2, 1.2**2]) / COUNTED / 2  # beside a peak of 1 at the target
    found = value("remaining", two_joints(0.2), goal_of(targeted=targeted, joints=2))
    np.testing.assert_allclose(found, [squares[1 if targeted else 0]])


def test_a_joint_just_beyond_the_boundary_is_left():
    near = value("remaining", two_joints(BEYOND / 2), goal_of(joints=2))
    far = value("remaining", two_joints(2 * BEYOND), goal_of(joints=2))
    assert near > 2 * far


@pytest.mark.parametrize(("progress", "share"), [(0.0, 0.0), (0.5, 0.25), (1.0, 0.5)])
def test_the_share_of_lost_joints_grows_to_a_half(progress, share):
    squares = np.array([0.6**2, 1.2**2]) / COUNTED / 2
    found = value("segpgd", two_joints(0.2), goal_of(joints=2), progress)
    np.testing.assert_allclose(found, [(1 - share) * squares[0] + share * squares[1]])


@pytest.mark.parametrize("name", ["remaining", "segpgd"])
def test_gradients_are_finite_differences(name):
    torch.manual_seed(0)
    output = torch.rand(1, 2, 5, 5, dtype=torch.float64, requires_grad=True)
    goal = goal_of(joints=2)
    assert torch.autograd.gradcheck(lambda o: value(name, o, goal, 0.5), output)


@pytest.mark.parametrize("name", ["remaining", "segpgd"])
def test_outputs_are_summed_and_joints_that_do_not_count_left_out(name):
    goal = goal_of(joints=2)
    np.testing.assert_allclose(
        value(name, two_joints(0.2), goal, 0.5, count=2),
        3 * value(name, two_joints(0.2), goal, 0.5),
    )
    goal.radii[0, 1] = 0.0
    found = value(name, two_joints(0.2), goal)
    np.testing.assert_allclose(found, [0.6**2 / COUNTED / 2])


@pytest.mark.parametrize("name", ["remaining", "segpgd"])
def test_a_loss_without_its_goal_says_so(name):
    head = Trained(goal_of())
    head.goal = None
    with pytest.raises(ValueError, match=f"Expected a goal for the loss {name}.* Got None"):
        LOSSES.get(name)([maps()], torch.zeros(1, 1, 3), head)
