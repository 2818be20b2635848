"""People and their crops behave as values and arrays do."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest


def test_people_are_values(some):
    """Frozen: an attack cannot move the truth by accident."""
    with pytest.raises(AttributeError):
        some.y = some.y[:1]


@pytest.mark.parametrize(
    "use",
    [
        lambda x: x.astype(np.float32),
        lambda x: x[:, ::-1],
        lambda x: x[1, 0],
        lambda x: x[2:4, ..., 5],
        lambda x: x[:0],
        lambda x: x / 2 + 1,
        lambda x: np.clip(x, 50, 60),
        lambda x: x == 7,
        lambda x: x.transpose(0, 2, 3, 1).max((1, 2)),
        lambda x: np.array([x.mean(), x.size, x.nbytes]),
    ],
)
def test_crops_are_used_as_an_array_is(some, pixels, use):
    np.testing.assert_array_equal(use(some.x), use(pixels))


def test_crops_are_not_changed_in_place_and_there_may_be_none(some, pixels):
    assert not any(hasattr(some.x, name) for name in ("sort", "fill", "numpy", "_data"))
    assert some[:0].x.shape == (0, *pixels.shape[1:])


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))]
)
def test_people_and_their_crops_are_copied_and_pickled(some, pixels, duplicate):
    few = some[[2, 0]]
    np.testing.assert_array_equal(duplicate(few).x, pixels[[2, 0]])
    np.testing.assert_array_equal(duplicate(few.x)[:1], pixels[[2]])
