"""Renders people in the format of MPII or COCO: `hpe-art render-people --split val --out DIR`."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hpe_art.commands import door
from hpe_art.commands.arguments import command_parser, positive_int, seed


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments; argparse ends the process where they are wrong."""
    parser = command_parser("render_people", __doc__)
    add = parser.add_argument
    add("--split", default="val", help="train or val, who are other people [val]")
    add("--format", choices=("mpii", "coco"), default="mpii", help="of the labels [mpii]")
    add("--count", type=positive_int, default=256, help="number of pictures [256]")
    add("--out", type=Path, required=True, help="folder to create")
    add("--seed", type=seed, default=0, help="[0]")
    add("--workers", type=positive_int, help="processes [one per core]")
    add("--contact-sheet", type=Path, metavar="FILE", help="write an overview too")
    add("--skeletons", action="store_true", help="draw the joints on the overview")
    args = parser.parse_args(argv)
    import cv2

    sheet = args.contact_sheet
    if sheet and not (cv2.haveImageWriter(str(sheet)) and sheet.absolute().parent.is_dir()):
        parser.error(
            f"--contact-sheet: expected a picture file in a folder that is there. Got {sheet}."
        )
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; gives its exit code."""
    return door.enter("render_people", parse, _render, argv, door.STARTS_AGAIN)


def _render(args: argparse.Namespace) -> int:
    import cv2

    from hpe_art.files import write_whole
    from hpe_art.rendered_people import render_people
    from hpe_art.rendered_people.contact_sheet import contact_sheet

    render_people(args.out, args.split, args.count, args.seed, args.workers, args.format)
    if args.contact_sheet:
        sheet = contact_sheet(args.out, args.split, args.format, skeletons=args.skeletons)
        _, picture = cv2.imencode(args.contact_sheet.suffix, sheet)
        write_whole(args.contact_sheet, picture.tobytes())
    return 0
