"""Attacks a pose model and scores it: `python tools/attack.py mmpose_configs/hourglass.py`.

Without flags: random noise, one signed step, ten steps, and twenty steps towards another pose, at
eps 8 on 128 people. eps is in grey levels of 0 to 255. Writes results.json and pictures, and prints
a table. What was done is kept: the same command goes on where it was stopped.
"""

import argparse
import os
import warnings
from collections.abc import Sequence
from math import isclose
from pathlib import Path
from textwrap import fill
from typing import Any

from hpe_art.commands import arguments, door, spoken
from hpe_art.commands.arguments import config, positive_float, positive_int
from hpe_art.commands.attacks_asked import attacks_asked, check_together
from hpe_art.commands.network import network_asked
from hpe_art.commands.paths import check_folder, check_paths, fit_folder
from hpe_art.commands.plan import print_plan
from hpe_art.errors import mendable

PICTURED_PEOPLE = 4
USUAL_PEOPLE = 128
TABLE_WIDTH = 100


def _parser() -> argparse.ArgumentParser:
    parser = arguments.command_parser("attack", __doc__)
    add = parser.add_argument
    arguments.add_network_arguments(parser)
    add("--attack", nargs="+", metavar="NAME", help="registered attacks [those above]")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--targeted", action="store_true", help="towards a target pose")
    which.add_argument("--both", action="store_true", help="untargeted and targeted")
    add("--target", default="far", help="pose: far, mirror, or a JSON file [far]")
    add("--target-joints", nargs="+", metavar="JOINT", help="that move; the others are held [all]")
    add("--eps", nargs="+", type=positive_float, help="bounds, grey levels [8]")
    add("--max-iter", nargs="+", type=positive_int, help="steps [the attack's own]")
    arguments.add_attack_options(parser)
    add("--norm", type=arguments.norm, help="inf, 1 or 2 [inf]")
    add("--metric", metavar="NAME", help="registered metric per person [the evaluator's twin]")
    others = "networks that see the images too"
    add("--transfer-to", nargs="+", type=config, metavar="CONFIG", help=others)
    add(
        "--defence",
        nargs="+",
        metavar="NAME",
        help="score the images behind these too, which the attacker does not know of: smoothing, "
        "jpeg, squeezing, gaussian, total-variation, flip-perturbation",
    )
    add("--behind", metavar="NAME", help="attack and score behind this one")
    arguments.add_people_arguments(parser, batch_size=None)
    add("--flip-test", action="store_true", help="score and attack the average with the mirror")
    add("--detections", action="store_true", help="attack the people of the config's bbox_file")
    add("--per-joint", action="store_true", help="print every joint too")
    add("--save-images", action="store_true", help="keep perturbed crops, in WORK_DIR/perturbed")
    kept = "keep them as PNG, each attack as a data set that MMPose loads"
    add("--save-dataset", metavar="DIR", help=kept)
    arguments.add_picture_argument(parser, PICTURED_PEOPLE)
    add("--show-dir", type=Path, help="folder of the pictures [WORK_DIR/pictures]")
    arguments.add_config_options(parser)
    fit = arguments.add_fit_arguments(parser, "the config's training set")
    fit.add_argument("--perturbation", nargs="+", metavar="FILE", help="score saved ones")
    arguments.add_data_arguments(parser)
    arguments.add_speed_arguments(parser)
    arguments.add_process_arguments(parser, "results/NAME")
    door.add_output_arguments(parser, "results.json")
    return parser


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments; argparse ends the process where they are wrong."""
    parser = _parser()
    args = arguments.parsed(parser, argv, "results")
    if args.fit_ann_file and not args.fit_data_root:
        parser.error("--fit-ann-file needs --fit-data-root")
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Attacks and scores; gives the exit code."""
    # They speak to OpenMMLab's developers, and would bury our own lines.
    warnings.filterwarnings("ignore", module=r"mm(cv|det|engine|pose)\.")
    return door.enter("attack", parse, _attack, argv)


