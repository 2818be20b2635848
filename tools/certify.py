"""Certifies the joints of a pose model: `python tools/certify.py CONFIG`."""

from hpe_art.commands.certify import main

if __name__ == "__main__":
    raise SystemExit(main())
