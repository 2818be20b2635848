"""Trains a network with MMEngine's Runner: `hpe-art train hourglass`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from mmengine.config import DictAction

from hpe_art.commands.arguments import command_parser, config, key_value, refuse


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments; argparse ends the process where they are wrong."""
    parser = command_parser("train", __doc__)
    parser.add_argument("config", type=config, help="config file, or name of a shipped one")
    parser.add_argument("--work-dir", help="folder of logs and checkpoints [as the config lies]")
    parser.add_argument(
        "--resume", nargs="?", const="auto", help="the newest checkpoint there, or this one"
    )
    parser.add_argument(
        "--load-from",
        nargs="?",
        const="config",
        help="first weights: a checkpoint, or those that the config names; else from scratch",
    )
    parser.add_argument("--amp", action="store_true", help="train the backbone in bfloat16")
    parser.add_argument(
        "--cfg-options",
        nargs="+",
        type=key_value,
        action=DictAction,
        help="KEY=VALUE overrides of the config",
    )
    parser.add_argument("--launcher", choices=["none", "pytorch", "slurm", "mpi"], default="none")
    parser.add_argument("--data-root", help="train and validate on this folder in MPII format")
    parser.add_argument("--train-ann-file", help="training annotations [the one *train*.json]")
    parser.add_argument("--ann-file", help="validation annotations [the one *val*.json]")
    parser.add_argument("--headbox-file", help="validation head boxes [the one *gt*val*.mat]")
    parser.add_argument("--image-prefix", help="folder of images [images]")
    parser.add_argument("--local_rank", "--local-rank", type=int, default=0)
    args = parser.parse_args(argv)
    given = (args.train_ann_file, args.ann_file, args.headbox_file, args.image_prefix)
    if any(given) and not args.data_root:
        parser.error(
            "--train-ann-file, --ann-file, --headbox-file and --image-prefix need --data-root"
        )
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; gives its exit code."""
    args = parse(argv)
    os.environ.setdefault("LOCAL_RANK", str(args.local_rank))
    from mmengine.runner import Runner

    from hpe_art.evaluation.processes import join_processes
    from hpe_art.training import check_first_weights, first_weights, training_config

    try:
        cfg = training_config(
            args.config,
            work_dir=args.work_dir,
            resume=args.resume,
            load_from=args.load_from,
            amp=args.amp,
            options=args.cfg_options,
            launcher=args.launcher,
            data_root=args.data_root,
            train_ann_file=args.train_ann_file,
            ann_file=args.ann_file,
            headbox_file=args.headbox_file,
            image_prefix=args.image_prefix,
        )
        join_processes(cfg)
        runner = Runner.from_cfg(cfg)
        if checkpoint := first_weights(cfg):
            check_first_weights(runner.model, checkpoint)
    except (ValueError, OSError, SyntaxError) as error:
        return refuse("train", error)
    runner.train()
    return 0
