"""Checks people to train on or to attack: `python tools/check_data.py data/mpii`.

Names everybody in a folder in the format of MPII or COCO whose annotation or image cannot be used,
and says what is wrong: DIR/annotations/*.json, DIR/images. The exit code is 1 if there is anybody.
With --draw, pictures show what was understood of the others: joints, boxes and head boxes.
"""

import argparse
import warnings
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from hpe_art.commands import arguments, door
from hpe_art.commands.paths import check_folder as check_writable

DRAWN_PEOPLE = 32


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments; argparse ends the process where they are wrong."""
    parser = arguments.command_parser("check_data", __doc__)
    add = parser.add_argument
    add("folder", type=Path, metavar="DIR", help="folder in the format of MPII or COCO")
    add("--ann-file", help="the only annotations to check [all of DIR/annotations]")
    add("--headbox-file", help="MPII's head boxes [those beside the annotations]")
    add("--image-prefix", help="folder of the images [images]")
    drawn = f"draw the first {DRAWN_PEOPLE} people of each file into this folder"
    add("--draw", type=Path, metavar="FOLDER", help=drawn)
    args = parser.parse_args(argv)
    if not args.folder.expanduser().is_dir():
        parser.error(f"Expected a folder of people. Got {args.folder}: not there.")
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; gives its exit code, 1 where somebody cannot be used."""
    warnings.filterwarnings("ignore", module=r"mm(cv|det|engine|pose)\.")
    return door.enter("check_data", parse, _check, argv, door.STARTS_AGAIN)


def _check(args: argparse.Namespace) -> int:
    if args.draw:
        check_writable(args.draw, "--draw")
    from hpe_art.data.folder_checks import check_folder
    from hpe_art.report.annotated_people import draw_annotated
    from hpe_art.report.pictures import remove_pictures

    if args.draw:
        remove_pictures(args.draw)
    wrong = 0
    given = (args.ann_file, args.headbox_file, args.image_prefix)
    for one in check_folder(args.folder, *given):
        wrong += len(one.faults)
        print(f"{one.file}: {one.people} people, faults: {len(one.faults)}")
        for text in one.faults:
            print(f"  {text}")
        for text in one.notes:
            print(f"  {text}", flush=True)
        if args.draw:
            drawn = draw_annotated(args.draw, one.file.stem, islice(one.usable, DRAWN_PEOPLE))
            print(f"  drawn in {args.draw}: {drawn}", flush=True)
    return int(wrong > 0)
