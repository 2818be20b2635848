"""Trains a network with MMEngine's Runner: `python tools/train.py mmpose_configs/hourglass.py`."""

from hpe_art.commands.train import main

if __name__ == "__main__":
    raise SystemExit(main())
