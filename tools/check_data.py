"""Checks people to train on or to attack: `python tools/check_data.py data/mpii`."""

from hpe_art.commands.check_data import main

if __name__ == "__main__":
    raise SystemExit(main())
