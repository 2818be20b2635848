"""Makes MMPose's MPII layout from the release: `python tools/prepare_mpii.py RELEASE.mat`."""

from hpe_art.commands.prepare_mpii import main

if __name__ == "__main__":
    raise SystemExit(main())
