"""Measures how fast attacks are, as ratios within one run: `python tools/benchmark.py`.

Without flags: the goals of this kind of machine, in under 10 minutes; exits 1 if one is missed in
every round, also those of whole runs and their memory where these are measured. Other projects'
attacks (torchattacks, foolbox) take part where they are installed.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path

from hpe_art.commands.arguments import positive_int
from hpe_art.evaluation.paths import check_paths

PARTS = ("goals", "sizes", "runs", "growth", "strength")
TABLE_WIDTH = 160
ROOT = Path(__file__).resolve().parents[1]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--parts", nargs="+", choices=PARTS, default=["goals"], help="what to measure [goals]")
    add("--configs", type=Path, default=ROOT / "mmpose_configs", help="folder of the configs")
    add("--repeats", type=positive_int, default=3, help="rounds of each timing [3]")
    add("--steps", type=positive_int, default=3, help="of an attack that is timed [3]")
    add("--networks", nargs="+", help="of sizes and strength, by config [all]")
    add("--batch-sizes", nargs="+", type=positive_int, default=[1, 8, 32], help="[1 8 32]")
    add("--people", type=positive_int, default=256, help="that strengths are compared on [256]")
    add("--device", choices=["auto", "cpu", "cuda"], default="auto", help="[auto]")
    add("--out", type=Path, default=Path("results/benchmark"), help="folder [results/benchmark]")
    add("--markdown", type=Path, help="write all that is measured so far as a page to this file")
    return parser.parse_args()


def main() -> int:
    args = parse_args()
    warnings.filterwarnings("ignore")
    try:
        check_paths([str(args.configs / "hourglass.py")], args.out)
        from hpe_art.evaluation.benchmark.whole import check_benchmark, run_benchmark

        check_benchmark(args)
    except ValueError as error:
        print(f"{Path(__file__).name}: error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    from rich.console import Console
    from rich.markdown import Markdown

    from hpe_art.evaluation.benchmark.goals import missed
    from hpe_art.report.performance import page, results

    console = Console()
    document = run_benchmark(args, ROOT / "tools" / "attack.py", console.print)
    wide = Console(width=max(console.width, TABLE_WIDTH))
    wide.print(Markdown(results({part: document[part] for part in args.parts})))
    if args.markdown:
        args.markdown.parent.mkdir(parents=True, exist_ok=True)
        args.markdown.write_text(page(document), encoding="utf-8")
    print(args.out / "benchmark.json")
    return int(bool(missed(document, args.parts)))


if __name__ == "__main__":
    sys.exit(main())
