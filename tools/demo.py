"""Attacks the person in one photograph: `python tools/demo.py photo.jpg`."""

from hpe_art.commands.demo import main

if __name__ == "__main__":
    raise SystemExit(main())
