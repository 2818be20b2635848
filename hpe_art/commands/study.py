"""Runs the whole study of the paper: `python tools/study.py --quick`.

Attacks every network that has weights with everything, and goes on from there if it is run again.
Writes results.json and the small record.npz, and prints the findings.
"""

from __future__ import annotations

import argparse
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hpe_art.commands import arguments, door
from hpe_art.commands.arguments import config, positive_float
from hpe_art.commands.paths import check_paths, config_files, data_folder, fit_folder
from hpe_art.commands.plan import print_plan
from hpe_art.configs import shipped_folder
from hpe_art.errors import UserError, mendable

if TYPE_CHECKING:
    from hpe_art.studies.jain2019.grid import Grid
    from hpe_art.studies.jain2019.networks import Network

WIDTH = 100
PEOPLE, QUICK_PEOPLE = 128, 64
BATCH_SIZE = 32
PICTURED_PEOPLE = 3


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments; argparse ends the process where they are wrong."""
    parser = arguments.command_parser("study", __doc__)
    add = parser.add_argument
    add("--configs", nargs="+", type=config, help="configs, names, or folders [those shipped]")
    add("--quick", action="store_true", help="bundled perturbations, 64 people, a reduced grid")
    add(
        "--only",
        nargs="+",
        metavar="PART",
        help="parts of the grid, see docs/study.md [all but strongest]",
    )
    add("--eps", nargs="+", type=positive_float, help="grey levels [0.25 to 32]")
    arguments.add_people_arguments(parser, BATCH_SIZE)
    arguments.add_picture_argument(parser, PICTURED_PEOPLE)
    arguments.add_fit_arguments(parser, "that of --data-root")
    arguments.add_data_arguments(parser)
    arguments.add_speed_arguments(parser)
    arguments.add_process_arguments(parser, "study")
    door.add_output_arguments(parser, "results.json")
    args = parser.parse_args(argv)
    arguments.check_data_arguments(parser, args)
    if args.fit_ann_file and not (args.fit_data_root or args.data_root):
        parser.error("--fit-ann-file needs --fit-data-root or --data-root")
    fits = (args.fit_samples, args.epochs, args.fit_data_root, args.fit_ann_file)
    if any(fits) and args.quick:
        parser.error(
            "--quick fits nothing: leave out --fit-data-root, --fit-ann-file, --fit-samples and "
            "--epochs"
        )
    args.work_dir = args.work_dir or Path("study")
    args.configs = args.configs or [str(shipped_folder())]
    args.fit_data_root = args.fit_data_root or (None if args.quick else args.data_root)
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; gives its exit code."""
    warnings.filterwarnings("ignore")
    return door.enter("study", parse, _study, argv)


def _study(args: argparse.Namespace) -> int | Path:
    os.environ.setdefault("LOCAL_RANK", str(args.local_rank))
    with mendable():
        networks, grid, left_out = _prepared(args)
    from rich.console import Console

    from hpe_art.evaluation.processes import is_main
    from hpe_art.report.study_tables import findings_table
    from hpe_art.studies.jain2019.networks import bundled_note
    from hpe_art.studies.jain2019.study import run_study, write_study

    console = Console(quiet=not is_main(), markup=False)
    wide = Console(width=max(console.width, WIDTH), markup=False)
    notes = bundled_note(networks, grid)
    for name, why in left_out.items():
        console.print(f"Left out: {name}, {why}.")
    for note in notes:
        console.print(note)
    if args.plan:
        return print_plan((n.name, n.cfg, n.spec, n.folder, None) for n in networks)
    folder, record = args.work_dir, arguments.recorded(args)
    runs = run_study(networks, folder, args.launcher, record, console.print)
    if not is_main():
        return 0
    study = write_study(folder, runs, grid, left_out, notes).study
    if study and study.findings:
        wide.print(findings_table("findings", study.findings))
    if study and study.strongest:
        wide.print(findings_table("under the strongest attack", study.strongest))
    path: Path = folder / "results.json"
    print(path)
    return path


def _prepared(args: argparse.Namespace) -> tuple[list[Network], Grid, dict[str, str]]:
    files = config_files(args.configs)
    check_paths(files, args.work_dir, args.data_root)
    dataset = data_folder(args)
    from hpe_art.evaluation.loop import RESULTS
    from hpe_art.evaluation.processes import check_launcher
    from hpe_art.evaluation.result_files import check_kind
    from hpe_art.evaluation.spec import FitSpec, run_spec
    from hpe_art.studies.jain2019.networks import of_one_dataset, study_networks, with_weights

    check_launcher(args.launcher)
    if not args.overwrite:
        check_kind(args.work_dir / RESULTS, study=True)
    grid, fit = _grid(args), FitSpec()
    if grid.fits and grid.universal:
        fit = FitSpec(dataset=fit_folder(args), samples=args.fit_samples, epochs=args.epochs)
    people = QUICK_PEOPLE if args.quick else PEOPLE
    common = run_spec(**arguments.settings_of(args), max_samples=people, fit=fit)
    ready, left_out = with_weights(files)
    configs, others = of_one_dataset(ready, common, dataset)
    return study_networks(configs, grid, common, args.work_dir), grid, {**left_out, **others}


def _grid(args: argparse.Namespace) -> Grid:
    from dataclasses import replace

    from hpe_art.studies.jain2019.grid import ALL_PARTS, OVER_EPS, PARTS, QUICK, Grid

    grid = QUICK if args.quick else Grid()
    given = args.only or PARTS
    asked = tuple(part for part in ALL_PARTS if part in given)
    unknown = tuple(part for part in given if part not in ALL_PARTS)
    eps = tuple(dict.fromkeys(args.eps or grid.eps))
    grid = replace(grid, parts=(*asked, *unknown), eps=eps)
    if not grid.universal and (args.epochs or args.fit_samples):
        raise UserError(
            f"Expected --epochs and --fit-samples with perturbations to fit. Got {args.only}."
        )
    if args.eps and not set(OVER_EPS) & set(grid.parts):
        raise UserError(f"Expected --eps with {', '.join(OVER_EPS)}. Got --only {asked}.")
    return grid
