"""The strongest image found so far, by joints at their goal, then by loss."""

import torch

from hpe_art.attacks.strongest import Strongest
from hpe_art.losses import Goal


def images(*values):
    return torch.tensor(values, dtype=torch.float32)[:, None, None, None].expand(-1, 3, 2, 2)


def numbers(*values):
    return torch.tensor(values, dtype=torch.float32)


def test_more_joints_win_then_a_larger_loss_then_the_first():
    goal = Goal(torch.zeros(3, 4, 2), torch.ones(3, 4))
    strongest = Strongest(images(0, 0, 0), goal)
    everyone = torch.arange(3)
    strongest.offer(everyone, images(1, 1, 1), numbers(2, 2, 2), numbers(5, 5, 5))
    strongest.offer(everyone, images(2, 2, 2), numbers(3, 2, 1), numbers(0, 6, 9))
    strongest.offer(everyone[:2], images(3, 3), numbers(3, 2), numbers(0, 6))
    assert strongest.images[:, 0, 0, 0].tolist() == [2, 2, 1]
    assert strongest.reached.tolist() == [3, 2, 2] and strongest.losses.tolist() == [0, 6, 5]


def test_who_is_finished():
    goal = Goal(torch.zeros(3, 4, 2), torch.tensor([[1.0, 1, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0]]))
    strongest = Strongest(images(7, 8, 9), goal)
    assert strongest.finished.tolist() == [False, False, True]  # nothing of the last counts
    strongest.offer(torch.tensor([0, 1]), images(1, 1), numbers(2, 3), numbers(0, 0))
    assert strongest.finished.tolist() == [True, False, True]
    assert strongest.images[2, 0, 0, 0] == 9


def test_without_a_goal_nobody_is_finished():
    strongest = Strongest(images(0), None)
    strongest.offer(torch.tensor([0]), images(1), numbers(0), numbers(1))
    assert not strongest.finished.any() and strongest.images[0, 0, 0, 0] == 1
