"""The camera: where it stands, and where a point of the scene lies in the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Camera:
    """A pinhole camera.

    Attributes:
        position: (3,) in metres.
        axes: rows are the picture's right, down and forward directions (3, 3).
        focal: focal length in pixels.
        centre: principal point in pixels (2,), which cropping moves off the middle.
        size: pixels along each side of the square picture.
    """

    position: np.ndarray
    axes: np.ndarray
    focal: float
    centre: np.ndarray
    size: int

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pixels (N, 2), from the picture's upper left corner, and depths (N,) in metres."""
        local = (points - self.position) @ self.axes.T
        depth = np.where(local[:, 2] > 0.05, local[:, 2], np.nan)
        return local[:, :2] / depth[:, None] * self.focal + self.centre, depth

    def rays(self) -> np.ndarray:
        """Directions through the pixel centres, row by row, of depth 1: (size * size, 3)."""
        at = np.arange(self.size) + 0.5
        x, y = np.meshgrid((at - self.centre[0]) / self.focal, (at - self.centre[1]) / self.focal)
        return np.stack([x.ravel(), y.ravel(), np.ones(x.size)], axis=1) @ self.axes

    def scaled(self, factor: int) -> Camera:
        """The same view with `factor` times the pixels along each side."""
        return Camera(
            self.position, self.axes, self.focal * factor, self.centre * factor, self.size * factor
        )


def draw_camera(
    joints: np.ndarray,
    size: int,
    rng: np.random.Generator,
    share: tuple[float, float] = (0.54, 0.68),
    away: float = 0.0,
) -> Camera:
    """Draw a view from any side in which the people fill a good part of the picture.

    In one picture of ten they are cut by the border.

    Args:
        joints: of everybody who is to be seen (J, 3), in metres.
        size: pixels along each side of the picture.
        rng: source of the draw.
        share: range of what the joints take of the picture's side.
        away: metres by which the camera is moved off.
    """
    heading, roll = rng.uniform(0, 2 * np.pi), np.radians(rng.normal(0, 3))
    pitch = np.radians(np.clip(rng.normal(9, 10), -8, 38))
    distance = rng.uniform(2.6, 8.0) + away
    forward = -np.array([
        np.cos(heading) * np.cos(pitch), np.sin(heading) * np.cos(pitch), np.sin(pitch)
    ])  # fmt: skip
    target = (joints.min(axis=0) + joints.max(axis=0)) / 2
    position = target - distance * forward
    position[2] = max(position[2], 0.25)
    forward = (target - position) / np.linalg.norm(target - position)
    right = np.cross(forward, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    c, s = np.cos(roll), np.sin(roll)
    axes = np.stack([c * right + s * down, c * down - s * right, forward])
    unit = Camera(position, axes, 1.0, np.zeros(2), size)
    at, _ = unit.project(joints)
    low, high = at.min(axis=0), at.max(axis=0)
    cut = rng.random() < 0.1
    taken = rng.uniform(0.75, 1.0) if cut else rng.uniform(*share)
    focal = taken * size / (high - low).max()
    shift = rng.uniform(-0.22, 0.22, 2) if cut else rng.uniform(-0.06, 0.06, 2)
    centre = size * (0.5 + shift) - focal * (low + high) / 2
    return Camera(position, axes, focal, centre, size)
