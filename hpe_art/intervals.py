"""Intervals of PCKh by MPII's names; see `hpe_art.metrics.bootstrap`."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from hpe_art.metrics import PCKh, bootstrap
from hpe_art.metrics.bootstrap import LEVEL, RESAMPLES, Draws, interval
from hpe_art.skeleton import MPII

__all__ = [
    "LEVEL",
    "RESAMPLES",
    "Draws",
    "drawn_scores",
    "interval",
    "pckh_intervals",
    "relative_intervals",
]


def drawn_scores(hits: ArrayLike, seed: int = 0) -> Draws:
    """`bootstrap.drawn_scores` of PCKh: (1 + draws, 1 + 16 + 8)."""
    return bootstrap.drawn_scores(hits, PCKh(MPII), MPII, seed)


def pckh_intervals(hits: ArrayLike, seed: int = 0) -> dict[str, Any]:
    """95 % intervals of everything in `metrics.pckh`, by its names."""
    return _named(drawn_scores(hits, seed))


def relative_intervals(hits: ArrayLike, clean_hits: ArrayLike, seed: int = 0) -> dict[str, Any]:
    """95 % intervals of the relative PCKh, perturbed and clean drawn together."""
    return _named(
        bootstrap.relative_draws(drawn_scores(hits, seed), drawn_scores(clean_hits, seed))
    )


def _named(draws: Draws) -> dict[str, Any]:
    total, *ends = [None if pair is None else list(pair) for pair in bootstrap.intervals(draws)]
    count = len(MPII.joints)
    return {
        "PCKh": total,
        "per_joint": dict(zip(MPII.joints, ends[:count], strict=True)),
        "per_group": dict(zip(MPII.groups, ends[count:], strict=True)),
    }
