"""It was taken for a number."""

from fuzz.properties.doors import _network

WHOLE = _network()
DRAWN = [
    "corruptions",
    {**WHOLE, "test_dataloader": {**WHOLE["test_dataloader"], "batch_size": [2]}},
]
