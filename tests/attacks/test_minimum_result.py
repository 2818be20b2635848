import numpy as np
import torch

from hpe_art.attacks import Minimum, median_eps, share_broken
from hpe_art.losses import Goal

EPS = np.array([[0.0, 1.0, np.nan], [2.0, np.inf, np.nan], [4.0, np.inf, np.nan]], np.float32)


def test_medians_leave_out_what_does_not_count():
    np.testing.assert_array_equal(median_eps(EPS), [2.0, np.inf, np.nan])
    np.testing.assert_array_equal(median_eps([[1.0, np.nan], [3.0, 5.0]]), [2.0, 5.0])
    np.testing.assert_array_equal(median_eps([[1.0], [np.inf]]), [np.inf])


def test_the_share_broken_rises_with_eps():
    grid = [0.0, 0.5, 1.0, 2.0, 255.0]
    np.testing.assert_allclose(share_broken(EPS, grid), np.array([1, 1, 2, 3, 4]) / 6)
    np.testing.assert_allclose(share_broken(EPS[:, 1], grid), np.array([0, 0, 1, 1, 1]) / 3)
    assert np.isnan(share_broken(EPS[:, 2], grid)).all()
    assert share_broken(EPS, 2.0) == 0.5


def test_nothing_is_known_before_the_search():
    goal = Goal(torch.zeros(2, 2, 2), torch.tensor([[1.0, 0.0], [1.0, 2.0]]))
    found = Minimum.unknown(goal)
    np.testing.assert_array_equal(found.eps, [[np.inf, np.nan], [np.inf, np.inf]])
    found.note_lost(1, torch.tensor([[False, True]]), torch.full((1, 2, 3), 7.0))
    one = torch.tensor([0])
    found.note(one, one, torch.tensor([0.5]), torch.tensor([[1.0, 2.0, 3.0]]))
    np.testing.assert_array_equal(found.eps, [[0.5, np.nan], [np.inf, 0.0]])
    assert found.poses[1, 1].tolist() == [7.0] * 3 and found.poses[0, 0].tolist() == [1, 2, 3]
    assert np.isnan(found.poses[1, 0]).all() and found.poses.dtype == np.float32
