"""A z-buffer in NumPy: which triangle is seen at each pixel, and where on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# A triangle whose bounding box holds more pixels than this is filled on its own, since enumerating
# the pixels of all boxes at once costs memory in proportion to their area.
_LARGE = 1024


@dataclass(frozen=True)
class Hits:
    """What each pixel sees.

    Attributes:
        pixel: flat indices of the pixels that see a triangle, (P,).
        face: the triangle seen at each of them, (P,).
        weights: barycentric weights on the screen, (P, 3).
        nearness: interpolated nearness (H, W); -inf where nothing is seen.
    """

    pixel: np.ndarray
    face: np.ndarray
    weights: np.ndarray
    nearness: np.ndarray


def rasterise(
    screen: np.ndarray, nearness: np.ndarray, faces: np.ndarray, size: tuple[int, int]
) -> Hits:
    """Find the nearest triangle at each pixel centre.

    Args:
        screen: vertex positions in pixels (V, 2), x before y.
        nearness: a number per vertex (V,) that is linear over the screen and larger for what is
            nearer: 1 / depth in perspective, -depth in parallel projection. NaN drops the
            triangles of a vertex (behind the camera).
        faces: vertex indices (F, 3); both sides are seen.
        size: height and width of the picture.

    Returns:
        The pixels that see something, with the face and the weights of its corners.
    """
    height, width = size
    corners = screen[faces]
    near = nearness[faces]
    low = np.minimum(np.minimum(corners[:, 0], corners[:, 1]), corners[:, 2])
    high = np.maximum(np.maximum(corners[:, 0], corners[:, 1]), corners[:, 2])
    low = np.maximum(np.ceil(low - 0.5), 0)
    high = np.minimum(np.floor(high - 0.5), [width - 1, height - 1])
    span = high - low + 1
    plane, good = _edge_functions(corners)
    keep = good & (span[:, 0] > 0) & (span[:, 1] > 0) & np.isfinite(near.sum(axis=1))
    index = np.flatnonzero(keep)
    low, span = low[index].astype(np.int64), span[index].astype(np.int64)
    area = span[:, 0] * span[:, 1]

    depth = np.full(height * width, -np.inf, np.float32)
    seen = np.full(height * width, -1, np.int64)
    small = np.flatnonzero(area <= _LARGE)
    _fill_small(index[small], low[small], span[small], plane, near, width, depth, seen)
    for k in np.flatnonzero(area > _LARGE):
        _fill_large(index[k], low[k], span[k], plane, near, width, depth, seen)

    pixel = np.flatnonzero(seen >= 0)
    face = seen[pixel]
    weights = _weights(plane[face], pixel % width + 0.5, pixel // width + 0.5)
    return Hits(pixel, face, np.clip(weights, 0, 1), depth.reshape(height, width))


def _edge_functions(corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients (F, 3, 3) of the three barycentric weights as a x + b y + c."""
    x, y = corners[..., 0], corners[..., 1]
    a = np.roll(y, -1, axis=1) - np.roll(y, -2, axis=1)
    b = np.roll(x, -2, axis=1) - np.roll(x, -1, axis=1)
    c = np.roll(x, -1, axis=1) * np.roll(y, -2, axis=1)
    c = c - np.roll(x, -2, axis=1) * np.roll(y, -1, axis=1)
    twice_area = c.sum(axis=1)
    good = np.abs(twice_area) > 1e-9
    scale = np.where(good, twice_area, 1)[:, None, None]
    return np.stack([a, b, c], axis=-1) / scale, good


def _weights(plane: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return plane[..., 0] * x[:, None] + plane[..., 1] * y[:, None] + plane[..., 2]


def _fill_small(
    index: np.ndarray,
    low: np.ndarray,
    span: np.ndarray,
    plane: np.ndarray,
    near: np.ndarray,
    width: int,
    depth: np.ndarray,
    seen: np.ndarray,
) -> None:
    """Fill many small triangles at once: every pixel of every bounding box is one row."""
    area = span[:, 0] * span[:, 1]
    triangle = np.repeat(np.arange(len(index)), area)
    offset = np.arange(len(triangle)) - np.repeat(np.cumsum(area) - area, area)
    x = low[triangle, 0] + offset % span[triangle, 0]
    y = low[triangle, 1] + offset // span[triangle, 0]
    face = index[triangle]
    inside = np.ones(len(face), bool)
    value = np.zeros(len(face))
    for k in range(3):
        p = plane[:, k][index]
        weight = p[triangle, 0] * (x + 0.5) + p[triangle, 1] * (y + 0.5) + p[triangle, 2]
        inside &= weight >= -1e-6
        value += weight * near[index, k][triangle]
    face, pixel, value = face[inside], (y * width + x)[inside], value[inside].astype(np.float32)
    np.maximum.at(depth, pixel, value)
    front = value == depth[pixel]
    seen[pixel[front]] = face[front]


def _fill_large(
    face: int,
    low: np.ndarray,
    span: np.ndarray,
    plane: np.ndarray,
    near: np.ndarray,
    width: int,
    depth: np.ndarray,
    seen: np.ndarray,
) -> None:
    """Fill one large triangle."""
    x = low[0] + np.arange(span[0])
    y = low[1] + np.arange(span[1])
    p = plane[face]
    weights = p[:, 0] * (x[None, :, None] + 0.5) + p[:, 1] * (y[:, None, None] + 0.5) + p[:, 2]
    value = (weights @ near[face]).astype(np.float32)
    pixel = y[:, None] * width + x[None, :]
    front = (weights >= -1e-6).all(axis=-1) & (value > depth[pixel])
    depth[pixel[front]] = value[front]
    seen[pixel[front]] = face
