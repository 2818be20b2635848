"""Attacks the person in one photograph: `python tools/demo.py photo.jpg`.

No annotations are needed: an attack moves the joints away from where the network sees them, or with
--target into another pose. Writes the perturbed photograph (perturbed.png), what the network sees
in it (side_by_side.png), and all numbers (result.json). eps is in grey levels of 0 to 255.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hpe_art.commands import arguments, door
from hpe_art.commands.arguments import config, positive_float, positive_int
from hpe_art.commands.attacks_asked import OPTIONS
from hpe_art.commands.paths import check_checkpoint, check_paths
from hpe_art.errors import UserError, mendable
from hpe_art.files import sha256

PICTURE = "side_by_side.png"


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments; argparse ends the process where they are wrong."""
    parser = arguments.command_parser("demo", __doc__)
    add = parser.add_argument
    add("photograph", type=Path, help="image file")
    network = "config of any top-down MMPose model, or name of a shipped one [hourglass]"
    add("--config", type=config, help=network)
    add("--checkpoint", help="weights [those that the config names in load_from]")
    box = "of the person, in pixels [the whole image]"
    add("--bbox", nargs=4, type=float, metavar=("X1", "Y1", "X2", "Y2"), help=box)
    add("--attack", metavar="NAME", help="registered attack [that of the paper, in steps]")
    target = "mirror, a JSON file of a pose, or another photograph, whose pose is taken"
    add("--target", help=f"move the joints there: {target} [away from where they are seen]")
    add("--eps", type=positive_float, help="most that a pixel changes by, grey levels [8]")
    add("--max-iter", type=positive_int, help="steps [the attack's own]")
    arguments.add_attack_options(parser)
    radius = "share of the box's longer side from which on a joint has moved, for attacks that ask"
    add("--radius", type=positive_float, help=f"{radius} [0.05]")
    add("--seed", type=arguments.seed, default=0, help="of what is random [0]")
    add("--device", choices=["auto", "cpu", "cuda"], default="auto", help="[auto]")
    arguments.add_config_options(parser)
    arguments.add_speed_arguments(parser)
    add("--out-dir", "--out", type=Path, help="folder of the results [results/demo/NAME]")
    door.add_output_arguments(parser, "result.json")
    args = parser.parse_args(argv)
    args.config = args.config or config("hourglass")
    args.out_dir = args.out_dir or Path("results/demo") / args.photograph.stem
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; gives its exit code."""
    warnings.filterwarnings("ignore", module=r"mm(cv|det|engine|pose)\.")
    return door.enter("demo", parse, _demo, argv, door.STARTS_AGAIN)


def _demo(args: argparse.Namespace) -> Path:
    with mendable():
        run, record = _prepared(args)
    for note in () if args.quiet else run.notes():
        print(f"Note: {note}", file=sys.stderr)
    from hpe_art.data.photographs import read_photograph
    from hpe_art.evaluation.photograph.attacking import PERTURBED, RESULT, attack_photograph
    from hpe_art.report.photograph_picture import photograph_panel
    from hpe_art.report.styles import save_figure

    result = attack_photograph(run, args.out_dir, record)
    written = read_photograph(args.out_dir / PERTURBED)
    figure = photograph_panel(result, run.crop.photograph.pixels, written.pixels)
    save_figure(args.out_dir / PICTURE, figure, dpi=150)
    _show(result, told=run.notes())
    print(f"{args.out_dir}: {PERTURBED}, {PICTURE}, {RESULT}")
    path: Path = args.out_dir / RESULT
    return path


def _prepared(args: argparse.Namespace) -> tuple[Any, dict[str, Any]]:
    """The photograph, network and attack, found good; and what the result says of the network."""
    _check_files(args)
    from hpe_art.data.photographs import read_photograph
    from hpe_art.estimators.loading import load_config
    from hpe_art.evaluation.collecting import checkpoint_record
    from hpe_art.evaluation.photograph.attacking import PERTURBED, RESULT
    from hpe_art.evaluation.photograph.prepared import RADIUS, prepare_photograph
    from hpe_art.evaluation.running import checkpoint_of

    _check_kept(args, (PERTURBED, PICTURE, RESULT))
    photograph = read_photograph(args.photograph, args.bbox)
    spec = spec_of(args)
    cfg = load_config(args.config, args.cfg_options)
    checkpoint = checkpoint_of(args.config, cfg, args.checkpoint)
    run = prepare_photograph(
        cfg,
        checkpoint,
        photograph,
        spec,
        args.target,
        args.radius or RADIUS,
        args.device,
        precision=args.precision,
        compile=args.compile,
    )
    return run, {"config": str(args.config), "checkpoint": checkpoint_record(checkpoint)}


def _check_files(args: argparse.Namespace) -> None:
    """Refuses what can be seen without a model; imports nothing heavy."""
    if not args.photograph.is_file():
        raise UserError(f"Expected a photograph. Got {args.photograph}, which does not exist.")
    if args.target not in (None, "mirror") and not Path(args.target).is_file():
        raise UserError(
            f"Expected --target mirror, a JSON file of a pose or a photograph. Got {args.target}, "
            "which does not exist."
        )
    check_checkpoint(args.checkpoint)
    check_paths([args.config], args.out_dir, flag="--out-dir")


def _check_kept(args: argparse.Namespace, written: Sequence[str]) -> None:
    """Refuses to write over what is read, and over the result of another photograph."""
    for file in filter(None, (args.photograph, args.target)):
        if Path(file).resolve() in [(args.out_dir / name).resolve() for name in written]:
            raise UserError(
                f"Expected an --out-dir in which nothing that is read is replaced. Got {file}."
            )
    result = args.out_dir / written[-1]
    if result.is_file() and _photograph_of(result) != sha256(args.photograph):
        raise UserError(
            f"Expected an --out-dir without the result of another photograph. Got {result}: name "
            "another, or remove it."
        )


def _photograph_of(result: Path) -> Any:
    """The SHA-256 of the photograph of a result; None where the file is of something else."""
    try:
        held = json.loads(result.read_bytes())
    except ValueError:
        return None
    return held.get("sha256") if isinstance(held, dict) else None


def spec_of(args: argparse.Namespace) -> Any:
    """The attack that the arguments ask for; UserError if it is not one of a single photograph."""
    from hpe_art.attacks import ATTACKS, expand
    from hpe_art.attacks.pgd import Igsm
    from hpe_art.evaluation.perturbations import is_unfitted
    from hpe_art.registries import registered

    name = args.attack or Igsm.name
    targeted = args.target is not None
    if targeted and "targeted" not in registered(ATTACKS, name).takes():
        raise UserError(f"Expected an attack with a direction for --target. Got {name}.")
    options = {option: getattr(args, option, None) for option in OPTIONS}
    (spec,) = expand([name], {**options, "targeted": targeted})
    if is_unfitted(spec) or not math.isfinite(spec.eps):
        raise UserError(f"Expected an attack on one image, within an eps. Got {name}.")
    if args.radius and not spec.needs_goal:
        raise UserError(f"Expected --radius with an attack or loss that asks for it. Got {name}.")
    return spec


def _show(result: Any, told: Sequence[str]) -> None:
    """How far the joints moved, on the crop and in the file; then the notes not told yet."""
    way = "away from the network's own prediction"
    if result.target_from:
        way = f"towards a target pose ({result.target_from})"
    print(f"{result.attack}, eps {result.eps:g} of 255 grey levels, {way}.")
    print(f"Weights: {result.checkpoint.path}.")
    print("In pixels of the photograph, and in percent of the box's longer side:")
    for place, seen in {"crop": result.crop, "PNG": result.written}.items():
        moved, aim, before = seen.moved, seen.to_target, result.clean_to_target
        line = (
            f"{place:>6}: joints moved by {moved.mean:.1f} ({moved.mean_percent:.1f} %) on "
            f"average, {moved.largest:.1f} ({moved.largest_percent:.1f} %) at most"
        )
        if aim:
            line += (
                f"; from the target {before.mean:.1f} ({before.mean_percent:.1f} %) before, "
                f"{aim.mean:.1f} ({aim.mean_percent:.1f} %) after, on average"
            )
        print(line)
    for note in result.notes:
        if note not in told:
            print(f"Note: {note}")
