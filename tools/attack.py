"""Attacks a pose model and scores it: `python tools/attack.py mmpose_configs/hourglass.py`."""

from hpe_art.commands.attack import main

if __name__ == "__main__":
    raise SystemExit(main())
