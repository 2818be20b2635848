"""Tries every evasion attack of ART on the bundled hourglass: `hpe-art art-attacks`.

Writes docs/art_attacks.md. Each attack has a process of its own, and a minute.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.progress import track

from hpe_art.commands.arguments import command_line, command_parser, config, positive_int, refuse
from hpe_art.commands.paths import check_paths

CONFIG = "hourglass"
PAGE = Path("docs/art_attacks.md")


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments; argparse ends the process where they are wrong."""
    parser = command_parser("art_attacks", __doc__)
    parser.add_argument("--config", type=config, default=CONFIG, help=f"network [{CONFIG}]")
    parser.add_argument("--only", nargs="+", metavar="ATTACK", help="classes [all]")
    parser.add_argument("--num-samples", type=positive_int, default=4, help="people [4]")
    parser.add_argument("--seconds", type=positive_int, default=60, help="for each attack [60]")
    parser.add_argument("--out", type=Path, help=f"page [{PAGE}]")
    parser.add_argument("--one", metavar="ATTACK", help="run one, and print its row as JSON")
    args = parser.parse_args(argv)
    if args.only and not args.out:
        parser.error(f"--only needs --out: {PAGE} is for all of them")
    args.out = args.out or PAGE
    return args


def _network_and_people(args: argparse.Namespace) -> tuple[Any, ...]:
    from hpe_art.data.crops import load_crops
    from hpe_art.estimators import PyTorchPoseEstimator
    from hpe_art.estimators.loading import load_config

    cfg = load_config(args.config)
    estimator = PyTorchPoseEstimator.from_config(cfg, device_type="cpu")
    return estimator, load_crops(cfg, args.num_samples, with_donors=False)


def _run_one(args: argparse.Namespace) -> int:
    from hpe_art.evaluation.shelf import try_attack

    print(json.dumps(try_attack(args.one, *_network_and_people(args))))
    return 0


def _run_in_a_process(name: str, args: argparse.Namespace) -> dict[str, Any]:
    from hpe_art.attacks.art.recipes import RECIPES

    config = Path(args.config).absolute()
    command = [sys.executable, "-W", "ignore", "-m", "hpe_art", "art-attacks", "--one", name]
    command += ["--config", str(config)]
    command += ["--num-samples", str(args.num_samples)]
    recipe = RECIPES[name]
    row = {"name": name, "through": recipe.through, "eps": recipe.eps, "note": recipe.note}
    try:
        # Ten seconds for the start.
        with tempfile.TemporaryDirectory() as folder:  # some leave files where they run
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=args.seconds + 10,
                check=True,
                cwd=folder,
            )
        result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return result
    except subprocess.TimeoutExpired:
        return {**row, "error": f"not done after {args.seconds} s. {recipe.note}".strip()}
    except subprocess.CalledProcessError as error:
        return {**row, "error": f"exit code {error.returncode}"}
    except (ValueError, IndexError):
        return {**row, "error": "no result"}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; gives its exit code."""
    args = parse(argv)
    if args.one:
        return _run_one(args)
    warnings.filterwarnings("ignore")
    try:
        check_paths([args.config], args.out.parent)
        _network_and_people(args)  # said once, and not by each attack
    except ValueError as error:
        return refuse("art_attacks", error)
    from hpe_art.attacks.art.recipes import NOT_FOR_POSES, RECIPES
    from hpe_art.evaluation.results import package_versions
    from hpe_art.report.art_shelf import shelf_markdown

    names = args.only or sorted(RECIPES)
    unknown = sorted(set(names) - set(RECIPES))
    if unknown:
        message = f"Expected attacks out of {sorted(RECIPES)}. Got {unknown}."
        return refuse("art_attacks", ValueError(message))
    versions = package_versions()
    conditions = (
        f"`{command_line()}`: `{args.config}`, {args.num_samples} of the bundled people, "
        f"seed 0, at most {args.seconds} s each, CPU; "
        f"ART {versions['adversarial-robustness-toolbox']}, torch {versions['torch']}, "
        f"NumPy {versions['numpy']}."
    )
    args.out.parent.mkdir(parents=True, exist_ok=True)
    rows = []
    for name in track(names, "attacks"):
        rows.append(_run_in_a_process(name, args))
        args.out.write_text(shelf_markdown(rows, NOT_FOR_POSES, conditions), encoding="utf-8")
    print(args.out)
    return 0
