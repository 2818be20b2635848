"""NumPy's word for it went through."""

DRAWN = [False, b""]
