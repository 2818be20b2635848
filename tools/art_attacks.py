"""Tries every evasion attack of ART on the bundled hourglass: `python tools/art_attacks.py`."""

import sys

from hpe_art.commands.art_attacks import main

if __name__ == "__main__":
    sys.exit(main())
