"""How fast attacks are, as ratios measured in one run."""
