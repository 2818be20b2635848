"""Tries every evasion attack of ART on the bundled hourglass: `hpe-art art-attacks`.

Writes docs/art_attacks.md. Each attack has a process of its own, and a minute.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hpe_art.commands import door
from hpe_art.commands.arguments import command_parser, config, positive_int
from hpe_art.commands.door import command_line
from hpe_art.commands.paths import check_page

CONFIG = "hourglass"
PAGE = Path("docs/art_attacks.md")
START = 10
"""Seconds for the start of a process."""


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments; argparse ends the process where they are wrong."""
    parser = command_parser("art_attacks", __doc__)
    add = parser.add_argument
    add("--config", type=config, default=CONFIG, help=f"network [{CONFIG}]")
    add("--only", nargs="+", metavar="ATTACK", help="classes [all]")
    add("--num-samples", type=positive_int, default=4, help="people [4]")
    add("--seconds", type=positive_int, default=60, help="for each attack [60]")
    add("--out", type=Path, help=f"page [{PAGE}]")
    add("--one", metavar="ATTACK", help="run one, and print its row as JSON")
    args = parser.parse_args(argv)
    if args.only and not args.out:
        parser.error(f"--only needs --out: {PAGE} is for all of them")
    args.out = args.out or PAGE
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; gives its exit code."""
    warnings.filterwarnings("ignore")
    return door.enter("art_attacks", parse, _try, argv, door.STARTS_AGAIN)


def _try(args: argparse.Namespace) -> int:
    if args.one:
        return _run_one(args)
    metric = _checked(args)
    from rich.progress import track

    from hpe_art.attacks.art.recipes import NOT_FOR_POSES, RECIPES
    from hpe_art.files import write_whole
    from hpe_art.report.art_shelf import shelf_markdown

    rows = []
    for name in track(args.only or sorted(RECIPES), "attacks"):
        rows.append(_run_in_a_process(name, args))
        page = shelf_markdown(rows, NOT_FOR_POSES, _conditions(args), metric)
        write_whole(args.out, page)
    print(args.out)
    return 0


def _checked(args: argparse.Namespace) -> Any:
    """Says once what is wrong, and not with each attack; the metric of the network's people."""
    check_page(args.out, "--out", (".md",))
    from hpe_art.attacks import ArtRecipe
    from hpe_art.evaluation.running import loop_of
    from hpe_art.evaluation.scoring import metric_record

    for name in args.only or ():
        ArtRecipe(recipe=name)
    with tempfile.TemporaryDirectory() as folder:
        prepared = loop_of(_prepared(args, Path(folder))).prepare()
    return metric_record(prepared.metric)


def _prepared(args: argparse.Namespace, folder: Path, *attacks: Any) -> Any:
    """The run of these attacks, in a folder."""
    from hpe_art.evaluation.running import attack_runner, checkpoint_of, config_to_attack
    from hpe_art.evaluation.spec import run_spec

    cfg, count = config_to_attack(args.config), args.num_samples
    spec = run_spec(attacks=attacks, num_samples=count, device="cpu", precision="float32")
    return attack_runner(cfg, spec, folder, checkpoint_of(args.config, cfg, None))


def _run_in_a_process(name: str, args: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, "-W", "ignore", "-m", "hpe_art", "art-attacks", "--one", name]
    command += ["--config", str(Path(args.config).absolute())]
    command += ["--num-samples", str(args.num_samples)]
    row, limit = _described(name), args.seconds + START
    try:
        with tempfile.TemporaryDirectory() as folder:  # some leave files where they run
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=limit, check=True, cwd=folder
            )
        return {**row, **json.loads(done.stdout.strip().splitlines()[-1])}
    except subprocess.TimeoutExpired:
        return {**row, "error": f"not done after {args.seconds} s. {row['note']}".strip()}
    except subprocess.CalledProcessError as error:
        return {**row, "error": f"exit code {error.returncode}"}
    except (ValueError, IndexError):
        return {**row, "error": "no result"}


def _run_one(args: argparse.Namespace) -> int:
    from hpe_art.attacks import ArtRecipe

    recipe = ArtRecipe(recipe=args.one)
    runner = _prepared(args, Path("results/art_attacks") / args.one, recipe)
    try:
        runner.test()
        found = _found(runner)
    except Exception as error:  # whatever ART raises is the result
        found = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps({**_described(args.one), **found}))
    return 0


def _found(runner: Any) -> dict[str, Any]:
    """The scores before and after, and how far the pose and the pixels have moved."""
    import numpy as np

    from hpe_art.evaluation.running import loop_of
    from hpe_art.evaluation.store import CLEAN

    prepared, run = loop_of(runner).finished
    (attack,) = run.attacks
    before, after = (
        prepared.store.gathered(key, prepared.people.index) for key in (CLEAN, attack.folder)
    )
    return {
        "before": run.clean.score.value,
        "after": attack.score.value,
        "moved": float(np.linalg.norm((after - before)[..., :2], axis=-1).mean()),
        "linf": attack.linf_max,
        "seconds": attack.seconds,
    }


def _described(name: str) -> dict[str, Any]:
    """What is known of an attack before it runs."""
    from hpe_art.attacks.art.recipes import RECIPES

    recipe = RECIPES[name]
    return {"name": name, "through": recipe.through, "eps": recipe.eps, "note": recipe.note}


def _conditions(args: argparse.Namespace) -> str:
    from hpe_art.files import package_versions

    versions = package_versions()
    return (
        f"`{command_line()}`: `{args.config}`, {args.num_samples} of the bundled people, "
        f"seed 0, at most {args.seconds} s each, CPU; "
        f"ART {versions['adversarial-robustness-toolbox']}, torch {versions['torch']}, "
        f"NumPy {versions['numpy']}."
    )
