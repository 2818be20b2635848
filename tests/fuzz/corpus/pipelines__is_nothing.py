"""A dataset without a pipeline packs no data samples."""

DRAWN = [None]
