"""One HTML page from result files: `hpe-art report study -o report.html`.

Of two results, `hpe-art report BEFORE AFTER`, it also says what has changed. It reads what `hpe-art
study` and `hpe-art attack` wrote, also where they were stopped, and nothing else; the page needs no
network.
"""

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from hpe_art.commands import door
from hpe_art.commands.arguments import command_parser, config
from hpe_art.commands.paths import check_folder, check_page
from hpe_art.configs import read_config
from hpe_art.errors import UserError, usable
from hpe_art.evaluation.results import Results
from hpe_art.files import write_whole

CARDS = Path("model_cards")


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments; argparse ends the process where they are wrong."""
    parser = command_parser("report", __doc__)
    add = parser.add_argument
    add("results", nargs="*", type=Path, help="result files, or folders with a results.json")
    add(
        "--cards",
        type=Path,
        nargs="?",
        const=CARDS,
        metavar="DIR",
        help=f"the page of all robustness cards in a folder instead [{CARDS}]",
    )
    add("-o", "--out", type=Path, default=Path("report.html"), help="page [report.html]")
    add("--figures", type=Path, metavar="DIR", help="write the figures as PDF and PNG too")
    add("--markdown", type=Path, metavar="FILE", help="write a page of tables too, with --figures")
    add("--metric", metavar="NAME", help="registered metric per person [the runs' own]")
    add("--config", type=config, help="config whose own modules register that metric")
    args = parser.parse_args(argv)
    if bool(args.results) == bool(args.cards):
        parser.error("expected results, or --cards without any: name a folder with a results.json")
    if args.cards and (args.figures or args.markdown or args.metric):
        parser.error("expected --cards without --figures, --markdown and --metric: leave them out")
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; gives its exit code."""
    return door.enter("report", parse, _report, argv, door.STARTS_AGAIN)


def _report(args: argparse.Namespace) -> int:
    check_page(args.out, "--out", (".html", ".htm"))
    if args.markdown:
        check_page(args.markdown, "--markdown", (".md",))
    if args.figures:
        check_folder(args.figures, "--figures")
    write_whole(args.out, _cards(args.cards) if args.cards else _results(args))
    print(f"{args.out}, {args.out.stat().st_size / 1e6:.1f} MB")
    return 0


def _cards(folder: Path) -> str:
    """The page of the cards in a folder."""
    from hpe_art.report.cards_html import cards_html
    from hpe_art.studies.robustness_card import read_cards

    cards = read_cards(folder)
    if not cards:
        raise UserError(f"Expected a folder of robustness cards for --cards. Got {folder}: none.")
    return cards_html(cards)


def _results(args: argparse.Namespace) -> str:
    """The page of results; figures and the page of tables are written where they are asked for."""
    from hpe_art.report.reading import read_runs

    results, folders = read_runs(args.results)
    if args.metric:
        if args.config:  # not that of the results, which may be a stranger's
            with usable(f"{args.config} to be a config file"):
                read_config(args.config)
        results = _rescored(results, folders, args.metric)
    from hpe_art.report.comparison import comparisons
    from hpe_art.report.figures import report_figures, save_figures
    from hpe_art.report.html import report_html
    from hpe_art.report.markdown import report_markdown

    compared = comparisons(results, folders) if len(args.results) == 2 else []
    figures = report_figures(results, folders) if args.figures else {}
    drawn = save_figures(figures, args.figures) if args.figures else []
    if args.markdown:
        beside = args.markdown.resolve().parent
        links = {
            path.stem: (Path(os.path.relpath(path, beside)).as_posix(), figures[path.stem].caption)
            for path in drawn
            if path.suffix == ".png"
        }
        write_whole(args.markdown, report_markdown(results, links))
    return report_html(results, folders, compared)


def _rescored(results: Results, folders: Mapping[str, Path], metric: str) -> Results:
    """The runs by another metric."""
    from hpe_art.evaluation.scoring import rescored
    from hpe_art.report.reading import name_in_file

    runs = {}
    for name, run in results.runs.items():
        own = folders[name] / name_in_file(name)  # in a study each network has one
        runs[name] = rescored(own if own.is_dir() else folders[name], run, metric)
    study = results.study
    if study:  # findings were by the metric of the runs
        study = study.model_copy(update={"findings": [], "strongest": []})
    return results.model_copy(update={"runs": runs, "study": study})
