"""From what attacks say of each person beside an image to numbers with intervals.

Shapes: N people, K joints.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpe_art.attacks import share_broken
from hpe_art.evaluation.results import GradientRecord, Measured, MinimumRecord
from hpe_art.evaluation.store import Store
from hpe_art.gradients import NOT_FINITE, ZERO
from hpe_art.metrics.bootstrap import LEVEL, Draws, drawn_medians, drawn_shares, of_enough
from hpe_art.skeleton import Skeleton

GRID = {
    "inf": (0.25, 0.5, 1, 2, 4, 8, 16, 32),
    2.0: (12.5, 25, 50, 100, 200, 400, 800, 1600),
}
"""By norm, eps at which the share of broken joints is told."""


def detail_records(
    store: Store, key: str, index: NDArray[np.int64], norm: Any, skeleton: Skeleton, seed: int
) -> dict[str, Measured | MinimumRecord | GradientRecord]:
    """The fields of `results.Attack` that the details of an attack give; few attacks have any.

    Args:
        store: of a finished run.
        key: folder of the attack in the store.
        index: (N,), places of the people.
        norm: of the attack, as in its settings.
        skeleton: of the dataset.
        seed: of the intervals.
    """
    found: dict[str, Measured | MinimumRecord | GradientRecord] = {}
    states = store.details(key, index, "gradients")
    if states is not None:
        counts = {"zero": ZERO, "not_finite": NOT_FINITE}
        found["gradients"] = GradientRecord(
            **{name: int((states == state).sum()) for name, state in counts.items()}
        )
    reached = store.details(key, index, "joints_reached")
    if reached is not None:
        shares = 100 * drawn_shares(reached, seed)
        found["joints_reached"] = measured(of_enough(shares, len(reached)))
    eps = store.details(key, index, "minimum_eps")
    if eps is not None:
        found["minimum"] = _minimum(eps, norm, skeleton, seed)
    return found


def measured(draws: Draws) -> Measured:
    """The value (1 + R,) of the people themselves, with its interval over the draws."""
    known = np.sort(draws[1:][~np.isnan(draws[1:])])
    shares = [(100 - LEVEL) / 200, (100 + LEVEL) / 200]
    # Draws themselves: between a number and infinity there is nothing to interpolate.
    ends = (
        known[[round(share * (len(known) - 1)) for share in shares]] if len(known) else [np.nan] * 2
    )
    value, low, high = (float(one) if np.isfinite(one) else None for one in (draws[0], *ends))
    return Measured(value=value, interval=(low, high) if len(known) else None)


def _minimum(eps: NDArray[Any], norm: Any, skeleton: Skeleton, seed: int) -> MinimumRecord:
    draws = of_enough(drawn_medians(eps, seed), len(eps))
    counted = ~np.isnan(draws[0])
    total, *joints = (measured(draws[:, k]) for k in range(draws.shape[1]) if counted[k])
    names = [joint for joint, counts in zip(skeleton.joints, counted[1:], strict=True) if counts]
    grid = GRID[norm]
    broken = 100 * share_broken(eps, grid)
    return MinimumRecord(
        median=total,
        joints=dict(zip(names, joints, strict=True)),
        broken={f"{bound:g}": float(share) for bound, share in zip(grid, broken, strict=True)},
    )
