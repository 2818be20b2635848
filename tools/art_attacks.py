"""Tries every evasion attack of ART on the bundled hourglass: python tools/art_attacks.py.

Writes docs/art_attacks.md. Each attack has a process of its own, and a minute.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

from rich.progress import track

from hpe_art.evaluation.arguments import command_line, positive_int
from hpe_art.evaluation.paths import check_paths

CONFIG = "mmpose_configs/hourglass.py"
PAGE = Path("docs/art_attacks.md")


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", default=CONFIG, help=f"network [{CONFIG}]")
    parser.add_argument("--only", nargs="+", metavar="ATTACK", help="classes [all]")
    parser.add_argument("--num-samples", type=positive_int, default=4, help="people [4]")
    parser.add_argument("--seconds", type=positive_int, default=60, help="for each attack [60]")
    parser.add_argument("--out", type=Path, help=f"page [{PAGE}]")
    parser.add_argument("--one", metavar="ATTACK", help="run one, and print its row as JSON")
    args = parser.parse_args()
    if args.only and not args.out:
        parser.error(f"--only needs --out: {PAGE} is for all of them")
    args.out = args.out or PAGE
    return args


def network_and_people(args: argparse.Namespace) -> tuple:
    from hpe_art.data.crops import load_crops
    from hpe_art.estimators import PyTorchPoseEstimator
    from hpe_art.estimators.loader import load_config

    cfg = load_config(args.config)
    estimator = PyTorchPoseEstimator.from_config(cfg, device_type="cpu")
    return estimator, load_crops(cfg, args.num_samples, with_donors=False)


def run_one(args: argparse.Namespace) -> int:
    from hpe_art.evaluation.shelf import try_attack

    print(json.dumps(try_attack(args.one, *network_and_people(args))))
    return 0


def run_in_a_process(name: str, args: argparse.Namespace) -> dict:
    from hpe_art.attacks.art_shelf import RECIPES

    config, tool = Path(args.config).absolute(), Path(__file__).absolute()
    command = [sys.executable, "-W", "ignore", str(tool), "--one", name, "--config", str(config)]
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
        return json.loads(done.stdout.strip().splitlines()[-1])
    except subprocess.TimeoutExpired:
        return {**row, "error": f"not done after {args.seconds} s. {recipe.note}".strip()}
    except subprocess.CalledProcessError as error:
        return {**row, "error": f"exit code {error.returncode}"}
    except (ValueError, IndexError):
        return {**row, "error": "no result"}


def main() -> int:
    args = parse_args()
    if args.one:
        return run_one(args)
    warnings.filterwarnings("ignore")
    try:
        check_paths([args.config], args.out.parent)
        network_and_people(args)  # said once, and not by each attack
    except ValueError as error:
        print(f"art_attacks.py: error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    from hpe_art.attacks.art_shelf import NOT_FOR_POSES, RECIPES
    from hpe_art.evaluation.results import package_versions
    from hpe_art.report.shelf import shelf_markdown

    names = args.only or sorted(RECIPES)
    unknown = sorted(set(names) - set(RECIPES))
    if unknown:
        message = f"Expected attacks out of {sorted(RECIPES)}. Got {unknown}."
        print(f"art_attacks.py: error: {message}", file=sys.stderr)
        return 2
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
        rows.append(run_in_a_process(name, args))
        args.out.write_text(shelf_markdown(rows, NOT_FOR_POSES, conditions), encoding="utf-8")
    print(args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
