"""MMEngine's note of the last checkpoint named what is no path."""

DRAWN = [False, b"", b"\x00epoch_2.pth"]
