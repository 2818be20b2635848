"""The command `hpe-art`: one module for each of its commands, with its arguments and its `main`.

Nothing heavy is imported before the arguments are parsed.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from hpe_art import __version__

COMMANDS = {
    "attack": "attack a pose model and score it",
    "demo": "attack the person in one photograph",
    "card": "make the robustness card of a network",
    "corruptions": "score a pose model on corrupted photographs",
    "certify": "certify the joints of a pose model in l2",
    "study": "run the whole study of the paper",
    "report": "make one HTML page from result files",
    "train": "train a network",
    "publish": "bundle trained weights with the package",
    "render-people": "render people to train on or to attack",
    "prepare-mpii": "make MMPose's MPII layout from the release",
    "check-data": "check people to train on or to attack",
    "art-attacks": "try every evasion attack of ART",
    "check-models": "check every model of MMPose",
}
"""Name -> what it does; the module has its name, with underscores."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command that is named first, in `argv` or the process; gives its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(
        prog="hpe-art", description="Adversarial attacks on 2D human pose models."
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, text in COMMANDS.items():
        commands.add_parser(name, help=text, add_help=False)
    command = parser.parse_args(words[:1]).command
    module = import_module(f"hpe_art.commands.{command.replace('-', '_')}")
    code: int = module.main(words[1:])
    return code
