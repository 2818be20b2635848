from __future__ import annotations

import numpy as np
import pytest

from hpe_art.metrics import EPE, OKS, PCK, PCKh, score
from hpe_art.metrics.bootstrap import (
    FEWEST,
    RESAMPLES,
    drawn_medians,
    drawn_scores,
    drawn_shares,
    interval,
    intervals,
    of_enough,
    relative_draws,
)
from hpe_art.skeleton import MPII

METRICS = [PCKh, PCK, OKS, EPE]


def some_scores(seed=1, count=50, unlabelled=0.2) -> np.ndarray:
    random = np.random.default_rng(seed)
    scores = random.random((count, 16))
    scores[random.random((count, 16)) < unlabelled] = np.nan
    return scores


def times_drawn(count, seed):
    """As in `_times_drawn`, all at once."""
    random = np.random.default_rng(seed)
    return random.multinomial(count, np.full(count, 1 / count), size=RESAMPLES)


@pytest.mark.parametrize("metric", METRICS)
def test_the_first_row_is_the_score_of_the_people_themselves(metric):
    metric, scores = metric(MPII), some_scores()
    expected = score(scores, metric, MPII)
    columns = [expected.value, *expected.joints.values(), *expected.groups.values()]
    np.testing.assert_allclose(drawn_scores(scores, metric, MPII)[0], columns, rtol=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_every_draw_is_the_score_of_the_people_drawn(metric):
    metric, scores = metric(MPII), some_scores()
    draws = drawn_scores(scores, metric, MPII, seed=4)
    assert draws.shape == (1 + RESAMPLES, 1 + 16 + 8)
    for row, times in list(zip(draws[1:], times_drawn(50, 4)))[::250]:
        expected = score(np.repeat(scores, times, axis=0), metric, MPII)
        assert row[0] == pytest.approx(expected.value)
        np.testing.assert_allclose(row[1:17], list(expected.joints.values()))
        np.testing.assert_allclose(row[17:], list(expected.groups.values()))


def test_the_interval_is_that_of_the_mean_of_people():
    means = np.random.default_rng(0).normal(50, 10, 400)
    draws = drawn_scores(np.repeat(means[:, None], 16, 1), EPE(MPII), MPII)
    value, low, high = interval(draws[:, 0])
    assert value == pytest.approx(means.mean())
    spread = 1.96 * means.std() / np.sqrt(400)
    assert [low, high] == pytest.approx([value - spread, value + spread], abs=0.15)


def test_pckh_has_the_numbers_of_version_0_1_bit_for_bit():
    random = np.random.default_rng(7)
    hits = (random.random((60, 16)) < 0.7).astype(float)
    hits[random.random((60, 16)) < 0.2] = np.nan
    draws = drawn_scores(hits, PCKh(MPII), MPII, seed=3)
    assert [float(x).hex() for x in draws[[0, 1, 2, 1000], [0, 0, 5, -1]]] == [
        "0x1.153bc20760a54p+6",
        "0x1.14ec4ec4ec4ecp+6",
        "0x1.138e38e38e38ep+6",
        "0x1.e7e97e97e97eap+5",
    ]
    ends = intervals(draws, MPII)
    assert ends.value == (66.32551020408162, 72.2943722943723)
    assert ends.groups["Wrist"] == (56.10606060606061, 73.86400058275059)


def test_ratios_are_of_pairs():
    clean = some_scores()
    perturbed = np.where(np.isnan(clean), np.nan, 2 * clean)
    draws = [drawn_scores(scores, EPE(MPII), MPII, 5) for scores in (perturbed, clean)]
    np.testing.assert_allclose(relative_draws(*draws), 200)


def test_a_ratio_to_nothing_is_none():
    clean = drawn_scores(0 * some_scores(), PCKh(MPII), MPII)
    ratios = relative_draws(drawn_scores(some_scores(2), PCKh(MPII), MPII), clean)
    assert np.isnan(ratios).all() and intervals(ratios, MPII).value is None


@pytest.mark.parametrize("metric", METRICS)
def test_joints_and_people_without_labels_are_no_trouble(metric, recwarn):
    scores = some_scores(unlabelled=0)
    scores[:, 9] = np.nan
    scores[1:, 0] = np.nan
    scores[5:8] = np.nan
    draws = drawn_scores(scores, metric(MPII), MPII)
    ends = intervals(draws, MPII)
    assert ends.joints["head_top"] is None and ends.groups["Head"] is None
    shown = 1 if metric is EPE else 100
    assert ends.joints["right_ankle"] == pytest.approx((shown * scores[0, 0], shown * scores[0, 0]))
    assert np.isfinite(draws[:, 0]).all()
    assert not recwarn.list


def test_a_wrong_shape_is_named():
    with pytest.raises(ValueError, match=r"joint scores of shape \(N, 16\). Got \(4, 3\)"):
        drawn_scores(np.zeros((4, 3)), PCKh(MPII), MPII)


@pytest.mark.parametrize("count", [1, 2, FEWEST - 1, FEWEST])
def test_few_people_have_scores_and_no_interval(count):
    metric = PCKh(MPII)
    hits = np.random.default_rng(0).integers(0, 2, (count, len(MPII.joints))).astype(float)
    draws = drawn_scores(hits, metric, MPII)
    ends = intervals(draws, MPII)
    enough = count >= FEWEST
    assert draws[0, 0] == pytest.approx(score(hits, metric, MPII).value)
    assert (ends.value is not None) == enough
    assert any(one is not None for one in ends.joints.values()) == enough
    assert (intervals(relative_draws(draws, draws + 1), MPII).value is not None) == enough
    for one in (drawn_medians(hits)[:, 0], drawn_shares(hits)):
        one = of_enough(one, count)
        assert np.isfinite(one[0]) and np.isfinite(interval(one)[1]) == enough
