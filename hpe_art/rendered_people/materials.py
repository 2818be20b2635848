"""Colours and surfaces as they come, drawn at random."""

from __future__ import annotations

import numpy as np

from hpe_art.rendered_people.textures import Material


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
    return Material(
        first, second, kind, rng.uniform(*size), rng.random(3), 0.0, rng.uniform(0.02, 0.16)
    )


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