def _attack(args: argparse.Namespace) -> int | Path:
    os.environ.setdefault("LOCAL_RANK", str(args.local_rank))
    with mendable():
        cfg, checkpoint = _asked(args)
        if args.plan:
            name = Path(args.config).stem
            return print_plan([(name, cfg, spec_of(args), args.work_dir, checkpoint)])
        runner = _prepared(args, cfg, checkpoint)
    from hpe_art.evaluation.processes import is_main
    from hpe_art.evaluation.running import loop_of

    loop = loop_of(runner)
    if is_main():
        said = spoken.plan(loop.prepared, args.work_dir)
        print(fill(said, TABLE_WIDTH, break_long_words=False, break_on_hyphens=False), flush=True)
        if loop.spec.lost:
            print(f"Note: {loop.spec.lost}", flush=True)
    runner.test()
    if not is_main():
        return 0
    _show(args, runner)
    path: Path = args.work_dir / "results.json"
    return path


def _asked(args: argparse.Namespace) -> tuple[Any, str]:
    if args.show_dir:
        check_folder(args.show_dir, "--show-dir")
    if args.save_dataset:
        check_paths([], Path(args.save_dataset), flag="--save-dataset")
    check_together(args)
    return network_asked(args)


def _prepared(args: argparse.Namespace, cfg: Any, checkpoint: str) -> Any:
    from hpe_art.evaluation.running import attack_runner

    record = {"arguments": arguments.recorded(args)}
    return attack_runner(cfg, spec_of(args), args.work_dir, checkpoint, args.launcher, record)


def spec_of(args: argparse.Namespace) -> Any:
    """The run that the arguments ask for."""
    from hpe_art.evaluation.spec import FitSpec, run_spec

    asked = {
        **arguments.settings_of(args),
        "attacks": attacks_asked(args),
        "max_samples": USUAL_PEOPLE,
        "transfer_to": args.transfer_to or (),
        "defences": args.defence or (),
        "flip_test": True if args.flip_test else None,
        "fit": FitSpec(dataset=fit_folder(args), samples=args.fit_samples, epochs=args.epochs),
    }
    return run_spec(**asked)


def _show(args: argparse.Namespace, runner: Any) -> None:
    """The tables, the notes and the pictures."""
    from rich.console import Console

    from hpe_art.evaluation.collecting import pictured_people
    from hpe_art.evaluation.examples import saved_examples
    from hpe_art.evaluation.running import loop_of
    from hpe_art.report import table as tables
    from hpe_art.report.pictures import (
        PersonPictures,
        draw_pictures,
        pictured_attacks,
        remove_pictures,
    )

    loop, console = loop_of(runner), Console(markup=False)
    prepared, run = loop.finished
    wide = Console(width=max(console.width, TABLE_WIDTH), markup=False)
    wide.print(tables.results_table(run))
    # Not where the evaluator's total is the one in the table above, as MPII's is.
    own = run.clean.score.value
    known = own is not None and any(isclose(own, one) for one in run.clean.official.values())
    if (official := tables.official_table(run)) and not known:
        wide.print(official)
    if args.per_joint:
        wide.print(tables.joint_table(run))
    for kind in ("transfer", "defence", "saved"):
        if any(observer.kind == kind for observer in run.observers.values()):
            wide.print(tables.observer_table(run, kind))
    for table in (tables.minimum_table(run), tables.checks_table(run)):
        if table:
            wide.print(table)
    for note in run.notes:
        console.print(f"Note: {note}")
    folder = args.show_dir or args.work_dir / "pictures"
    with loop.phases.spent("pictures"):
        people = {
            name: [PersonPictures(**one) for one in pictured_people(prepared, attack)]
            for name, attack in pictured_attacks(run).items()
        }
        removed = remove_pictures(folder)
        pictures = draw_pictures(folder, people, run)
        run.examples = saved_examples(prepared, run, args.work_dir, "examples", people)
    loop.write()
    before = f", in place of {removed} of an earlier run" if removed else ""
    print(f"{args.work_dir / 'results.json'}; {pictures} pictures in {folder}{before}")
    if pictures:
        print(spoken.pictured(run))
    print("Next:", *spoken.next_commands(_parser(), args), sep="\n  ")
