"""Products and moves of many vectors at once, component by component.

NumPy's reductions over an axis of three are an order of magnitude slower than three columns.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Products (N,) of vectors (N, 3) with others, or with one (3,)."""
    product = a * b
    return product[:, 0] + product[:, 1] + product[:, 2]


def length(a: np.ndarray) -> np.ndarray:
    """Lengths (N,) of vectors (N, 3)."""
    return np.sqrt(dot(a, a))


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cross products (N, 3) of vectors (N, 3)."""
    out = np.empty_like(a)
    for k, (i, j) in enumerate(((1, 2), (2, 0), (0, 1))):
        out[:, k] = a[:, i] * b[:, j] - a[:, j] * b[:, i]
    return out


def moved(points: np.ndarray, turn: float, spot: ArrayLike) -> np.ndarray:
    """Points (N, 3) turned about the vertical by `turn` radians and put on `spot` (2,), metres."""
    c, s = np.cos(turn), np.sin(turn)
    points = points @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
    points[:, :2] += spot
    return points
