"""The camera: where it stands, where a point lies in its picture, and what it makes of light."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Camera:
    """A pinhole camera with a square picture."""

    position: np.ndarray  # (3,) in metres
    axes: np.ndarray  # rows are the picture's right, down and forward directions (3, 3)
    focal: float  # focal length in pixels
    centre: np.ndarray  # principal point in pixels (2,), which cropping moves off the middle
    size: int  # pixels along each side

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

    In one picture of ten they are cut by the border. `joints` are those of everybody (J, 3), in
    metres, `share` the range of what they take of the picture's side, and `away` the metres by
    which the camera is moved off.
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


def develop(
    light: np.ndarray, person: np.ndarray, near: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Turn linear RGB light (2 H, 2 W, 3) into a BGR picture (H, W, 3), uint8.

    The exposure is for the `person`, as seen in (2 H, 2 W); what is `near` (2 H, 2 W) is in focus.
    """
    size = light.shape[0] // 2
    if rng.random() < 0.4:
        light = _blur_behind(light, near, rng.uniform(0.8, 3.0))
    small = cv2.resize(light.astype(np.float32), (size, size), interpolation=cv2.INTER_AREA)
    overall = light.mean()
    level = np.median(light[person].mean(axis=1)) if person.any() else overall
    exposure = rng.uniform(0.16, 0.34) / max(0.65 * level + 0.35 * overall, 1e-3)
    balance = np.array([rng.uniform(0.92, 1.08), 1.0, rng.uniform(0.92, 1.08)])
    image = np.clip(small * exposure * balance, 0, None)
    image = image / (1 + 0.25 * image) * 1.2  # a soft shoulder keeps bright skies from clipping
    image = np.clip(image, 0, 1) ** (1 / 2.2)
    grey = image.mean(axis=2, keepdims=True)
    image = grey + (image - grey) * rng.uniform(0.85, 1.3)
    image = 0.5 + (image - 0.5) * rng.uniform(0.95, 1.3)
    blur = rng.uniform(0, 0.75)
    if blur > 0.25:
        image = cv2.GaussianBlur(image.astype(np.float32), (0, 0), blur)
    noise = rng.normal(0, 1, image.shape) * rng.choice([0.5, 2.0, 5.0], p=[0.4, 0.4, 0.2])
    image = image * 255 + noise
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)[..., ::-1].copy()


def _blur_behind(light: np.ndarray, near: np.ndarray, sigma: float) -> np.ndarray:
    """Blur what is out of focus without smearing what is in focus into it."""
    weight = (~near).astype(np.float32)
    total = cv2.GaussianBlur(light.astype(np.float32) * weight[..., None], (0, 0), sigma)
    share = cv2.GaussianBlur(weight, (0, 0), sigma)
    blurred = total / np.maximum(share, 1e-3)[..., None]
    return np.where(near[..., None], light, blurred)
