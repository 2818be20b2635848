"""Draws broken inputs by the thousand: `python tests/fuzz/run.py --cases 10000`.

Goes through the properties in parts, each with a seed of its own; parts that passed are not drawn
again. A fault is printed with the smallest input that hypothesis finds, and ends the run with 1.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from fuzz.properties import PROPERTIES
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

PART = 50
"""Cases that are drawn with one seed."""
SECONDS = 20
"""That one case may take: more is a hang."""


def checked(name: str, number: int, cases: int = PART, shrink: bool = True) -> Callable[[], None]:
    """A property with `cases` inputs of part `number`; raises at a fault."""
    phases = [Phase.explicit, Phase.generate, *([Phase.shrink] if shrink else [])]

    @seed(number)
    @settings(
        max_examples=cases,
        deadline=SECONDS * 1000,
        database=None,
        phases=phases,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(st.data())
    def part(data: Any) -> None:
        with tempfile.TemporaryDirectory() as folder:
            PROPERTIES[name](Path(folder), data.draw)

    return part


def described(error: BaseException) -> list[str]:
    """One line for each distinct fault: what was raised, where, and by what input."""
    if several := getattr(error, "exceptions", ()):  # a group
        return [line for one in several for line in described(one)]
    frames = traceback.extract_tb(error.__traceback__)
    own = [one for one in frames if "hpe_art" in one.filename or "properties" in one.filename]
    where = f"{Path(own[-1].filename).name}:{own[-1].lineno}" if own else "?"
    drawn = " ".join(getattr(error, "__notes__", ()))
    return [" ".join(f"{type(error).__name__} at {where}: {error} <- {drawn}".split())[:600]]


def main() -> int:
    """Draws what is asked for; gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=10_000, help="in all [10000]")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop then [never]")
    parser.add_argument("--only", nargs="+", choices=sorted(PROPERTIES), help="properties [all]")
    parser.add_argument("--done", type=Path, default=Path("results/fuzz.json"), help="what passed")
    args = parser.parse_args()
    names, begun = args.only or list(PROPERTIES), time.monotonic()
    done: list[str] = json.loads(args.done.read_text()) if args.done.is_file() else []
    faults = 0
    for number in range(-(-args.cases // (PART * len(names)))):
        for name in names:
            if f"{name} {number}" in done or time.monotonic() - begun > 60 * args.minutes:
                continue
            try:
                checked(name, number)()
            except Exception as error:
                faults += 1
                for line in described(error):
                    print(f"{name}, part {number}: {line}", flush=True)
                continue
            done.append(f"{name} {number}")
            args.done.parent.mkdir(parents=True, exist_ok=True)
            args.done.write_text(json.dumps(done))
    print(f"{len(done) * PART} cases passed, {faults} parts of {PART} have a fault")
    return int(bool(faults))


if __name__ == "__main__":
    raise SystemExit(main())
