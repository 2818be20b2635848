"""MMEngine's configs without a test have None there."""

from fuzz.properties.networks import NETWORK

DRAWN = [{"model": NETWORK, "test_dataloader": None, "train_dataloader": None}]
