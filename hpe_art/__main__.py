"""`python -m hpe_art` is the command `hpe-art`."""

import sys

from hpe_art.commands import main

if __name__ == "__main__":
    sys.exit(main())
