"""How far a score would move with other people: bootstrap intervals over people.

Shapes: N people, K joints, G groups. The draws depend on the seed and on N alone, so clean and
perturbed scores of the same people are drawn together, and a ratio of the two is one of pairs.
"""

import warnings
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hpe_art.metrics.base import Metric, Numbers
from hpe_art.metrics.scores import Score, check_joint_scores, people_means, scale
from hpe_art.skeleton import Skeleton

LEVEL = 95
RESAMPLES = 1000
FEWEST = 4
"""People below whom there is no interval: of three, one of 27 draws is a single person three times,
more than the 2.5 % that an end leaves out, so that the ends would be single people."""
_PARTS = 20

Draws = NDArray[np.float64]
"""(1 + R, ...): the score of the people themselves, then of each of R draws of them."""
Interval = tuple[float, float]


def drawn_scores(
    joint_scores: ArrayLike, metric: Metric, skeleton: Skeleton, seed: int = 0
) -> Draws:
    """The scores of the people themselves, then of each draw of them.

    Of scores (N, K) from `Metric.joint_scores`; with the same N a seed gives the same draws.

    Returns:
        (1 + draws, 1 + K + G): the total, joints and groups in the metric's unit; NaN where
        nothing is labelled, and in the draws of fewer than `FEWEST` people.
    Raises:
        ValueError: ``joint_scores`` is not (N, K).

    Source: Efron 1979, "Bootstrap methods"; 1,000 draws of N people.
    """
    scores = check_joint_scores(joint_scores, skeleton)
    if metric.per == "people":
        scores = np.column_stack([scores, people_means(scores, metric)])
    known = np.concatenate([np.where(np.isnan(scores), 0.0, scores), ~np.isnan(scores)], axis=1)
    times = _times_drawn(len(scores), seed)
    counted = np.concatenate([part @ known for part in np.array_split(times, _PARTS)])
    found, labelled = np.split(counted, 2, axis=1)
    shown, scored = scale(metric), list(metric.scored)
    with np.errstate(invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a draw without any labelled joint
        means = shown * found / labelled
        joints = means[:, : len(skeleton.joints)]
        groups = [np.nanmean(joints[:, list(group)], axis=1) for group in skeleton.groups.values()]
        if metric.per == "people":
            total = means[:, -1]
        elif metric.per == "joint_means":
            total = np.nanmean(joints[:, scored], axis=1)
        else:
            total = shown * found[:, scored].sum(1) / labelled[:, scored].sum(1)
    return of_enough(np.column_stack([total, joints, *groups]), len(scores))


def of_enough(draws: Draws, count: int) -> Draws:
    """Draws (1 + R, ...) of some people, which become NaN where they are fewer than `FEWEST`."""
    if count < FEWEST:
        draws[1:] = np.nan
    return draws


@lru_cache(maxsize=4)
def _times_drawn(count: int, seed: int) -> NDArray[np.uint16]:
    """(1 + draws, N): how often each person is in a draw; all of them once in the first."""
    random, shares = np.random.default_rng(seed), np.full(count, 1 / count)
    # Draw by draw and in few bytes: of thousands of people this would be the largest array.
    draws = (random.multinomial(count, shares).astype(np.uint16) for _ in range(RESAMPLES))
    return np.stack([np.ones(count, np.uint16), *draws])


def relative_draws(perturbed: Draws, clean: Draws) -> Draws:
    """Perturbed in percent of clean `drawn_scores` of the same seed; NaN where clean is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = 100.0 * perturbed / clean
    return np.where(np.isfinite(ratios), ratios, np.nan)


def drawn_medians(values: ArrayLike, seed: int = 0) -> Draws:
    """Medians of values (N, K) over people and joints, then over people for each joint.

    Returns:
        (1 + draws, 1 + K), drawn as `drawn_scores` draws. NaN counts for nobody.
    """
    known = np.asarray(values, np.float64)
    drawn = (np.repeat(known, times, axis=0) for times in _times_drawn(len(known), seed))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a joint that counts for nobody
        return np.stack([np.r_[np.nanmedian(one), np.nanmedian(one, axis=0)] for one in drawn])


def drawn_shares(values: ArrayLike, seed: int = 0) -> Draws:
    """Means (1 + draws,) of values (N, K) over people and joints; NaN counts for nobody."""
    known = np.asarray(values, np.float64)
    sums = np.stack([np.nansum(known, axis=1), (~np.isnan(known)).sum(axis=1)], axis=1)
    totals = _times_drawn(len(known), seed) @ sums
    with np.errstate(invalid="ignore"):
        found: Draws = totals[:, 0] / totals[:, 1]
    return found


def interval(draws: Draws) -> tuple[float, float, float]:
    """The value (1 + R,) of the people themselves, and the ends of its 95 % interval."""
    ends = _ends(draws[1:, None])[0]
    return float(draws[0]), *(ends or (np.nan, np.nan))


def intervals(draws: Draws, skeleton: Skeleton) -> Score[Interval]:
    """95 % percentile intervals (low, high) of the total, each group and each joint.

    Of draws from `drawn_scores` or `relative_draws`; None where no draw has a value.
    """
    total, *ends = _ends(draws[1:])
    joints = dict(zip(skeleton.joints, ends, strict=False))
    groups = dict(zip(skeleton.groups, ends[len(joints) :], strict=True))
    return Score(total, groups, joints)


def _ends(draws: Draws) -> list[Interval | None]:
    """Of each column (R, columns), over the draws that have a value; None where none has."""
    outside = (100 - LEVEL) / 2
    shares = [outside, 100 - outside]
    # All columns at once: one by one they take several times as long.
    found: Numbers = np.full((2, draws.shape[1]), np.nan)
    whole = ~np.isnan(draws).any(axis=0)
    found[:, whole] = np.percentile(draws[:, whole], shares, axis=0)
    for k in np.flatnonzero(~whole):
        known = draws[~np.isnan(draws[:, k]), k]
        found[:, k] = np.percentile(known, shares) if known.size else np.nan
    return [None if np.isnan(low) else (float(low), float(high)) for low, high in found.T]
