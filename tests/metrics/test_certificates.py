"""Certified eps against closed forms: coordinates of a linear model are normal."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, norm

from hpe_art.metrics.certificates import Smoothing, smoothed_poses


def drawn(count, copies, means, spreads, seed=0):
    """(N, C, K, 2), normal coordinates: those of a linear model under noise of sigma 1."""
    random = np.random.default_rng(seed)
    return means + spreads * random.standard_normal((count, copies, *np.shape(means)))


def linear_eps(offset, spread, radius):
    """Of a linear joint: its box, of half a side spread * eps, fills the circle."""
    eps = np.linspace(0, 100, 100_001)[:, None]
    corners = np.abs(offset) + eps * np.array(spread)
    return eps[np.hypot(*corners.T) < radius].max(initial=0.0)


@pytest.mark.parametrize(
    ("offset", "spread"),
    [((0.0, 0.0), (1.0, 1.0)), ((3.0, -1.0), (0.5, 2.0)), ((-2.0, 2.0), (1.0, 0.0))],
)
def test_many_copies_come_near_the_closed_form_and_not_beyond(offset, spread):
    smoothing = Smoothing(sigma=4.0, copies=20_000)
    points = drawn(20, smoothing.copies, np.array([offset]), 4 * np.array([spread]))
    found = smoothing.certified_eps(points, np.zeros((20, 1, 2)), np.full((20, 1), 5.0))
    true = linear_eps(offset, spread, 5.0)
    assert 0 < true < smoothing.reach()[0]
    assert found.max() < true and found.min() > 0.85 * true


@pytest.mark.parametrize(("grid", "true"), [(None, 1.6), (0.5, 1.65)])
def test_certificates_fail_no_oftener_than_the_confidence_says(grid, true):
    """Of 4,000 joints that one side of the box decides on; also on a grid, as of heatmaps."""
    smoothing = Smoothing(sigma=1.0, copies=60, confidence=0.8)
    points = drawn(4000, 60, np.array([[0.6, 0.0]]), np.array([1.0, 0.0]))
    points = points if grid is None else np.round(points / grid) * grid
    found = smoothing.certified_eps(points, np.zeros((4000, 1, 2)), np.full((4000, 1), 2.2))
    assert np.median(found) > 0.5 * true
    failed = np.mean(found > true)
    assert failed <= 0.2 / 4 + 3 * np.sqrt(0.05 / 4000)
    assert grid or failed > 0.02  # no wider than they have to be


def test_the_reach_is_that_of_the_binomial_bound():
    smoothing = Smoothing(sigma=8.0, copies=30, confidence=0.99)
    reach = smoothing.reach()
    assert (np.diff(reach) < 0).all() and (reach > 0).all()
    for left_out, eps in enumerate(reach):
        # The copy that is left at the end lies below the quantile if so many of all do.
        share = norm.cdf(eps / 8.0)
        assert binom.sf(30 - left_out - 1, 30, share) == pytest.approx(0.01 / 4)
    assert reach[0] == pytest.approx(8 * norm.ppf((0.01 / 4) ** (1 / 30)))
    with_more = Smoothing(8.0, 31, 0.99).reach()[0], Smoothing(8.0, 30, 0.98).reach()[0]
    assert min(with_more) > reach[0] and Smoothing(16.0, 30, 0.99).reach()[0] == 2 * reach[0]


def test_what_is_certified_of_each_joint():
    smoothing = Smoothing(sigma=1.0, copies=40)
    reach = smoothing.reach()
    points = np.zeros((1, 40, 5, 2))
    points[0, 0, 1] = (9, 0)  # one copy outside: leave one out
    points[0, :2, 2, 1] = np.nan  # two that are nowhere
    points[0, :30, 3] = (9, 9)  # most are outside
    radii = np.array([[1.0, 1.0, 1.0, 1.0, 0.0]])
    found = smoothing.certified_eps(points, np.zeros((1, 5, 2)), radii)
    np.testing.assert_allclose(found, [[reach[0], reach[1], reach[2], 0, np.nan]])
    # The corner of the box is to be inside, not the middles of its sides.
    points[0, ::2, 0], points[0, 1::2, 0] = (0.7, 0.7), (-0.7, -0.7)
    assert smoothing.certified_eps(points, np.zeros((1, 5, 2)), radii)[0, 0] == reach[0]
    points[0, ::2, 0, 0] = points[0, 1::2, 0, 1] = 0.72
    assert smoothing.certified_eps(points, np.zeros((1, 5, 2)), radii)[0, 0] == 0


def test_certified_joints_are_where_the_smoothed_network_finds_them():
    smoothing = Smoothing(sigma=1.0, copies=30)
    points = drawn(500, 30, np.array([[0.3, 0.3]]), 0.5)
    found = smoothing.certified_eps(points, np.zeros((500, 1, 2)), np.ones((500, 1)))[:, 0]
    inside = np.hypot(*smoothed_poses(points)[:, 0].T) < 1
    assert 0 < (found > 0).sum() < inside.sum() and inside[found > 0].all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sigma": 0.0}, r"a finite sigma > 0, in grey levels. Got 0: without noise nothing"),
        ({"sigma": float("inf")}, "a finite sigma > 0, in grey levels. Got inf"),
        ({"confidence": 1.0}, "a confidence between 0 and 1, such as 0.999. Got 1."),
        ({"confidence": 99.9}, "a confidence between 0 and 1, such as 0.999. Got 99.9."),
        ({"copies": 11}, "at least 12 copies of each image for a confidence of 0.999. Got 11"),
    ],
)
def test_settings_that_certify_nothing(settings, message):
    with pytest.raises(ValueError, match=message):
        Smoothing(**settings)


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.999, 0.999999])
def test_the_fewest_copies(confidence):
    fewest = Smoothing(1.0, 1000, confidence).fewest
    assert Smoothing(1.0, fewest, confidence).reach()[0] > 0
    with pytest.raises(ValueError, match=f"at least {fewest} copies"):
        Smoothing(1.0, fewest - 1, confidence)


def test_points_of_another_shape():
    with pytest.raises(ValueError, match=r"Expected points \(1, 200, 2, 2\).* Got \(1, 30, 2, 2\)"):
        Smoothing().certified_eps(np.zeros((1, 30, 2, 2)), np.zeros((1, 2, 2)), np.zeros((1, 2)))
