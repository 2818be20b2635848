"""Checks every model of MMPose: `python tools/check_models.py --markdown docs/mmpose_models.md`."""

from hpe_art.commands.check_models import main

if __name__ == "__main__":
    raise SystemExit(main())
