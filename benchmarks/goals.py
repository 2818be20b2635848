"""What is aimed at, and whether a run reached it."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.contenders import BESIDE
from benchmarks.speed import ratios


@dataclass(frozen=True)
class Goal:
    """One ratio that is aimed at.

    Attributes:
        case: name of the network.
        batch_size: images.
        device: "cpu" or "cuda".
        slow: contenders whose time is divided; the fastest of them counts.
        fast: the one whose time divides.
        at_least: the ratio must reach this; or
        at_most: must not pass this, for what ours may cost over the floor.
    """

    case: str
    batch_size: int
    device: str
    slow: tuple[str, ...]
    fast: str
    at_least: float | None = None
    at_most: float | None = None


_PAPER, _BUNDLED = ("2-stack hourglass", 8, "cpu"), ("bundled hourglass", 32, "cpu")
_GPU = ("2-stack hourglass", 64, "cuda")
GOALS = [
    Goal(*_PAPER, ("art",), "ours, fast", at_least=5.5),
    Goal(*_PAPER, ("torchattacks", "foolbox"), "ours, fast", at_least=4.0),
    Goal(*_PAPER, ("art",), "ours, float32", at_least=1.5),
    Goal(*_PAPER, ("ours, fast",), "floor, fast", at_most=1.10),
    Goal(*_PAPER, ("ours, float32",), "floor, float32", at_most=1.10),
    Goal(*_BUNDLED, ("art",), "ours, fast", at_least=4.0),
    Goal(*_BUNDLED, ("ours, fast",), BESIDE, at_least=0.6),
    Goal(*_GPU, ("art",), "ours, fast", at_least=15.0),
    Goal(*_GPU, ("ours, fast",), "floor, fast", at_most=1.10),
]

WHOLE_RUN_AT_MOST = 1.25
"""Times the floor's time, of `tools/attack.py` once everything is loaded."""
MEMORY_GROWS_AT_MOST = 0.05
"""From the fewest to the most images, as a share."""


def goal_cases(device: str) -> list[tuple[str, int]]:
    """The (name, batch size) that the goals of a device are about."""
    return list(dict.fromkeys((g.case, g.batch_size) for g in GOALS if g.device == device))


def memory_grows(growth: Mapping[str, Any]) -> float:
    """From the fewest to the most images of `growth_with_images`, as a share."""
    peaks = growth["images"]["peak_mib"]
    return float(peaks[-1] / peaks[0] - 1)


def missed(document: Mapping[str, Any], parts: Sequence[str]) -> list[str]:
    """Parts whose goals were missed, a ratio by the median of its rounds, or that became slower."""
    verdicts = {
        "goals": lambda part: any(goal["reached"] is False for goal in part["judged"]),
        "runs": lambda part: statistics.median(part["ratios"]) > WHOLE_RUN_AT_MOST,
        "quick": lambda part: bool(part["slower"]),
        "growth": lambda part: memory_grows(part) > MEMORY_GROWS_AT_MOST,
    }
    return [part for part in parts if part in verdicts and verdicts[part](document[part])]


def judged(rows: Sequence[Mapping[str, Any]], device: str) -> list[dict[str, Any]]:
    """Each goal of the device with its ratio.

    Args:
        rows: from `timed_case`.
        device: "cpu" or "cuda".

    Returns:
        The goals as dicts, with `ratio` (median, low, high), `against` (which contender) and
        `reached` by the median: True, False, or None where it was not measured.
    """
    judgements = []
    for goal in GOALS:
        if goal.device != device:
            continue
        row = next(
            (r for r in rows if (r["case"], r["batch_size"]) == (goal.case, goal.batch_size)), None
        )
        known = {} if row is None else {n: ratios(row, n, goal.fast) for n in goal.slow}
        found = {name: ratio for name, ratio in known.items() if ratio is not None}
        against = min(found, key=lambda name: found[name]["median"], default=None)
        ratio = None if against is None else found[against]
        reached = None
        if ratio is not None and goal.at_least is not None:
            reached = ratio["median"] >= goal.at_least
        elif ratio is not None and goal.at_most is not None:
            reached = ratio["median"] <= goal.at_most
        judgements.append({**asdict(goal), "against": against, "ratio": ratio, "reached": reached})
    return judgements
