"""How far a PCKh would move with other people: bootstrap intervals over images.

Shapes: N people, 16 joints. The draws depend on the seed and on N alone, so clean and perturbed
hits of the same people are drawn together, and a ratio of the two is one of pairs.
"""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hpe_art.mpii import GROUPS, JOINTS, SCORED

LEVEL = 95
RESAMPLES = 1000
_PARTS = 20

Interval = list[float] | None
Numbers = NDArray[np.float64]
Draws = NDArray[np.float64]
"""(1 + R, ...): the score of the people themselves, then of each of R draws of them."""


def pckh_intervals(hits: ArrayLike, seed: int = 0) -> dict[str, Any]:
    """95 % percentile intervals of everything in `metrics.pckh`.

    Args:
        hits: (N, 16), from `metrics.pckh_hits`.
        seed: of the draws.

    Returns:
        `PCKh`, `per_joint` and `per_group` as in `PoseScore`, each number as [low, high] in
        percent; None where no sample is labelled.

    Raises:
        ValueError: ``hits`` is not (N, 16).

    Source: Efron 1979, "Bootstrap methods"; percentile intervals, 1,000 draws of N people.
    """
    return _named(drawn_scores(hits, seed)[1:])


def relative_intervals(hits: ArrayLike, clean_hits: ArrayLike, seed: int = 0) -> dict[str, Any]:
    """95 % intervals of the relative PCKh, perturbed and clean drawn together.

    Args:
        hits: (N, 16), of the perturbed images.
        clean_hits: (N, 16), of the same people, clean.
        seed: of the draws.

    Returns:
        As `pckh_intervals`, in percent of the clean score; None where that is 0 in every draw.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = 100.0 * drawn_scores(hits, seed)[1:] / drawn_scores(clean_hits, seed)[1:]
    return _named(np.where(np.isfinite(ratios), ratios, np.nan))


def drawn_scores(hits: ArrayLike, seed: int = 0) -> Draws:
    """The scores of the people themselves, then of each draw of them.

    Args:
        hits: (N, 16), from `metrics.pckh_hits`.
        seed: of the draws; with the same N it gives the same draws.

    Returns:
        (1 + draws, 1 + 16 + 8): PCKh, joints and groups in percent; NaN where nothing is labelled.

    Raises:
        ValueError: ``hits`` is not (N, 16).
    """
    hits = np.asarray(hits, np.float64)
    if hits.ndim != 2 or hits.shape[1] != len(JOINTS):
        raise ValueError(f"Expected hits of shape (N, {len(JOINTS)}). Got {hits.shape}.")
    times = _times_drawn(len(hits), seed)
    known = np.concatenate([np.nan_to_num(hits), ~np.isnan(hits)], axis=1)
    counted = np.concatenate([part @ known for part in np.array_split(times, _PARTS)])
    found, labelled = np.split(counted, 2, axis=1)
    scored = list(SCORED)
    with np.errstate(invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a draw without any labelled joint
        joints = 100.0 * found / labelled
        total = 100.0 * found[:, scored].sum(1) / labelled[:, scored].sum(1)
        groups = [np.nanmean(joints[:, list(group)], axis=1) for group in GROUPS.values()]
    return np.column_stack([total, joints, *groups])


@lru_cache(maxsize=4)
def _times_drawn(count: int, seed: int) -> NDArray[np.uint16]:
    """(1 + draws, N): how often each person is in a draw; all of them once in the first."""
    random, shares = np.random.default_rng(seed), np.full(count, 1 / count)
    # Draw by draw and in few bytes: of thousands of people this would be the largest array.
    draws = (random.multinomial(count, shares).astype(np.uint16) for _ in range(RESAMPLES))
    return np.stack([np.ones(count, np.uint16), *draws])


def interval(draws: Draws) -> tuple[float, float, float]:
    """The value (1 + R,) of the people themselves, and the ends of its 95 % interval."""
    return float(draws[0]), *_ends(draws[1:])


def _named(scores: Numbers) -> dict[str, Any]:
    total, *rest = (_interval(column) for column in scores.T)
    joints, groups = rest[: len(JOINTS)], rest[len(JOINTS) :]
    return {
        "PCKh": total,
        "per_joint": dict(zip(JOINTS, joints, strict=True)),
        "per_group": dict(zip(GROUPS, groups, strict=True)),
    }


def _interval(values: Numbers) -> Interval:
    known = values[~np.isnan(values)]
    if not known.size:
        return None
    return list(_ends(known))


def _ends(values: Numbers) -> tuple[float, float]:
    outside = (100 - LEVEL) / 2
    low, high = np.nanpercentile(values, [outside, 100 - outside])
    return float(low), float(high)
