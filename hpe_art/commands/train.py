"""Trains a network with MMEngine's Runner: `hpe-art train hourglass`."""

import argparse
import os
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from hpe_art.commands import arguments, door
from hpe_art.commands.arguments import config
from hpe_art.commands.paths import check_paths
from hpe_art.errors import UserError
from hpe_art.files import locked

KEPT = "the checkpoints so far are kept, and --resume goes on from the newest"


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments; argparse ends the process where they are wrong."""
    parser = arguments.command_parser("train", __doc__)
    add = parser.add_argument
    add("config", type=config, help="config file, mmpose::NAME, or a shipped name")
    add("--work-dir", help="folder of logs and checkpoints [as the config lies]")
    add("--resume", nargs="?", const="auto", help="the newest checkpoint there, or this one")
    first = "first weights: a checkpoint, or those that the config names; else from scratch"
    add("--load-from", nargs="?", const="config", help=first)
    add("--amp", action="store_true", help="train the backbone in bfloat16")
    arguments.add_config_options(parser, dest="options")
    add("--launcher", choices=arguments.LAUNCHERS, default="none")
    add("--data-root", help="train and validate on this folder in MPII format")
    add("--train-ann-file", help="training annotations [the one *train*.json]")
    add("--ann-file", help="validation annotations [the one *val*.json]")
    add("--headbox-file", help="validation head boxes [the one *gt*val*.mat]")
    add("--image-prefix", help="folder of images [images]")
    bad = "leave out who cannot be used: a broken image or annotation"
    add("--skip-bad", action="store_true", help=bad)
    add("--local_rank", "--local-rank", type=int, default=0)
    args = parser.parse_args(argv)
    given = (args.train_ann_file, args.ann_file, args.headbox_file, args.image_prefix)
    if any(given) and not args.data_root:
        parser.error(
            "--train-ann-file, --ann-file, --headbox-file and --image-prefix need --data-root"
        )
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; gives its exit code."""
    return door.enter("train", parse, _train, argv, KEPT)


def _train(args: argparse.Namespace) -> int:
    settings = vars(args)
    os.environ.setdefault("LOCAL_RANK", str(settings.pop("local_rank")))
    import hpe_art.plugin  # noqa: F401  (registers what a config or an option may name)
    from hpe_art.evaluation.processes import is_main, join_processes
    from hpe_art.training import StoppedError, train, training_config, training_runner

    skip_bad = settings.pop("skip_bad")
    try:
        cfg = training_config(**settings)
        check_paths([settings["config"]], Path(cfg.work_dir))
        join_processes(cfg)
        runner = training_runner(cfg, skip_bad)
    except (ValueError, SyntaxError) as error:
        raise UserError(str(error)) from error
    with locked(Path(cfg.work_dir)) if is_main() else nullcontext():
        try:
            train(runner)
        except StoppedError as error:
            door.refuse("train", error)
            return door.FAILED
    return 0
