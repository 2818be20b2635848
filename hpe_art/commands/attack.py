"""Attacks a pose model and scores it: `hpe-art attack hourglass`.

Without flags: random noise, FGSM-U, IGSM-U-10 and IGSM-T-20 at eps 8 on 128 people. eps is in
grey levels of 0 to 255. Writes results.json and pictures, and prints a table.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpe_art.commands.arguments import (
    add_data_arguments,
    add_speed_arguments,
    command_parser,
    config,
    key_value,
    norm,
    positive_float,
    positive_int,
    refuse,
    seed,
)
from hpe_art.evaluation.arguments import ATTACK_NAMES, DEFENCE_NAMES, FLIP, check_together
from hpe_art.evaluation.paths import check_data, check_paths

if TYPE_CHECKING:
    from hpe_art.evaluation.attack_run import Prepared
    from hpe_art.evaluation.attacked import Evaluation
    from hpe_art.evaluation.results_new import Run

PICTURED_PEOPLE = 4
TABLE_WIDTH = 100


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments; argparse ends the process where they are wrong."""
    from mmengine.config import DictAction

    parser = command_parser("attack", __doc__)
    add = parser.add_argument
    add("config", type=config, help="config of any top-down MMPose model, or name of a shipped one")
    add("checkpoint", nargs="?", help="weights [those that the config names in load_from]")
    add("--attack", nargs="+", choices=ATTACK_NAMES, help="which attacks")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--targeted", action="store_true", help="towards a target pose")
    which.add_argument("--both", action="store_true", help="untargeted and targeted")
    add("--target", default="far", help="pose: far, mirror, or a JSON file [far]")
    add("--target-joints", nargs="+", metavar="JOINT", help="that move; the others are held [all]")
    add("--eps", nargs="+", type=positive_float, default=[8.0], help="bounds, grey levels [8]")
    add("--eps-step", type=positive_float, help="step [0.4 eps untargeted, eps/8 targeted]")
    add("--max-iter", nargs="+", type=positive_int, help="steps [10 untargeted, 20 targeted]")
    add("--outputs", choices=["last", "all"], default="last", help="outputs in the loss [last]")
    add("--norm", type=norm, default="inf", help="inf, 1 or 2 [inf]")
    add(
        "--transfer-to",
        nargs="+",
        type=config,
        metavar="CONFIG",
        help="networks that see the images too",
    )
    add(
        "--defence",
        nargs="+",
        choices=(*DEFENCE_NAMES, FLIP),
        help="score the images behind these too, which the attacker does not know of",
    )
    add("--behind", choices=DEFENCE_NAMES, help="attack and score behind this one")
    add("--num-samples", type=positive_int, help="people [128, or all if fewer]")
    add("--batch-size", type=positive_int, default=32, help="images per pass [32]")
    add("--seed", type=seed, default=0, help="of noise and target poses [0]")
    add("--device", choices=["auto", "cpu", "cuda"], default="auto", help="[auto]")
    add("--flip-test", action="store_true", help="score and attack the average with the mirror")
    add("--per-joint", action="store_true", help="print every joint too")
    add("--out", type=Path, help="folder of the results [results/NAME]")
    add("--save-images", action="store_true", help="keep every perturbed crop as PNG")
    add(
        "--cfg-options",
        nargs="+",
        type=key_value,
        action=DictAction,
        help="KEY=VALUE overrides of the config",
    )
    fit = parser.add_argument_group("universal perturbations (--attack uap)")
    fit.add_argument("--perturbation", nargs="+", metavar="FILE", help="score saved ones")
    fit.add_argument("--fit-data-root", metavar="DIR", help="folder in MPII format to fit on")
    fit.add_argument(
        "--fit-ann-file", metavar="FILE", help="its annotations [the one *train*.json]"
    )
    fit.add_argument("--fit-samples", type=positive_int, help="people to fit on [4096, or all]")
    fit.add_argument("--epochs", type=positive_int, help="passes over them [2]")
    add_data_arguments(parser)
    add_speed_arguments(parser)
    args = parser.parse_args(argv)
    args.out = args.out or Path("results") / Path(args.config).stem
    if (args.ann_file or args.headbox_file or args.image_prefix) and not args.data_root:
        parser.error("--ann-file, --headbox-file and --image-prefix need --data-root")
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; gives its exit code."""
    # They speak to OpenMMLab's developers, and would bury our own lines.
    warnings.filterwarnings("ignore", module=r"mm(cv|det|engine|pose)\.")
    args = parse(argv)
    try:
        check_paths([args.config, *(args.transfer_to or ())], args.out, args.data_root)
        check_together(args)
        check_data(args)
        from hpe_art.evaluation.attack_run import attack_run, prepare

        run = prepare(args)
    except ValueError as error:
        return refuse("attack", error)
    from rich.console import Console

    from hpe_art.evaluation.results import plain, write_results
    from hpe_art.evaluation.results_new import Results
    from hpe_art.evaluation.version_1 import converted
    from hpe_art.report.attack_pictures import draw_pictures
    from hpe_art.report.table import joint_table, observer_table, results_table

    console = Console()
    done, document = attack_run(run, console, num_examples=PICTURED_PEOPLE)
    (scored,) = Results.model_validate(converted(plain(document))).runs.values()
    wide = Console(width=max(console.width, TABLE_WIDTH))
    with done.phases.spent("tell"):
        wide.print(results_table(scored))
        if args.per_joint:
            wide.print(joint_table(scored))
        for kind in sorted({one.kind for one in scored.observers.values()}, reverse=True):
            wide.print(observer_table(scored, kind))
        for note in scored.notes:
            console.print(f"Note: {note}")
    with done.phases.spent("pictures"):
        people = _people_by_attack(run, done, scored)
        pictures = draw_pictures(args.out / "pictures", people, scored)
    write_results(args.out / "results.json", {**document, "phases": done.phases.record()})
    print(f"{args.out / 'results.json'}; {pictures} pictures in {args.out / 'pictures'}")
    return 0


def _people_by_attack(run: Prepared, done: Evaluation, scored: Run) -> dict[str, Any]:
    import numpy as np

    from hpe_art.evaluation.attack_run import rgb
    from hpe_art.metrics import pckh
    from hpe_art.report.attack_pictures import pictured_attacks
    from hpe_art.report.pictures import PersonPictures

    targets = None
    if done.targets:
        poses = done.targets.poses
        targets = np.where(poses[..., 2:] > 0, poses[..., :2], np.nan)  # the others may go anywhere
    people = {}
    pictured = pictured_attacks(scored)
    for attacked, attack in zip(done.attacked, scored.attacks, strict=True):
        if attack is pictured.get(attack.name):
            perturbed = rgb(run.estimator, attacked.examples)
            clean = rgb(run.estimator, run.crops.x[: len(perturbed)])
            people[attack.name] = [
                PersonPictures(
                    index=int(run.crops.index[i]),
                    clean=clean[i],
                    perturbed=perturbed[i],
                    clean_pose=done.clean_poses[i],
                    perturbed_pose=attacked.poses[i],
                    target_pose=targets[i] if targets is not None and attack.targeted else None,
                    clean_score=pckh(done.clean_hits[i : i + 1]).PCKh,
                    perturbed_score=pckh(attacked.hits[i : i + 1]).PCKh,
                )
                for i in range(len(perturbed))
            ]
    return people
