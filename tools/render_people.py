"""Render people in the layout of MPII: python tools/render_people.py --split val --out DIR."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2

from hpe_art.rendered_people import render_people
from hpe_art.rendered_people.contact_sheet import contact_sheet
from hpe_art.rendered_people.person import SPLITS


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", choices=SPLITS, default="val", help="default: val")
    parser.add_argument("--count", type=int, default=256, help="number of people (default: 256)")
    parser.add_argument("--out", type=Path, required=True, help="folder to create")
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    parser.add_argument("--workers", type=int, help="processes (default: one per core)")
    parser.add_argument("--contact-sheet", type=Path, metavar="FILE", help="write an overview too")
    parser.add_argument("--skeletons", action="store_true", help="draw the joints on the overview")
    args = parser.parse_args()
    if args.seed < 0:
        parser.error(f"--seed: expected 0 or more. Got {args.seed}.")
    if args.workers is not None and args.workers < 1:
        parser.error(f"--workers: expected at least 1. Got {args.workers}.")
    sheet = args.contact_sheet
    if sheet and not (cv2.haveImageWriter(str(sheet)) and sheet.absolute().parent.is_dir()):
        parser.error(
            f"--contact-sheet: expected a picture file in a folder that is there. Got {sheet}."
        )
    return args


def main() -> int:
    args = parse_args()
    try:
        render_people(args.out, args.split, args.count, args.seed, args.workers)
        if args.contact_sheet:
            sheet = contact_sheet(args.out, args.split, skeletons=args.skeletons)
            if not cv2.imwrite(str(args.contact_sheet), sheet):
                raise OSError(
                    f"Expected a picture file that can be written. Got {args.contact_sheet}."
                )
    except (ImportError, OSError, ValueError) as error:
        print(f"render_people.py: error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
