"""The message of Python's zipfile had all of it."""

from fuzz.mutations import packed
from fuzz.properties.results import _record

damaged = bytearray(packed(_record()))
damaged[26:28] = (1500).to_bytes(2, "little")  # the length of the first name
DRAWN = [False, bytes(damaged)]
