"""Sees that a MATLAB file is whole: on a damaged one SciPy's reader may end the process.

Source: MathWorks, *MAT-File Format*, level 5; what SciPy 1.11 to 1.17 reads of it.
"""

from __future__ import annotations

import zlib
from collections.abc import Container, Iterator
from math import prod
from pathlib import Path
from struct import Struct, unpack_from
from typing import NamedTuple

LARGEST = 2**30
"""Bytes that a file may unpack to."""
DEEPEST = 32
"""Arrays within each other."""
HEADER, TAG = 128, 8
NEWER = b"MATLAB 7.3"
BYTE_ORDERS = {b"IM": "<", b"MI": ">"}
INT32, UINT32, MATRIX, COMPRESSED = 5, 6, 14, 15
NUMBERS = {1, 2, 3, 4, INT32, UINT32, 7, 9, 12, 13}
TEXTS = NUMBERS | {16, 17, 18}
NAMES = {1, 16}
CELL, STRUCT, CHAR, NUMERIC = 1, 2, 4, range(6, 16)
"""Classes of arrays; those of objects, functions and sparse matrices are not read."""


class _Part(NamedTuple):
    """What lies in data from start to stop: of a kind, all of it there."""

    kind: int
    data: memoryview
    start: int
    stop: int


def check_matlab(path: str | Path) -> None:
    """Raises a ValueError that says what is wrong with a file of MATLAB's version 5 to 7."""
    if Path(path).stat().st_size > LARGEST:
        raise ValueError(f"more than {LARGEST >> 20} MiB")
    whole = memoryview(Path(path).read_bytes())
    order = BYTE_ORDERS.get(bytes(whole[HEADER - 2 : HEADER]))
    if whole[: len(NEWER)] == NEWER:
        raise ValueError("a file of MATLAB 7.3: save it with -v7")
    if order is None:
        raise ValueError("no MATLAB file of version 5 to 7")
    room = LARGEST
    for part in _parts(_Part(0, whole, HEADER, len(whole)), order, padded=False):
        if part.kind == COMPRESSED:
            inside = _unpacked(part, room)
            room -= inside.stop
            arrays = list(_parts(inside, order, padded=False))
        else:
            arrays = [part]
        for one in arrays:
            _check_array(one, order)


def _unpacked(part: _Part, room: int) -> _Part:
    packed = zlib.decompressobj()
    try:
        data = memoryview(packed.decompress(part.data[part.start : part.stop], room + 1))
    except zlib.error as error:
        raise ValueError(f"a packed array that is damaged: {error}") from None
    if len(data) > room:
        raise ValueError(f"more than {LARGEST >> 20} MiB")
    if not packed.eof:
        raise ValueError("a packed array that is cut short")
    return _Part(MATRIX, data, 0, len(data))


def _parts(whole: _Part, order: str, padded: bool = True) -> Iterator[_Part]:
    tag, at = Struct(f"{order}II"), whole.start
    while at < whole.stop:
        if at + TAG > whole.stop:
            raise ValueError("an array that is cut short")
        kind, size = tag.unpack_from(whole.data, at)
        start = at + TAG
        if small := kind >> 16:  # the data are in the tag's second half
            kind, size, start = kind & 0xFFFF, small, at + TAG // 2
            if size > TAG // 2 or kind == MATRIX:
                raise ValueError("an array of another kind than its tag says")
        stop = start + size
        at = at + TAG if small else stop + (-size % TAG if padded else 0)
        if max(stop, at) > whole.stop:
            raise ValueError("an array that is cut short")
        yield _Part(kind, whole.data, start, stop)


def _next(parts: Iterator[_Part], kinds: Container[int], what: str) -> _Part:
    part = next(parts, None)
    if part is None or part.kind not in kinds:
        raise ValueError(f"an array without {what}")
    return part


def _check_array(whole: _Part, order: str, depth: int = 0) -> None:
    if whole.kind != MATRIX:
        raise ValueError(f"type {whole.kind} in place of an array")
    if whole.start == whole.stop:
        return
    if depth > DEEPEST:
        raise ValueError(f"arrays more than {DEEPEST} deep in each other")
    parts = _parts(whole, order)
    flags = _next(parts, {UINT32}, "flags")
    if flags.stop - flags.start != TAG:
        raise ValueError("an array without flags")
    bits = unpack_from(f"{order}I", flags.data, flags.start)[0]
    kind, is_complex = bits & 0xFF, bool(bits & 0x800)
    inside = _count(_next(parts, {INT32}, "a shape"), order)
    _next(parts, NAMES, "a name")
    if kind == STRUCT:
        inside *= _fields(parts, order)
    if kind in (CELL, STRUCT):
        for part in parts:
            _check_array(part, order, depth + 1)
            inside -= 1
        if inside:
            raise ValueError("another number of values than its shape says")
    elif kind == CHAR:
        _next(parts, TEXTS, "text")
    elif kind in NUMERIC:
        for what in ["numbers", "imaginary numbers"][: 1 + is_complex]:
            _next(parts, NUMBERS, what)
    else:
        raise ValueError(f"an array of class {kind}, which is not read")
    if next(parts, None):
        raise ValueError("an array with more than its kind has")


def _count(shape: _Part, order: str) -> int:
    dimensions = (shape.stop - shape.start) // 4
    lengths = unpack_from(f"{order}{dimensions}i", shape.data, shape.start)
    if not 2 <= dimensions <= 32 or min(lengths) < 0 or prod(lengths) > LARGEST:
        raise ValueError(f"an array of shape {lengths}")
    return prod(lengths)


def _fields(parts: Iterator[_Part], order: str) -> int:
    """How many fields a struct has; each name has to end."""
    part = _next(parts, {INT32}, "names of fields")
    length = unpack_from(f"{order}i", part.data, part.start)[0] if part.stop > part.start else 0
    names = _next(parts, NAMES, "names of fields")
    held = bytes(names.data[names.start : names.stop])
    each = [held[i : i + length] for i in range(0, len(held), length)] if length > 0 else [held]
    if length <= 0 or any(len(name) != length or b"\x00" not in name for name in each):
        raise ValueError("a struct whose fields have no names")
    return len(each)
