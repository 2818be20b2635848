"""Checks every model of MMPose: `python tools/check_models.py --markdown docs/mmpose_models.md`.

Builds each config of the installed MMPose with random weights, and sees that poses are MMPose's
own, that gradients are those of central differences, and that a step of PGD stays in its ball. It
goes on where it was stopped; shards share a folder.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence
from pathlib import Path

from hpe_art.commands import arguments, door


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments; argparse ends the process where they are wrong."""
    parser = arguments.command_parser("check_models", __doc__)
    add = parser.add_argument
    add("--configs", type=Path, help="folder of configs [those of the installed MMPose]")
    add("--match", default="", help="only configs whose path contains this [all]")
    add("--kinds", action="store_true", help="one of each kind of head, codec, loss and backbone")
    add("--shard", type=_shard, default=(1, 1), metavar="I/N", help="part I of N [1/1]")
    add("--out", type=Path, default=Path("results/models"), help="folder [results/models]")
    add("--markdown", type=Path, help="write all that was found as a page to this file")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; gives its exit code, 1 where a model fails."""
    warnings.filterwarnings("ignore")
    return door.enter("check_models", parse, _check, argv)


def _check(args: argparse.Namespace) -> int:
    from hpe_art.configs import mmpose_folder
    from hpe_art.errors import UserError

    root = args.configs or mmpose_folder()
    files = [
        path
        for path in sorted(root.rglob("*.py"))
        if "_base_" not in path.parts and args.match in path.relative_to(root).as_posix()
    ]
    if not files:
        raise UserError(f"Expected configs with {args.match!r} in {root}. Got none.")
    from hpe_art.commands.paths import check_folder, check_page
    from hpe_art.evaluation.model_sweep import FAILS, check_configs, read_checked
    from hpe_art.files import write_whole
    from hpe_art.report.models import models_page

    check_folder(args.out, "--out")
    if args.markdown:
        check_page(args.markdown, "--markdown", (".md",))
    for one in check_configs(files, root, args.out, args.shard, args.kinds):
        told = f" like {one.like}" if one.like else f", {one.why}" if one.why else ""
        print(f"{one.status}: {one.config}{told}", flush=True)
    found = read_checked(args.out)
    if args.markdown:
        write_whole(args.markdown, models_page(found))
    failing = [one for one in found if one.status == FAILS]
    print(f"{len(found)} configs, {len(failing)} of which fail; {args.out}")
    return int(bool(failing))


def _shard(text: str) -> tuple[int, int]:
    number, _, count = text.partition("/")
    if not (number.isdigit() and count.isdigit() and 1 <= int(number) <= int(count)):
        raise argparse.ArgumentTypeError(f"Expected a part as 1/4. Got {text!r}.")
    return int(number), int(count)
