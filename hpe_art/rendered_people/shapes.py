"""Plain solids as triangle meshes: (vertices, faces)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

Mesh = tuple[np.ndarray, np.ndarray]


def box(low: ArrayLike, high: ArrayLike) -> Mesh:
    """A box with edges of its own on each side, so that each side is shaded flat."""
    unit = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
    sides: list[np.ndarray] = []
    faces: list[list[int]] = []
    for axis in range(3):
        for value in (0.0, 1.0):
            side = np.insert(unit, axis, value, axis=1)
            base = 4 * len(sides)
            faces += [[base, base + 1, base + 2], [base, base + 2, base + 3]]
            sides.append(side)
    return np.asarray(low) + np.concatenate(sides) * np.subtract(high, low), np.array(faces)


def cylinder(radius: float, height: float, foot: float = 0.0) -> Mesh:
    """An upright cylinder around the z axis whose foot is at height `foot`."""
    count = 14
    turn = np.linspace(0, 2 * np.pi, count, endpoint=False)
    ring = np.stack([np.cos(turn) * radius, np.sin(turn) * radius, np.zeros(count)], axis=1)
    up = np.array([0, 0, height])
    points = np.concatenate([ring, ring + up, ring + up, [up]])
    points[:, 2] += foot
    k = np.arange(count)
    n = (k + 1) % count
    top = np.c_[2 * count + k, 2 * count + n, np.full(count, 3 * count)]
    return points, np.concatenate([np.c_[k, n, count + k], np.c_[n, count + n, count + k], top])


def ellipsoid(centre: ArrayLike, radii: ArrayLike, rings: int = 9, count: int = 14) -> Mesh:
    """An ellipsoid with its poles up and down."""
    down = np.linspace(0, np.pi, rings)[:, None]
    turn = np.linspace(0, 2 * np.pi, count, endpoint=False)[None, :]
    unit = np.stack([np.sin(down) * np.cos(turn), np.sin(down) * np.sin(turn),
                     np.cos(down) + 0 * turn], axis=-1)  # fmt: skip
    i, j = np.meshgrid(np.arange(rings - 1), np.arange(count), indexing="ij")
    a, b = (i * count + j).ravel(), (i * count + (j + 1) % count).ravel()
    faces = np.concatenate([np.c_[a, b, a + count], np.c_[b, b + count, a + count]])
    return centre + unit.reshape(-1, 3) * radii, faces
