"""Pillow's word for it named no file."""

DRAWN = ["alone.png", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", True]
