"""Pydantic's words went through as they were."""

DRAWN = [b""]
