"""Surfaces: colours and patterns as functions of a point, built on one tile of smooth noise."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import cv2
import numpy as np

_TILE = 256


@functools.cache
def _noise_tile() -> np.ndarray:
    """Tileable noise of five octaves in 0..1, (256, 256); the same on every machine."""
    rng = np.random.default_rng(20180)
    tile = np.zeros((_TILE, _TILE), np.float32)
    for octave in range(2, 7):
        cells = 2**octave
        grid = np.pad(rng.random((cells, cells)).astype(np.float32), 2, mode="wrap")
        step = _TILE // cells
        large = cv2.resize(grid, None, fx=step, fy=step, interpolation=cv2.INTER_CUBIC)
        tile += large[2 * step : 2 * step + _TILE, 2 * step : 2 * step + _TILE] / 2 ** (octave - 2)
    order = np.argsort(tile, axis=None)
    flat = np.empty(tile.size, np.float32)
    flat[order] = np.linspace(0, 1, tile.size, dtype=np.float32)
    return flat.reshape(tile.shape)


def noise(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Smooth noise in 0..1, evenly distributed, of period 1 in both arguments."""
    tile = _noise_tile()
    column = np.floor(np.asarray(u) * _TILE).astype(np.int32) & (_TILE - 1)
    row = np.floor(np.asarray(v) * _TILE).astype(np.int32) & (_TILE - 1)
    return tile[row, column]


@dataclass(frozen=True)
class Material:
    """A surface of two colours.

    Attributes:
        first: RGB in 0..1, linear light.
        second: the other colour of the pattern.
        kind: name of the pattern, see `albedo`; "vertex" takes the colour of the vertices.
        size: size of the pattern's repeat in metres.
        phase: shift of the pattern (3,).
        gloss: strength of the highlight.
        folds: strength of the darkening in folds or of grime.
    """

    first: np.ndarray
    second: np.ndarray
    kind: str = "plain"
    size: float = 0.1
    phase: np.ndarray | None = None
    gloss: float = 0.0
    folds: float = 0.1


def albedo(material: Material, at: np.ndarray, colour: np.ndarray | None = None) -> np.ndarray:
    """Colours (P, 3) of a material at pattern points `at` (P, 3), in metres."""
    at = at.astype(np.float32)
    p = at if material.phase is None else at + np.float32(material.phase)
    if material.kind == "vertex" and colour is not None:
        base = colour.astype(np.float32)
    elif material.kind == "plain":
        base = np.tile(np.float32(material.first), (len(p), 1))
    else:
        first, second = np.float32(material.first), np.float32(material.second)
        mix = _pattern(material.kind, p / np.float32(material.size))
        base = first + mix.astype(np.float32)[:, None] * (second - first)
    if material.folds:
        fold = noise(p[:, 0] * 0.9 + p[:, 1] * 0.5, p[:, 2] * 0.6 + p[:, 1] * 0.7)
        base = base * (1 + np.float32(material.folds) * (2 * fold - 1))[:, None]
    return base


def _stripe(t: np.ndarray, share: float = 0.5) -> np.ndarray:
    return (t % 1 < share).astype(np.float32)


def _pattern(kind: str, p: np.ndarray) -> np.ndarray:
    """Share of the second colour (P,) at points in units of the pattern's size."""
    x, y, z = p[:, 0], p[:, 1], p[:, 2]
    if kind == "hoops":
        return _stripe(z)
    if kind == "pinstripe":
        return _stripe(np.abs(x), 0.3)
    if kind == "check":
        return (_stripe(np.abs(x)) + _stripe(z)) / 2
    if kind == "dots":
        row = np.floor(z)
        u = (np.abs(x) + 0.5 * (row % 2)) % 1 - 0.5
        return ((u**2 + (z % 1 - 0.5) ** 2) < 0.09).astype(np.float32)
    if kind == "print":
        return (noise(np.abs(x) * 0.1 + y * 0.06, z * 0.1) > 0.55).astype(np.float32)
    if kind == "heather":
        return noise(np.abs(x) * 0.7 + y * 0.5, z * 0.7)
    return _building_pattern(kind, x, y, z)


def _building_pattern(kind: str, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    if kind == "bricks":
        row = np.floor(z * 2)
        joint = ((z * 2) % 1 < 0.14) | ((x + 0.5 * (row % 2)) % 1 < 0.07)
        return np.maximum(joint, 0.45 * noise(np.floor(x + 0.5 * (row % 2)) * 0.37, row * 0.23))
    if kind == "tiles":
        return ((x % 1 < 0.05) | (y % 1 < 0.05)).astype(np.float32)
    if kind == "chessboard":
        return (np.floor(x) + np.floor(y)) % 2
    if kind == "planks":
        row = np.floor(y * 4)
        seam = ((y * 4) % 1 < 0.06) | ((x * 0.5 + row * 0.37) % 1 < 0.01)
        grain = noise(x * 0.08 + row * 0.31, y * 0.9)
        return np.maximum(seam, 0.35 * grain + 0.3 * noise(row * 0.17, row * 0.29))
    if kind == "panels":
        return np.maximum(_stripe(x, 0.06), 0.25 * _stripe(np.floor(x) * 0.5, 0.3))
    if kind == "windows":
        return ((x % 1 > 0.3) & (x % 1 < 0.75) & (z % 1 > 0.25) & (z % 1 < 0.8)).astype(np.float32)
    if kind == "shelves":
        book = noise(np.floor(x * 9) * 0.137, np.floor(z) * 0.31)
        return np.where((z % 1 < 0.1) | (z % 1 > 0.55 + 0.4 * book), 0.0, 0.15 + 0.85 * book)
    if kind == "grass":
        return 0.5 * noise(x * 0.8, y * 0.8) + 0.5 * noise(x * 0.06, y * 0.06)
    if kind == "leaves":
        return (noise(x * 0.35 + y * 0.22, z * 0.35) + noise(x * 0.9, z * 0.8 + y * 0.6)) / 2
    if kind == "ground":
        return 0.6 * noise(x * 0.07, y * 0.07) + 0.4 * noise(x * 0.6, y * 0.6)
    if kind == "curtain":
        return 0.5 + 0.5 * np.sin(2 * np.pi * (x + 0.3 * noise(x * 0.1, z * 0.02)))
    raise ValueError(f"Expected the name of a pattern. Got {kind!r}.")
