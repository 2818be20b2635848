"""Whether a change made something slower: ratios to ART, against the last of such a machine."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.contenders import BESIDE
from benchmarks.speed import ratios

CASES = [("bundled hourglass", 32), ("2-stack hourglass", 8)]
NAMES = ["art", "ours, float32", "ours, fast", BESIDE, "floor, fast"]
RECORDS = Path(__file__).parent / "records"

Ratios = dict[str, dict[str, dict[str, float]]]
"""By case and contender: how many times as fast as ART, median, lowest, highest."""


def record(rows: Sequence[Mapping[str, Any]]) -> Ratios:
    """The ratios of rows as `timed_case` gives them."""
    return {
        f"{row['case']}, batch {row['batch_size']}": {
            name: {end: round(value, 3) for end, value in ratio.items()}
            for name in NAMES[1:]
            if (ratio := ratios(row, NAMES[0], name))
        }
        for row in rows
    }


def record_path(machine: str) -> Path:
    """The file of a kind of machine, as `device_name` calls it."""
    return RECORDS / (re.sub(r"[^a-z0-9]+", "_", machine.lower()).strip("_") + ".json")


def read_record(path: Path) -> Ratios | None:
    """The ratios of a file; None where there is none."""
    if not path.is_file():
        return None
    found: Ratios = json.loads(path.read_text(encoding="utf-8"))["ratios"]
    return found


def slower(new: Ratios, before: Ratios) -> list[str]:
    """A line for each contender whose best round is below the slowest of the record."""
    lines = []
    for case, contenders in before.items():
        for name, then in contenders.items():
            now = new.get(case, {}).get(name)
            if now and now["high"] < then["low"]:
                lines.append(
                    f"{case}: {name} was {then['median']:.2f} times as fast as ART "
                    f"({then['low']:.2f} to {then['high']:.2f}), and is {now['median']:.2f} "
                    f"({now['low']:.2f} to {now['high']:.2f})."
                )
    return lines
