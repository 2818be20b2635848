"""Processes take batches in turns, and have as much to do each."""

import numpy as np
import pytest

from hpe_art.evaluation.attacking import batches_of

MPII, COCO = 2958, 6352


@pytest.mark.parametrize("processes", [2, 3, 4, 8, 16, 31, 32, 63, 64])
@pytest.mark.parametrize("count", [MPII, COCO])
@pytest.mark.parametrize("batch_size", [1, 8, 32, 128])
def test_shares_are_within_two_percent_of_even(count, batch_size, processes):
    batches = batches_of(count, batch_size, processes)
    np.testing.assert_array_equal(np.concatenate(batches), np.arange(count))
    assert max(map(len, batches)) <= batch_size
    shares = [sum(map(len, batches[rank::processes])) for rank in range(processes)]
    assert max(shares) - min(shares) <= 1
    assert max(shares) <= 1.02 * count / processes


@pytest.mark.parametrize(("count", "processes"), [(0, 1), (0, 4), (1, 4), (5, 4)])
def test_few_people_leave_some_processes_without(count, processes):
    batches = batches_of(count, 2, processes)
    assert all(map(len, batches)) and sum(map(len, batches)) == count


def test_one_process_fills_its_batches():
    assert list(map(len, batches_of(7, 3))) == [3, 3, 1]
