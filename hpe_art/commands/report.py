"""One HTML page from result files: `hpe-art report study -o report.html`.

Reads what `hpe-art study` and `hpe-art attack` wrote, nothing else; the page needs no network.
"""

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from hpe_art.commands import door
from hpe_art.commands.arguments import command_parser, config
from hpe_art.commands.paths import check_folder, check_page
from hpe_art.configs import read_config
from hpe_art.evaluation.results import Results
from hpe_art.files import write_whole


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments; argparse ends the process where they are wrong."""
    parser = command_parser("report", __doc__)
    add = parser.add_argument
    add("results", nargs="+", type=Path, help="result files, or folders with a results.json")
    add("-o", "--out", type=Path, default=Path("report.html"), help="page [report.html]")
    add("--figures", type=Path, metavar="DIR", help="write the figures as PDF and PNG too")
    add("--markdown", type=Path, metavar="FILE", help="write a page of tables too, with --figures")
    add("--metric", metavar="NAME", help="registered metric per person [the runs' own]")
    add("--config", type=config, help="config whose own modules register that metric")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; gives its exit code."""
    return door.enter("report", parse, _report, argv, door.STARTS_AGAIN)


def _report(args: argparse.Namespace) -> int:
    check_page(args.out, "--out", (".html", ".htm"))
    if args.markdown:
        check_page(args.markdown, "--markdown", (".md",))
    if args.figures:
        check_folder(args.figures, "--figures")
    from hpe_art.report.reading import read_runs

    results, folders = read_runs(args.results)
    if args.metric:
        if args.config:  # not that of the results, which may be a stranger's
            read_config(args.config)
        results = _rescored(results, folders, args.metric)
    from hpe_art.report.figures import report_figures, save_figures
    from hpe_art.report.html import report_html
    from hpe_art.report.markdown import report_markdown

    write_whole(args.out, report_html(results, folders))
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
    print(f"{args.out}, {args.out.stat().st_size / 1e6:.1f} MB")
    return 0


def _rescored(results: Results, folders: Mapping[str, Path], metric: str) -> Results:
    """The runs by another metric."""
    from hpe_art.evaluation.scoring import rescored

    runs = {}
    for name, run in results.runs.items():
        own = folders[name] / name  # in a study each network has one
        runs[name] = rescored(own if own.is_dir() else folders[name], run, metric)
    study = results.study
    if study:  # findings were by the metric of the runs
        study = study.model_copy(update={"findings": [], "strongest": []})
    return results.model_copy(update={"runs": runs, "study": study})
