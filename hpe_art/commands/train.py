"""Trains a network with MMEngine's Runner: `hpe-art train hourglass`."""

import argparse
import os
from collections.abc import Sequence
from typing import Any

from hpe_art.commands import arguments
from hpe_art.commands.arguments import config, refuse


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
    kept = "checkpoints are kept, and --resume goes on from the newest"
    return arguments.guarded("train", lambda: _train(vars(parse(argv))), kept)


def _train(settings: dict[str, Any]) -> int:
    os.environ.setdefault("LOCAL_RANK", str(settings.pop("local_rank")))
    from hpe_art.evaluation.processes import join_processes
    from hpe_art.training import StoppedError, train, training_config, training_runner

    try:
        cfg = training_config(**settings)
        join_processes(cfg)
        runner = training_runner(cfg)
    except (ValueError, OSError) as error:
        return refuse("train", error)
    try:
        train(runner)
    except StoppedError as error:
        refuse("train", error)
        return 1
    return 0
