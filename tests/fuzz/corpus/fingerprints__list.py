"""It was asked what the predictions were made from."""

DRAWN = [b"[]", False]
