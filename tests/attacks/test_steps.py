"""The pieces of one step."""

import numpy as np
import pytest
import torch
from toys import hourglass, people, regression

from hpe_art.attacks.steps import clipped, direction

NETWORKS = dict(hourglass=hourglass(), regression=regression())
QUIET = dict(verbose=False)


@pytest.mark.parametrize("norm", [np.inf, 1, 2])
def test_gradients_that_are_no_numbers_do_no_harm(norm):
    x = torch.as_tensor(people(2)[0])
    gradient = torch.ones_like(x)
    gradient[0, 0, 0, :3] = torch.tensor([torch.inf, -torch.inf, torch.nan])
    found = direction(gradient, norm)
    assert torch.isfinite(found).all()
    # Infinity counts as the largest number: that is where the step goes.
    assert found[0, 0, 0, 0] > 0 and found[0, 0, 0, 2] == 0
    length = torch.linalg.vector_norm(found.flatten(1), ord=norm, dim=1)
    assert length.tolist() == pytest.approx([1.0, 1.0], rel=1e-5)


def test_what_was_outside_of_the_range_may_stay_there():
    clean = torch.tensor([-3.0, 100.0, 260.0])
    moved = clean + torch.tensor([-1.0, 200.0, 1.0])
    assert clipped(moved, (0, 255)).tolist() == [0, 255, 255]
    assert clipped(moved, (0, 255), clean).tolist() == [-3, 255, 260]
    assert clipped(moved, None, clean).tolist() == moved.tolist()
