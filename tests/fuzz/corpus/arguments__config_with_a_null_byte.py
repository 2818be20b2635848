"""Whether a file is there cannot be asked of what is no path."""

DRAWN = ["attack", ["\x00"]]
