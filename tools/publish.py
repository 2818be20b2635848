"""Bundles trained weights: `python tools/publish.py CONFIG CHECKPOINT --command '...'`."""

from hpe_art.commands.publish import main

if __name__ == "__main__":
    raise SystemExit(main())
