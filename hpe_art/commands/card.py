"""Makes the robustness card of a network: `python tools/card.py mmpose_configs/hourglass.py`.

The worst case at fixed eps, the smallest eps of each joint, and whether the network hides its
gradient, by one protocol (docs/protocol.md). Writes NAME.json and NAME.md into the folder of cards,
and its README.md, a table of all cards there. It goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hpe_art.commands import arguments, door
from hpe_art.commands.arguments import positive_int
from hpe_art.commands.network import network_asked
from hpe_art.commands.paths import check_folder
from hpe_art.commands.plan import print_plan


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments; argparse ends the process where they are wrong."""
    parser = arguments.command_parser("card", __doc__)
    add = parser.add_argument
    arguments.add_network_arguments(parser)
    add("--cards", type=Path, default=Path("model_cards"), help="folder of cards [model_cards]")
    add("--num-samples", type=positive_int, help="fewer people: for a look, not to be compared")
    add("--device", choices=["auto", "cpu", "cuda"], default="auto", help="[auto]")
    arguments.add_config_options(parser)
    arguments.add_data_arguments(parser)
    arguments.add_speed_arguments(parser)
    arguments.add_process_arguments(parser, "results/cards/NAME")
    door.add_output_arguments(parser, "NAME.json")
    return arguments.parsed(parser, argv, "results/cards")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; gives its exit code."""
    warnings.filterwarnings("ignore")
    return door.enter("card", parse, _card, argv)


def _card(args: argparse.Namespace) -> int | Path:
    os.environ.setdefault("LOCAL_RANK", str(args.local_rank))
    cfg, checkpoint = _asked(args)
    from rich.console import Console

    from hpe_art.evaluation.processes import is_main
    from hpe_art.studies.robustness_card import measure, protocol_runs

    settings, folder = arguments.settings_of(args), args.work_dir
    people = settings.pop("num_samples")
    if args.plan:
        runs = protocol_runs(people, **settings)
        return print_plan((name, cfg, runs[name], folder / name, checkpoint) for name in runs)
    say = Console(quiet=not is_main(), markup=False).print
    card = measure(cfg, checkpoint, folder, people, args.launcher, say, **settings)
    if card is None:
        return 0
    from hpe_art.files import write_whole
    from hpe_art.report.cards import card_page, ranking_page
    from hpe_art.studies.robustness_card import read_cards, write_card

    path: Path = args.cards / f"{card.network}.json"
    write_card(path, card)
    write_whole(path.with_suffix(".md"), card_page(card))
    write_whole(args.cards / "README.md", ranking_page(read_cards(args.cards)))
    print(f"{path}; {path.with_suffix('.md')}; {args.cards / 'README.md'}")
    return path


def _asked(args: argparse.Namespace) -> tuple[Any, str]:
    """The config of the network over its people, and where its weights are."""
    check_folder(args.cards, "--cards")
    cfg, checkpoint = network_asked(args)
    from hpe_art.studies.robustness_card import check_replaced, read_cards

    read_cards(args.cards)  # what cannot be read is said before the work
    if not (args.overwrite or args.plan):
        path = args.cards / f"{Path(args.config).stem}.json"
        check_replaced(path, checkpoint, by_protocol=args.num_samples is None)
    return cfg, checkpoint
