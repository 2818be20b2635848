"""Certifies the joints of a pose model: `python tools/certify.py CONFIG`.

The smoothed model puts each joint at its median over copies of the image with Gaussian noise. For
each joint there is an eps in l2 within which no perturbation moves it out of the circle of the
metric, with a stated confidence. Prints what is certified at some eps, beside what an attack leaves
that knows of the noise, and writes certificates.json, certificates.md and a figure. It goes
on where it was stopped.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hpe_art.commands import arguments, door
from hpe_art.commands.arguments import positive_float, positive_int
from hpe_art.commands.network import network_asked

USUAL_PEOPLE = 32
USUAL_EPS = (0.5, 1.0, 1.5, 4.0, 8.0)
"""In sigma: some that can be certified, and some that cannot."""


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments; argparse ends the process where they are wrong."""
    parser = arguments.command_parser("certify", __doc__)
    add = parser.add_argument
    arguments.add_network_arguments(parser)
    add("--sigma", type=positive_float, default=16.0, help="of the noise, in grey levels [16]")
    add("--copies", type=positive_int, default=200, help="noisy copies of each image [200]")
    add("--confidence", type=positive_float, default=0.999, help="of each certificate [0.999]")
    eps = "in l2, to attack at; none if nothing follows [0.5, 1, 1.5, 4 and 8 sigma]"
    add("--eps", nargs="*", type=positive_float, help=eps)
    add("--max-iter", type=positive_int, default=20, help="steps of the attacks [20]")
    seen = "noisy copies that each step of the attack sees [4]"
    add("--gradient-copies", type=positive_int, default=4, help=seen)
    arguments.add_people_arguments(parser, batch_size=None, people=USUAL_PEOPLE)
    arguments.add_speed_arguments(parser)
    arguments.add_single_run_arguments(parser, "results/certificates/NAME", "certificates.json")
    args = arguments.parsed(parser, argv, "results/certificates")
    if args.eps is None:
        args.eps = [share * args.sigma for share in USUAL_EPS]
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; gives its exit code."""
    warnings.filterwarnings("ignore")
    return door.enter("certify", parse, _certify, argv)


def _certify(args: argparse.Namespace) -> Path:
    from rich.console import Console

    from hpe_art.files import write_whole
    from hpe_art.report.certificates import (
        certificates_page,
        certificates_table,
        draw_certificates,
    )

    console = Console()
    found = _certified(args, console)
    console.print(certificates_table(found).on_screen())
    data: Path = args.work_dir / "certificates.json"
    page = data.with_suffix(".md")
    write_whole(data, found.model_dump_json(indent=1))
    write_whole(page, certificates_page(found, door.command_line()))
    picture = draw_certificates(args.work_dir / "certificates.png", found)
    print(f"{data}; {page}; {picture}")
    return data


def _certified(args: argparse.Namespace, console: Any) -> Any:
    cfg, checkpoint = network_asked(args)
    from hpe_art.evaluation.certificates import certify
    from hpe_art.metrics.certificates import Smoothing

    smoothing = Smoothing(args.sigma, args.copies, args.confidence)
    settings = {**arguments.settings_of(args), "max_samples": USUAL_PEOPLE}
    how = (args.eps, args.max_iter, args.gradient_copies)
    with console.status("") as status:
        return certify(cfg, checkpoint, args.work_dir, smoothing, *how, status.update, **settings)
