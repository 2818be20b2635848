"""Surfaces: colours and patterns as functions of a point, built on one tile of smooth noise.

Nearly all are drawn at random.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
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
    """A surface of two colours, RGB in 0..1, linear light."""

    first: np.ndarray
    second: np.ndarray
    kind: str = "plain"  # of pattern, see `_PATTERNS`; "vertex" takes the colour of the vertices
    size: float = 0.1  # of the pattern's repeat in metres
    phase: np.ndarray | None = None  # shift of the pattern (3,)
    gloss: float = 0.0  # strength of the highlight
    folds: float = 0.1  # strength of the darkening in folds or of grime


def albedo(material: Material, at: np.ndarray, colour: np.ndarray | None = None) -> np.ndarray:
    """Colours (P, 3) of a material at pattern points `at` (P, 3), in metres.

    Raises:
        ValueError: no such pattern.
    """
    at = at.astype(np.float32)
    p = at if material.phase is None else at + np.float32(material.phase)
    if material.kind == "vertex" and colour is not None:
        base = colour.astype(np.float32)
    elif material.kind == "plain":
        base = np.tile(np.float32(material.first), (len(p), 1))
    else:
        if material.kind not in _PATTERNS:
            raise ValueError(f"Expected the name of a pattern. Got {material.kind!r}.")
        first, second = np.float32(material.first), np.float32(material.second)
        mix = _PATTERNS[material.kind](*(p / np.float32(material.size)).T)
        base = first + mix.astype(np.float32)[:, None] * (second - first)
    if material.folds:
        fold = noise(p[:, 0] * 0.9 + p[:, 1] * 0.5, p[:, 2] * 0.6 + p[:, 1] * 0.7)
        base = base * (1 + np.float32(material.folds) * (2 * fold - 1))[:, None]
    return base


def _stripe(t: np.ndarray, share: float = 0.5) -> np.ndarray:
    return (t % 1 < share).astype(np.float32)


def _dots(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    u = (np.abs(x) + 0.5 * (np.floor(z) % 2)) % 1 - 0.5
    return ((u**2 + (z % 1 - 0.5) ** 2) < 0.09).astype(np.float32)


def _bricks(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    row = np.floor(z * 2)
    along = x + 0.5 * (row % 2)
    joint = ((z * 2) % 1 < 0.14) | (along % 1 < 0.07)
    return np.maximum(joint, 0.45 * noise(np.floor(along) * 0.37, row * 0.23))


def _planks(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    row = np.floor(y * 4)
    seam = ((y * 4) % 1 < 0.06) | ((x * 0.5 + row * 0.37) % 1 < 0.01)
    grain = noise(x * 0.08 + row * 0.31, y * 0.9)
    return np.maximum(seam, 0.35 * grain + 0.3 * noise(row * 0.17, row * 0.29))


def _shelves(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    book = noise(np.floor(x * 9) * 0.137, np.floor(z) * 0.31)
    return np.where((z % 1 < 0.1) | (z % 1 > 0.55 + 0.4 * book), 0.0, 0.15 + 0.85 * book)


# Share of the second colour (P,) at the coordinates, each (P,), of points in pattern sizes.
_PATTERNS: dict[str, Callable[..., np.ndarray]] = {
    "hoops": lambda x, y, z: _stripe(z),
    "pinstripe": lambda x, y, z: _stripe(np.abs(x), 0.3),
    "check": lambda x, y, z: (_stripe(np.abs(x)) + _stripe(z)) / 2,
    "dots": _dots,
    "print": lambda x, y, z: noise(np.abs(x) * 0.1 + y * 0.06, z * 0.1) > 0.55,
    "heather": lambda x, y, z: noise(np.abs(x) * 0.7 + y * 0.5, z * 0.7),
    "bricks": _bricks,
    "tiles": lambda x, y, z: (x % 1 < 0.05) | (y % 1 < 0.05),
    "chessboard": lambda x, y, z: (np.floor(x) + np.floor(y)) % 2,
    "planks": _planks,
    "panels": lambda x, y, z: np.maximum(_stripe(x, 0.06), 0.25 * _stripe(np.floor(x) * 0.5, 0.3)),
    "windows": lambda x, y, z: (x % 1 > 0.3) & (x % 1 < 0.75) & (z % 1 > 0.25) & (z % 1 < 0.8),
    "shelves": _shelves,
    "grass": lambda x, y, z: 0.5 * noise(x * 0.8, y * 0.8) + 0.5 * noise(x * 0.06, y * 0.06),
    "leaves": lambda x, y, z: (
        (noise(x * 0.35 + y * 0.22, z * 0.35) + noise(x * 0.9, z * 0.8 + y * 0.6)) / 2
    ),
    "ground": lambda x, y, z: 0.6 * noise(x * 0.07, y * 0.07) + 0.4 * noise(x * 0.6, y * 0.6),
    "curtain": lambda x, y, z: 0.5 + 0.5 * np.sin(2 * np.pi * (x + 0.3 * noise(x * 0.1, z * 0.02))),
}


def draw_colour(rng: np.random.Generator) -> np.ndarray:
    """A colour as clothes have them: often grey, dark or faded, at times bright."""
    hue, u = rng.random(), rng.random()
    saturation = rng.uniform(0, 0.15) if u < 0.35 else rng.uniform(0.2, 0.85)
    value = rng.uniform(0.06, 0.95) ** 1.3
    return hsv(hue, saturation, value)


def hsv(hue: float, saturation: float, value: float) -> np.ndarray:
    """RGB of a hue in 0..1."""
    k = (np.array([5, 3, 1]) + hue * 6) % 6
    return value - value * saturation * np.clip(np.minimum(k, 4 - k), 0, 1)


def any_material(rng: np.random.Generator, kinds: str, size: tuple[float, float]) -> Material:
    """A surface with one of the patterns in `kinds`, of a size in the range `size` in metres."""
    kind = rng.choice(kinds.split())
    first = draw_colour(rng)
    second = np.clip(first * rng.uniform(0.35, 1.7), 0.01, 0.95)
    if rng.random() < 0.35:
        second = draw_colour(rng)
    scale, phase, folds = rng.uniform(*size), rng.random(3), rng.uniform(0.02, 0.16)
    return Material(first, second, kind, scale, phase, folds=folds)


def leafy(rng: np.random.Generator, kind: str = "leaves") -> Material:
    """Leaves or grass, mostly green."""
    hue = rng.uniform(0.17, 0.36) if rng.random() < 0.85 else rng.uniform(0.04, 0.14)
    dark = hsv(hue, rng.uniform(0.4, 0.8), rng.uniform(0.03, 0.12))
    bright = hsv(hue, rng.uniform(0.4, 0.8), rng.uniform(0.2, 0.5))
    size = rng.uniform(0.1, 0.3) if kind == "leaves" else rng.uniform(0.25, 0.7)
    return Material(dark, bright, kind, size, rng.random(3), 0.0, 0.2)


def grey(rng: np.random.Generator, kind: str, size: float) -> Material:
    """Stone, asphalt or concrete."""
    tone = hsv(rng.uniform(0.05, 0.6), rng.uniform(0, 0.2), rng.uniform(0.08, 0.6))
    return Material(tone, tone * rng.uniform(0.5, 0.85), kind, size, rng.random(3), 0.0, 0.1)
