"""Tries every evasion attack of ART on the bundled hourglass: `python tools/art_attacks.py`."""

from hpe_art.commands.art_attacks import main

if __name__ == "__main__":
    raise SystemExit(main())
