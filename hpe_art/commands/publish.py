"""Bundles trained weights: `hpe-art publish CONFIG CHECKPOINT --command '...'`.

With an .npz for a checkpoint, it bundles a universal perturbation that was fitted on the bundled
weights of the config, unless it leaves 90 % of their score or more.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from hpe_art.commands import door
from hpe_art.commands.arguments import command_parser, config


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments; argparse ends the process where they are wrong."""
    parser = command_parser("publish", __doc__)
    parser.add_argument("config", type=config, help="the config that the weights were trained from")
    parser.add_argument("checkpoint", help="what `hpe-art train` or `hpe-art attack` left")
    parser.add_argument("--command", required=True, help="with which they were trained")
    parser.add_argument("--name", help="of the entry, which another config has not [the config's]")
    parser.add_argument("--notes", default="", help="training time, machine")
    parser.add_argument("--bits", type=int, default=8, help="of each weight on disk [8]")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; gives its exit code."""
    return door.enter("publish", parse, _publish, argv, door.STARTS_AGAIN)


def _publish(args: argparse.Namespace) -> int:
    from hpe_art.publishing import publish, publish_perturbation

    name = args.name or Path(args.config).stem
    if args.checkpoint.endswith(".npz"):
        entry = publish_perturbation(args.config, args.checkpoint, args.command)
    else:
        entry = publish(args.config, args.checkpoint, name, args.command, args.notes, args.bits)
    if entry is None:
        print(f"Not bundled: {args.checkpoint} leaves 90 % of the clean score or more.")
    else:
        print(json.dumps({name: entry}, indent=2))
    return 0
