"""Scores a pose model on corrupted photographs: `python tools/corruptions.py CONFIG`.

Noise, blur, weather and digital artefacts, fifteen of them, each at five severities, before people
are cropped. Prints what each leaves, the mean (mPC) and its share of the clean score (rPC), and
writes corruptions.json, corruptions.md and a picture. It goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hpe_art.commands import arguments, door
from hpe_art.commands.network import network_asked

USUAL_PEOPLE = 128


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments; argparse ends the process where they are wrong."""
    parser = arguments.command_parser("corruptions", __doc__)
    add = parser.add_argument
    arguments.add_network_arguments(parser)
    add("--corruptions", nargs="+", metavar="NAME", help="some of them, or of their kinds [all]")
    levels = "1 to 5 [all]"
    add("--severities", nargs="+", type=int, choices=range(1, 6), metavar="N", help=levels)
    arguments.add_people_arguments(parser, batch_size=None)
    arguments.add_single_run_arguments(parser, "results/corruptions/NAME", "corruptions.json")
    return arguments.parsed(parser, argv, "results/corruptions")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; gives its exit code."""
    warnings.filterwarnings("ignore")
    return door.enter("corruptions", parse, _corruptions, argv)


def _corruptions(args: argparse.Namespace) -> Path:
    from rich.console import Console

    from hpe_art.files import write_whole
    from hpe_art.report.corruptions import corruptions_page, corruptions_table, draw_corruptions

    console = Console()
    cfg, found = _scored(args, console)
    console.print(corruptions_table(found).on_screen())
    data: Path = args.work_dir / "corruptions.json"
    page = data.with_suffix(".md")
    write_whole(data, found.model_dump_json(indent=1))
    write_whole(page, corruptions_page(found, door.command_line()))
    picture = draw_corruptions(args.work_dir / "corruptions.png", cfg, found)
    print(f"{data}; {page}; {picture}")
    return data


def _scored(args: argparse.Namespace, console: Any) -> tuple[Any, Any]:
    cfg, checkpoint = network_asked(args)
    from hpe_art.data.corruptions import SEVERITIES, corruptions_named
    from hpe_art.evaluation.corruptions import score_corrupted

    names = corruptions_named(args.corruptions or ())
    severities = sorted(set(args.severities or SEVERITIES))
    settings = {**arguments.settings_of(args), "max_samples": USUAL_PEOPLE}
    with console.status("") as status:
        found = score_corrupted(
            cfg, checkpoint, args.work_dir, names, severities, status.update, **settings
        )
    return cfg, found
