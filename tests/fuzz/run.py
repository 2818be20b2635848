"""Draws broken inputs by the thousand: `python tests/fuzz/run.py --cases 10000`.

Goes through the properties in parts, each with a seed of its own; parts that passed are not drawn
again, as long as the code is the same. A fault is printed with the smallest input that hypothesis
finds, and ends the run with 1. What once ended badly is kept in `corpus/`, a file for each case
named PROPERTY__WHAT.py, which says what was drawn. The tests run these too.
"""

from __future__ import annotations

import argparse
import faulthandler
import hashlib
import json
import logging
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from itertools import count, islice
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from fuzz.properties import PROPERTIES
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

PART = 50
"""Cases that are drawn with one seed."""
SECONDS = 60
"""That one case may take: more is a hang."""
SLOW = {"doors": 8, "folders": 4, "images": 4, "pictures": 4, "annotations": 3, "detections": 3}
SLOW |= {"coco_annotations": 3, "head_boxes": 3, "pipelines": 2}
"""Of these one part in so many is drawn: each case takes half a second or more."""


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


def code() -> str:
    """Of all that a part depends on: what passed by other code is drawn again."""
    here = Path(__file__).parent
    files = [*ROOT.glob("hpe_art/**/*.py"), *here.glob("properties/*.py"), here / "mutations.py"]
    whole = b"".join(path.read_bytes() for path in sorted(files))
    return hashlib.sha256(whole).hexdigest()[:12]


def planned(names: Sequence[str], cases: int) -> Iterator[tuple[str, int]]:
    """Properties and numbers of parts, as many as there are cases for; fewer of what is slow."""
    parts = (
        (name, number) for number in count() for name in names if number % SLOW.get(name, 1) == 0
    )
    return islice(parts, -(-cases // PART))


def speeds(done: dict[str, Any]) -> str:
    """Cases, and cases a second, of each property."""
    spent: dict[str, list[float]] = {}
    for part, (seconds, _) in done.items():
        spent.setdefault(part.split()[0], []).append(seconds)
    return "\n".join(
        f"{name}: {PART * len(each)} cases, {PART * len(each) / sum(each):.1f} a second"
        for name, each in sorted(spent.items())
    )


def main() -> int:
    """Draws what is asked for; gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=10_000, help="in all [10000]")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop then [never]")
    parser.add_argument("--only", nargs="+", choices=sorted(PROPERTIES), help="properties [all]")
    parser.add_argument("--done", type=Path, default=Path("results/fuzz.json"), help="what passed")
    parser.add_argument("--keep", action="store_true", help="count parts by other code, too")
    args = parser.parse_args()
    logging.disable(logging.WARNING)  # of what is damaged
    faulthandler.enable()  # what ends the process says where
    begun, own, faults = time.monotonic(), code(), 0
    held: dict[str, Any] = json.loads(args.done.read_text()) if args.done.is_file() else {}
    done = {part: one for part, one in held.items() if args.keep or one[1] == own}
    for name, number in planned(args.only or list(PROPERTIES), args.cases):
        start, part = time.monotonic(), f"{name} {number}"
        if part in done or start - begun > 60 * args.minutes:
            continue
        try:
            checked(name, number)()
        except Exception as error:
            faults += 1
            for line in described(error):
                print(f"{name}, part {number}: {line}", flush=True)
            continue
        done[part] = (round(time.monotonic() - start, 2), own)
        args.done.parent.mkdir(parents=True, exist_ok=True)
        args.done.write_text(json.dumps(done))
    print(speeds(done))
    print(f"{len(done) * PART} cases passed, {faults} parts of {PART} have a fault")
    return int(bool(faults))


if __name__ == "__main__":
    raise SystemExit(main())
