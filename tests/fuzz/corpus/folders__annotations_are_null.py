"""The number of joints was asked of it before it was seen that it is nothing."""

DRAWN = ["mpii", b"null"]
