"""Measures how fast attacks are, as ratios within one run: `python tools/benchmark.py`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # benchmarks is not installed

from benchmarks.command import main

if __name__ == "__main__":
    sys.exit(main())
