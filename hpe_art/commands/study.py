"""Runs the whole study of the paper: `hpe-art study --quick`.

Attacks every network that has weights with everything, keeps each finished cell under OUT/cells
and goes on from there if it is run again. Writes results.json and prints the findings.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence
from pathlib import Path

from hpe_art.commands.arguments import (
    add_data_arguments,
    add_speed_arguments,
    command_parser,
    config,
    positive_float,
    positive_int,
    refuse,
    seed,
)
from hpe_art.commands.paths import check_paths, config_files
from hpe_art.configs import shipped_folder

WIDTH = 100


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments; argparse ends the process where they are wrong."""
    parser = command_parser("study", __doc__)
    add = parser.add_argument
    add("--configs", nargs="+", type=config, help="configs, names, or folders [those shipped]")
    add("--out", type=Path, default=Path("study"), help="folder of the study [study]")
    add("--quick", action="store_true", help="bundled perturbations, 64 people, a reduced grid")
    add("--plan", action="store_true", help="print the cells and what they cost, and stop")
    add(
        "--only",
        nargs="+",
        metavar="PART",
        help="noise, fgsm, igsm, iterations, universal [all]",
    )
    add("--eps", nargs="+", type=positive_float, help="grey levels [0.25 to 32]")
    add("--num-samples", type=positive_int, help="people [128, or all if fewer]")
    add("--batch-size", type=positive_int, default=32, help="images per pass [32]")
    add("--seed", type=seed, default=0, help="of noise, target poses and intervals [0]")
    add("--device", choices=["auto", "cpu", "cuda"], default="auto", help="[auto]")
    fit = parser.add_argument_group("universal perturbations")
    fit.add_argument("--fit-data-root", metavar="DIR", help="to fit on [that of --data-root]")
    fit.add_argument("--fit-ann-file", metavar="FILE", help="its annotations [the *train*.json]")
    fit.add_argument("--fit-samples", type=positive_int, help="people to fit on [4096, or all]")
    fit.add_argument("--epochs", type=positive_int, help="passes over them [2]")
    add_data_arguments(parser)
    add_speed_arguments(parser)
    args = parser.parse_args(argv)
    if (args.ann_file or args.headbox_file or args.image_prefix) and not args.data_root:
        parser.error("--ann-file, --headbox-file and --image-prefix need --data-root")
    if args.fit_ann_file and not (args.fit_data_root or args.data_root):
        parser.error("--fit-ann-file needs --fit-data-root or --data-root")
    fits = (args.fit_samples, args.epochs, args.fit_data_root, args.fit_ann_file)
    if any(fits) and (args.quick or "universal" not in (args.only or ["universal"])):
        parser.error(
            f"{'--quick' if args.quick else '--only without universal'} fits nothing: leave out "
            "--fit-data-root, --fit-ann-file, --fit-samples and --epochs"
        )
    if args.eps and args.only and not {"noise", "fgsm", "igsm"} & set(args.only):
        parser.error("--eps is that of noise, fgsm and igsm: leave it out")
    args.configs = args.configs or [str(shipped_folder())]
    args.fit_data_root = args.fit_data_root or args.data_root
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; gives its exit code."""
    args = parse(argv)
    warnings.filterwarnings("ignore")
    try:
        check_paths(config_files(args.configs), args.out, args.data_root)
        from hpe_art.evaluation.study.prepared import prepare_study

        prepared = prepare_study(args)
    except ValueError as error:
        return refuse("study", error)
    from rich.console import Console

    from hpe_art.evaluation.results_new import Results
    from hpe_art.evaluation.study.whole import planned, run_study
    from hpe_art.evaluation.version_1 import converted
    from hpe_art.report.findings_table import findings_table
    from hpe_art.report.plan_table import plan_table

    console = Console()
    wide = Console(width=max(console.width, WIDTH))
    for name, why in prepared.left_out.items():
        console.print(f"Left out: {name}, {why}.")
    for note in prepared.notes:
        console.print(note)
    if args.plan:
        wide.print(plan_table(planned(prepared)))
        return 0
    results = Results.model_validate(converted(run_study(prepared, args, console)))
    if results.study:
        wide.print(findings_table(results.study))
    print(f"{args.out / 'results.json'}")
    return 0
