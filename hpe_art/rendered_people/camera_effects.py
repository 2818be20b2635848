"""What a camera makes of light: exposure, colour, blur, noise and 8 bits."""

from __future__ import annotations

import cv2
import numpy as np


def develop(
    light: np.ndarray, person: np.ndarray, near: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Turn linear light into an 8-bit picture.

    Args:
        light: linear RGB (2 H, 2 W, 3), twice as fine as the picture.
        person: where the person is seen (2 H, 2 W); the exposure is for them.
        near: what is in focus (2 H, 2 W).
        rng: source of the camera's settings and of the noise.

    Returns:
        BGR picture (H, W, 3), uint8.
    """
    size = light.shape[0] // 2
    if rng.random() < 0.4:
        light = _blur_behind(light, near, rng.uniform(0.8, 3.0))
    small = cv2.resize(light.astype(np.float32), (size, size), interpolation=cv2.INTER_AREA)
    level = np.median(light[person].mean(axis=1)) if person.any() else light.mean()
    overall = light.mean()
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
    image = image * 255 + rng.normal(0, 1, image.shape) * rng.choice(
        [0.5, 2.0, 5.0], p=[0.4, 0.4, 0.2]
    )
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)[..., ::-1].copy()


def _blur_behind(light: np.ndarray, near: np.ndarray, sigma: float) -> np.ndarray:
    """Blur what is out of focus without smearing what is in focus into it."""
    weight = (~near).astype(np.float32)
    total = cv2.GaussianBlur(light.astype(np.float32) * weight[..., None], (0, 0), sigma)
    share = cv2.GaussianBlur(weight, (0, 0), sigma)
    blurred = total / np.maximum(share, 1e-3)[..., None]
    return np.where(near[..., None], light, blurred)
