"""How fast attacks are, as ratios measured in one run: `python tools/benchmark.py`."""
