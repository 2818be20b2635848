"""Broken documents, bytes and arrays, out of whole ones: strategies of hypothesis."""

from __future__ import annotations

import copy
import io
import json
import math
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

ODD_NUMBERS = [0, 1, -1, 0.5, -0.0, 1e-320, 1e308, -1e308, 2**31, -(2**63), 2**70, 10**400]
ODD_NUMBERS += [math.nan, math.inf, -math.inf]
ODD_TEXTS = ["", " ", "nan", "0", "../../etc/passwd", "/", "a\nb", "<script>", "\udcff", "é" * 3]
ODD_TEXTS += ["x" * 300, "\x00", "C:\\x", "%s{0}", "😀"]
ODD_VALUES = [None, True, False, [], {}, [[]], [None], {"": None}, *ODD_NUMBERS, *ODD_TEXTS]
TAME_VALUES = [None, True, False, [], {}, [None], "", "x", -1, 0, 1, 0.5, math.nan]
"""Without numbers that make somebody allocate or wait."""
PLACES = 400
"""Of a document, from which one to break is drawn."""


def values() -> st.SearchStrategy[Any]:
    """Anything that JSON of a stranger might hold."""
    return st.sampled_from(ODD_VALUES) | st.recursive(
        st.floats() | st.integers() | st.text(max_size=5) | st.none(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=4,
    )


def places(document: Any) -> list[tuple[Any, ...]]:
    """The keys that lead to parts of a document, the outer ones first."""
    found: list[tuple[Any, ...]] = [()]
    for path in found:
        if len(found) > PLACES:
            break
        part = reached(document, path)
        keys = part if isinstance(part, dict) else range(len(part)) if _is_list(part) else ()
        found += [(*path, key) for key in keys]
    return found


def _is_list(part: Any) -> bool:
    return isinstance(part, list)


def reached(document: Any, path: tuple[Any, ...]) -> Any:
    """The part of a document at the end of some keys."""
    for key in path:
        document = document[key]
    return document


@st.composite
def broken_document(draw: Any, document: Any, most: int = 2, odd: Any = None) -> Any:
    """A copy with one part or more replaced by what is odd, left out, doubled, or new."""
    odd = values() if odd is None else odd
    whole, document = repr(document), copy.deepcopy(document)
    for _ in range(draw(st.integers(1, most))):
        path = draw(st.sampled_from(places(document)))
        if not path:
            return copy.deepcopy(draw(odd))
        held, key = reached(document, path[:-1]), path[-1]
        act = draw(st.sampled_from(["replace", "replace", "leave out", "double", "add"]))
        if act == "leave out":
            del held[key]
        elif act == "double" and isinstance(held, list):
            held.append(copy.deepcopy(held[key]))
        elif act == "add" and isinstance(held, dict):
            held[draw(st.text(max_size=4))] = copy.deepcopy(draw(odd))
        else:
            held[key] = copy.deepcopy(draw(odd))
    assume(repr(document) != whole)  # a part may be replaced by its like
    return document


@st.composite
def broken_bytes(draw: Any, whole: bytes) -> bytes:
    """Cut short, with some bytes changed, or something else."""
    act = draw(st.sampled_from(["cut", "change", "change", "other", "before", "behind"]))
    if act == "cut":
        return whole[: draw(st.integers(0, len(whole)))]
    if act == "other":
        return draw(st.binary(max_size=64))
    if act in ("before", "behind"):
        more = draw(st.sampled_from([b"\xef\xbb\xbf", b"\x00", b"\xff\xfe", b"\n", b"PK\x03\x04"]))
        return more + whole if act == "before" else whole + more
    changed = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        changed[draw(st.integers(0, len(whole) - 1))] = draw(st.integers(0, 255))
    return bytes(changed)


@st.composite
def broken_json(draw: Any, document: Any) -> bytes:
    """A broken document as text, or its text broken."""
    if draw(st.integers(0, 4)) == 0:
        return draw(broken_bytes(json.dumps(document).encode()))
    found = draw(broken_document(document))
    return json.dumps(found).encode("utf-8", "surrogatepass")


@st.composite
def arrays(draw: Any, shape: tuple[int, ...], usual: float = 255.0) -> Any:
    """What might be given for an array of a shape: nearly right ones, and other things."""
    act = draw(st.sampled_from(["right", "right", "shape", "type", "values", "strides", "other"]))
    random = np.random.default_rng(draw(st.integers(0, 3)))
    if act == "other":
        return draw(values())
    if act == "shape":
        shape = tuple(draw(st.lists(st.integers(0, 4), max_size=5)))
    found = np.asarray(random.uniform(0, usual, shape), np.float32)
    if act == "type":
        kind = draw(st.sampled_from(["uint8", "int64", "float64", "float16", "object", "U3", "?"]))
        return found.astype(kind)
    if act == "values" and found.size:
        odd = draw(st.sampled_from([math.nan, math.inf, -math.inf, -1.0, 1e30, -1e30, 0.0]))
        found.reshape(-1)[draw(st.integers(0, found.size - 1))] = odd
    if act == "strides" and found.ndim:
        return found[::-1] if draw(st.booleans()) else np.asfortranarray(found)
    return found


KINDS = ["int8", "uint8", "int64", "float16", "float32", "float64", "complex64", "U3", "S2", "?"]
SHAPES = [(), (0,), (1,), (3,), (2, 0), (2, 2), (2, 2, 1), (1, 2, 2, 3)]


@st.composite
def broken_array(draw: Any, whole: np.ndarray) -> np.ndarray:
    """One of another type or shape, with an odd value, or something else."""
    acts = ["type", "shape", "axis", "fewer", "more", "value", "value", "other"]
    act = draw(st.sampled_from(acts))
    if act == "type" and whole.dtype.kind in "iuf":
        return whole.astype(draw(st.sampled_from(KINDS)))
    if act == "shape":
        return np.zeros(draw(st.sampled_from(SHAPES)), whole.dtype)
    if act == "axis":
        return whole[None] if draw(st.booleans()) or not whole.ndim else whole[0]
    if act == "fewer" and whole.ndim:
        return whole[:-1]
    if act == "more" and whole.ndim:
        return np.concatenate([whole, whole[:1]])
    if act == "value" and whole.size and whole.dtype.kind in "iuf":
        changed, kind = whole.copy(), whole.dtype
        ends = (np.finfo if kind.kind == "f" else np.iinfo)(kind)
        odd = [ends.min, ends.max, 0, 1, *([math.nan, math.inf, -1.0] if kind.kind == "f" else [])]
        changed.reshape(-1)[draw(st.integers(0, whole.size - 1))] = draw(st.sampled_from(odd))
        return changed
    return np.array(draw(st.sampled_from(TAME_VALUES)), None if draw(st.booleans()) else object)


@st.composite
def broken_arrays(draw: Any, whole: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays by name, of which one is broken, left out, or named otherwise."""
    found, name = dict(whole), draw(st.sampled_from(sorted(whole)))
    act = draw(st.sampled_from(["break", "break", "break", "leave out", "rename"]))
    held = found.pop(name)
    if act == "break":
        found[name] = draw(broken_array(held))
    elif act == "rename":
        found[draw(st.sampled_from(["x", "poses/other", "a/b", f"{name}2"]))] = held
    return found


def packed(arrays: Mapping[str, np.ndarray]) -> bytes:
    """An .npz of arrays."""
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


@st.composite
def bombs(draw: Any, whole: bytes) -> bytes:
    """An .npz that says of a part that it unpacks to gigabytes."""
    directory = whole.rindex(b"PK\x01\x02", 0, len(whole))
    size = draw(st.sampled_from([2**31, 2**32 - 2]))
    return whole[: directory + 24] + size.to_bytes(4, "little") + whole[directory + 28 :]


@st.composite
def broken_npz(draw: Any, arrays: Mapping[str, np.ndarray]) -> bytes:
    """The file of arrays of which one is broken, a broken file, or one that is a bomb."""
    act = draw(st.sampled_from(["arrays", "arrays", "arrays", "bytes", "bomb"]))
    if act == "arrays":
        return packed(draw(broken_arrays(arrays)))
    return draw((broken_bytes if act == "bytes" else bombs)(packed(arrays)))


def _pictures() -> list[bytes]:
    """Whole pictures of other kinds, and what only looks like one."""
    colours = np.arange(40 * 50 * 4, dtype=np.uint8).reshape(40, 50, 4)
    deep = np.full((40, 50, 3), 40_000, np.uint16)
    kinds = [(".png", one) for one in (colours, colours[..., 0], deep, colours[:1, :1, :3])]
    kinds += [(kind, colours[..., :3].copy()) for kind in (".bmp", ".webp", ".tiff", ".ppm")]
    found = [cv2.imencode(kind, pixels)[1].tobytes() for kind, pixels in kinds]
    vast = bytearray(found[0])
    vast[16:24] = (60_000).to_bytes(4, "big") * 2
    return [*found, bytes(vast), b"<svg/>", b"GIF89a", b"<!DOCTYPE html>", b""]


@st.composite
def broken_picture(draw: Any, whole: bytes) -> bytes:
    """A broken picture, or one of another kind."""
    return draw(broken_bytes(whole) | st.sampled_from(_pictures()))
