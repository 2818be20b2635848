"""Scores a pose model on corrupted photographs: `python tools/corruptions.py CONFIG`."""

from hpe_art.commands.corruptions import main

if __name__ == "__main__":
    raise SystemExit(main())
