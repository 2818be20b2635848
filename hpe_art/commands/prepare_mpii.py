"""Makes MMPose's MPII layout from the release: `hpe-art prepare-mpii RELEASE.mat`."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hpe_art.commands import door
from hpe_art.commands.arguments import command_parser


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments; argparse ends the process where they are wrong."""
    parser = command_parser("prepare_mpii", __doc__)
    add, root = parser.add_argument, Path("data/mpii")
    add("release", type=Path, help="mpii_human_pose_v1_u12_1.mat")
    folder = f"folder that gets annotations/ and has images/ (default: {root})"
    add("--data-root", type=Path, default=root, help=folder)
    split = parser.add_mutually_exclusive_group()
    split.add_argument(
        "--val-list",
        type=Path,
        metavar="FILE",
        help="who is for validation: an image name, or an image name and the number of a person in "
        "it (from 1), per line; or detections.mat of Tompson et al.",
    )
    share = "share of the videos for validation if there is no list (default: 0.1)"
    split.add_argument("--val-fraction", type=float, default=0.1, help=share)
    add("--overwrite", action="store_true", help="replace annotations")
    args = parser.parse_args(argv)
    if not 0 < args.val_fraction < 1:
        parser.error(f"--val-fraction: expected between 0 and 1. Got {args.val_fraction}.")
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; gives its exit code."""
    return door.enter("prepare_mpii", parse, _prepare, argv, door.STARTS_AGAIN)


def _prepare(args: argparse.Namespace) -> int:
    from hpe_art.data.mpii.release import prepare

    root, share = args.data_root, args.val_fraction
    print(prepare(args.release, root, args.val_list, share, args.overwrite))
    return 0
