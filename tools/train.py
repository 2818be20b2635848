"""Trains a network with MMEngine's Runner: `python tools/train.py mmpose_configs/hourglass.py`."""

import sys

from hpe_art.commands.train import main

if __name__ == "__main__":
    sys.exit(main())
