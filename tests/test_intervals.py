import numpy as np
import pytest

from hpe_art.intervals import pckh_intervals, relative_intervals
from hpe_art.metrics import pckh


def some_hits(count=200, rate=0.7, seed=1, unlabelled=0.1):
    random = np.random.default_rng(seed)
    hits = (random.random((count, 16)) < rate).astype(float)
    hits[random.random((count, 16)) < unlabelled] = np.nan
    return hits


def test_the_interval_is_that_of_the_binomial_for_independent_joints():
    hits = some_hits(unlabelled=0)
    low, high = pckh_intervals(hits)["per_joint"]["right_ankle"]
    share = hits[:, 0].mean()
    spread = 100 * 1.96 * np.sqrt(share * (1 - share) / 200)
    assert low == pytest.approx(100 * share - spread, abs=1.5)
    assert high == pytest.approx(100 * share + spread, abs=1.5)
    low, high = pckh_intervals(hits)["PCKh"]
    assert high - low == pytest.approx(2 * spread / np.sqrt(14), rel=0.15)


def test_people_are_drawn_not_joints():
    """Joints that fail together make it as wide as for one joint."""
    together = np.repeat(some_hits(unlabelled=0)[:, :1], 16, axis=1)
    one, all_of_them = (
        pckh_intervals(together)["per_joint"]["head_top"],
        pckh_intervals(together)["PCKh"],
    )
    assert one == pytest.approx(all_of_them)


def test_the_score_lies_inside():
    hits = some_hits()
    score, intervals = pckh(hits), pckh_intervals(hits)
    pairs = [(score.PCKh, intervals["PCKh"])]
    pairs += [(score.per_joint[k], intervals["per_joint"][k]) for k in score.per_joint]
    pairs += [(score.per_group[k], intervals["per_group"][k]) for k in score.per_group]
    assert len(pairs) == 25
    assert all(low < value < high for value, (low, high) in pairs)


def test_the_same_seed_gives_the_same_interval():
    hits = some_hits()
    assert pckh_intervals(hits, seed=3) == pckh_intervals(hits, seed=3)
    assert pckh_intervals(hits, seed=3) != pckh_intervals(hits, seed=4)


def test_relative_is_drawn_in_pairs():
    clean = some_hits()
    same = relative_intervals(clean, clean)
    assert same["PCKh"] == same["per_group"]["Hip"] == [100.0, 100.0]
    low, high = relative_intervals(clean * some_hits(rate=0.5, seed=2), clean)["PCKh"]
    assert 45 < low < 50 < high < 55
    assert relative_intervals(clean * 0, clean)["PCKh"] == [0.0, 0.0]
    assert relative_intervals(clean, clean * 0)["PCKh"] is None


def test_without_labels_there_is_none():
    hits = some_hits()
    hits[:, 9] = np.nan
    intervals = pckh_intervals(hits)
    assert intervals["per_joint"]["head_top"] is None and intervals["per_group"]["Head"] is None
    assert intervals["PCKh"] is not None
    assert pckh_intervals(np.full((3, 16), np.nan))["PCKh"] is None


def test_few_labels_are_no_trouble(recwarn):
    hits = np.full((5, 16), np.nan)
    hits[0] = 1
    assert pckh_intervals(hits)["PCKh"] == [100.0, 100.0]
    assert not recwarn.list


def test_a_wrong_shape_is_named():
    with pytest.raises(ValueError, match=r"joint scores of shape \(N, 16\). Got \(4, 3\)"):
        pckh_intervals(np.zeros((4, 3)))
