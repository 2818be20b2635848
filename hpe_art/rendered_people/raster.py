"""A z-buffer in NumPy: which triangle is seen at each pixel, and where on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

# A triangle whose bounding box holds more pixels than this is filled on its own, since enumerating
# the pixels of all boxes at once costs memory in proportion to their area.
_LARGE = 1024


@dataclass(frozen=True)
class Hits:
    """What each pixel sees."""

    pixel: np.ndarray  # flat indices of the pixels that see a triangle, (P,)
    face: np.ndarray  # the triangle seen at each of them, (P,)
    weights: np.ndarray  # barycentric weights on the screen, (P, 3)
    nearness: np.ndarray  # interpolated nearness (H, W); -inf where nothing is seen


class _Triangles(NamedTuple):
    low: np.ndarray  # first column and row of the bounding box (F, 2)
    span: np.ndarray  # its width and height in pixels (F, 2)
    plane: np.ndarray  # barycentric weights as a x + b y + c: (F, 3, 3)
    near: np.ndarray  # nearness of the corners (F, 3)


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
    """
    height, width = size
    x, y = screen[:, 0][faces], screen[:, 1][faces]
    left, right = _pixels_between(x, width)
    top, bottom = _pixels_between(y, height)
    kept = np.flatnonzero((right > left) & (bottom > top))
    x, y, near = x[kept], y[kept], nearness[faces[kept]]
    twice_area, plane = _edge_functions(x, y)
    good = (np.abs(twice_area) > 1e-9) & np.isfinite(near[:, 0] + near[:, 1] + near[:, 2])
    kept = kept[good]
    low = np.stack([left[kept], top[kept]], axis=1).astype(np.int64)
    span = np.stack([right[kept], bottom[kept]], axis=1).astype(np.int64) - low
    area = span[:, 0] * span[:, 1]
    of = _Triangles(low, span, plane[good], near[good])

    depth = np.full(size, -np.inf, np.float32)
    seen = np.full(size, -1, np.int64)
    _fill_small(np.flatnonzero(area <= _LARGE), of, depth, seen)
    for k in np.flatnonzero(area > _LARGE):
        _fill_large(k, of, depth, seen)

    pixel = np.flatnonzero(seen >= 0)
    triangle = seen.ravel()[pixel]
    own = of.plane[triangle]
    x, y = pixel % width + 0.5, pixel // width + 0.5
    weights = own[..., 0] * x[:, None] + own[..., 1] * y[:, None] + own[..., 2]
    return Hits(pixel, kept[triangle], np.clip(weights, 0, 1), depth)


def _pixels_between(at: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """First pixel whose centre lies between corners (F, 3) along one side, and the one after."""
    low = np.minimum(np.minimum(at[:, 0], at[:, 1]), at[:, 2])
    high = np.maximum(np.maximum(at[:, 0], at[:, 1]), at[:, 2])
    return np.maximum(np.ceil(low - 0.5), 0), np.minimum(np.floor(high - 0.5), size - 1) + 1


def _edge_functions(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Twice the areas (F,), and the barycentric weights as a x + b y + c: (F, 3, 3)."""
    plane = np.empty((len(x), 3, 3))
    for k, (i, j) in enumerate(((1, 2), (2, 0), (0, 1))):
        plane[:, k, 0] = y[:, i] - y[:, j]
        plane[:, k, 1] = x[:, j] - x[:, i]
        plane[:, k, 2] = x[:, i] * y[:, j] - x[:, j] * y[:, i]
    twice_area = plane[:, 0, 2] + plane[:, 1, 2] + plane[:, 2, 2]
    plane /= np.where(np.abs(twice_area) > 1e-9, twice_area, 1)[:, None, None]
    return twice_area, plane


def _fill_small(small: np.ndarray, of: _Triangles, depth: np.ndarray, seen: np.ndarray) -> None:
    """Fill the small triangles at once: each bounding box becomes rows, each row pixels."""
    row_of, y = _count_up(small, of.low[small, 1], of.span[small, 1])
    row, x = _count_up(np.arange(len(row_of)), of.low[row_of, 0], of.span[row_of, 0])
    triangle = row_of[row]
    centre = x + 0.5
    inside = np.ones(len(x), bool)
    weights = []
    for k in range(3):
        a, b, c = of.plane[:, k].T
        along = (b[row_of] * (y + 0.5))[row]
        weight = a[triangle] * centre + along + c[triangle]
        inside &= weight >= -1e-6
        weights.append(weight)
    hit = np.flatnonzero(inside)
    triangle = triangle[hit]
    pixel = (y * depth.shape[1])[row[hit]] + x[hit]
    first, second, third = (weights[k][hit] * of.near[:, k][triangle] for k in range(3))
    value = (first + second + third).astype(np.float32)
    np.maximum.at(depth.ravel(), pixel, value)  # a view, as the array is contiguous
    front = value == depth.ravel()[pixel]
    seen.ravel()[pixel[front]] = triangle[front]


def _count_up(
    owner: np.ndarray, start: np.ndarray, count: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Each owner `count` times, and the numbers from its `start` on."""
    end = np.cumsum(count)
    numbers = np.arange(end[-1] if len(end) else 0) + np.repeat(start - end + count, count)
    return np.repeat(owner, count), numbers


def _fill_large(triangle: int, of: _Triangles, depth: np.ndarray, seen: np.ndarray) -> None:
    """Fill one large triangle in pictures `depth` and `seen` (H, W)."""
    low, span = of.low[triangle], of.span[triangle]
    box = tuple(slice(a, a + n) for a, n in zip(low[::-1], span[::-1], strict=True))
    x = low[0] + np.arange(span[0]) + 0.5
    y = (low[1] + np.arange(span[1]) + 0.5)[:, None]
    inside, value = np.ones(span[::-1], bool), np.zeros(span[::-1])
    for (a, b, c), n in zip(of.plane[triangle], of.near[triangle], strict=True):
        weight = a * x + b * y + c
        inside &= weight >= -1e-6
        value += weight * n
    value = value.astype(np.float32)
    front = inside & (value > depth[box])
    depth[box][front] = value[front]
    seen[box][front] = triangle
