"""`python -m hpe_art` is the command `hpe-art`."""

from hpe_art.commands import main

if __name__ == "__main__":
    raise SystemExit(main())
