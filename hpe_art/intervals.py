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
    found = bootstrap.intervals(draws, MPII)
    return {
        "PCKh": _listed(found.value),
        "per_joint": {name: _listed(ends) for name, ends in found.joints.items()},
        "per_group": {name: _listed(ends) for name, ends in found.groups.items()},
    }


def _listed(ends: bootstrap.Interval | None) -> list[float] | None:
    return None if ends is None else list(ends)
