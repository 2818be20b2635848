"""Measures how fast attacks are, as ratios within one run: `python tools/benchmark.py`.

Without flags: the goals of this kind of machine, in under 10 minutes; exits 1 if one is missed in
the median, also those of whole runs and their memory where these are measured. `--parts quick`
exits 1 where something became slower than in benchmarks/records, where the first run of a kind of
machine leaves its ratios; delete its file to begin a new one. Other projects' attacks
(torchattacks, foolbox, adv-lib) take part where they are installed.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence
from pathlib import Path

from hpe_art.commands import door
from hpe_art.commands.arguments import command_parser, positive_int
from hpe_art.commands.paths import check_page, check_paths

PARTS = ("goals", "quick", "sizes", "runs", "growth", "strength", "rivals")
TABLE_WIDTH = 160
ROOT = Path(__file__).resolve().parents[1]


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments; argparse ends the process where they are wrong."""
    parser = command_parser("benchmark", __doc__)
    add = parser.add_argument
    add("--parts", nargs="+", choices=PARTS, default=["goals"], help="what to measure [goals]")
    add("--configs", type=Path, default=ROOT / "mmpose_configs", help="folder of the configs")
    add("--repeats", type=positive_int, default=3, help="rounds of each timing [3]")
    add("--steps", type=positive_int, default=3, help="of an attack that is timed [3]")
    add("--networks", nargs="+", help="of sizes, strength and rivals, by config [all]")
    add("--batch-sizes", nargs="+", type=positive_int, default=[1, 8, 32], help="[1 8 32]")
    add("--people", type=positive_int, default=256, help="that strengths are compared on [256]")
    add("--device", choices=["auto", "cpu", "cuda"], default="auto", help="[auto]")
    add("--out", type=Path, default=Path("results/benchmark"), help="folder [results/benchmark]")
    add("--markdown", type=Path, help="write all that is measured so far as a page to this file")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark; gives the exit code, 1 where a goal is missed."""
    warnings.filterwarnings("ignore")
    return door.enter("benchmark", parse, _benchmark, argv)


def _benchmark(args: argparse.Namespace) -> int:
    check_paths([str(args.configs / "hourglass.py")], args.out, flag="--out")
    if args.markdown:
        check_page(args.markdown, "--markdown", (".md",))
    from benchmarks.whole import BenchmarkSpec, check_benchmark, run_benchmark

    given = {key: value for key, value in vars(args).items() if key != "markdown"}
    spec = BenchmarkSpec(**given)
    check_benchmark(spec)
    from rich.console import Console
    from rich.markdown import Markdown

    from benchmarks.goals import missed
    from benchmarks.performance import page, results
    from hpe_art.files import write_whole

    console = Console()
    document = run_benchmark(spec, ROOT / "tools" / "attack.py", console.print)
    wide = Console(width=max(console.width, TABLE_WIDTH))
    wide.print(Markdown(results({part: document[part] for part in args.parts})))
    if args.markdown:
        write_whole(args.markdown, page(document))
    print(args.out / "benchmark.json")
    return int(bool(missed(document, args.parts)))
