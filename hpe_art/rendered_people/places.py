"""Rooms and open places around a person: floor, walls, sky and light."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hpe_art.rendered_people.textures import (
    Material,
    albedo,
    any_material,
    draw_colour,
    grey,
    hsv,
    leafy,
    noise,
)
from hpe_art.rendered_people.vectors import length

_CEILING = Material(np.full(3, 0.75), np.ones(3), folds=0.03)

Patch = tuple[float, float, float, float, Material]
"""A rectangle on a wall: left, right, bottom, top, surface."""


@dataclass(frozen=True)
class Wall:
    """An upright plane {p: p . normal = distance}, seen from the side of the origin."""

    normal: np.ndarray  # horizontal direction away from the person (3,)
    distance: float  # metres from the origin
    height: float  # metres; above it one looks past
    material: Material
    patches: list[Patch]  # pictures, doors and windows on it


@dataclass(frozen=True)
class Light:
    """A distant lamp or the sun, and the light from all around; strengths are RGB."""

    towards: np.ndarray  # direction to it (3,)
    key: np.ndarray
    above: np.ndarray
    below: np.ndarray  # thrown back by the ground


@dataclass(frozen=True)
class Place:
    """Everything around a person that does not move."""

    ground: Material
    path: Material | None  # across the ground
    yaw: float  # direction of the ground's pattern and of the path, radians
    walls: list[Wall]
    ceiling: float  # height in metres; inf outdoors
    sky: tuple[np.ndarray, np.ndarray, np.ndarray]  # zenith, horizon, woods: RGB, linear light
    light: Light
    haze: float  # share of the light that is lost per metre


def draw_place(rng: np.random.Generator) -> Place:
    """Draw a room or an open place, with its light."""
    return _draw_room(rng) if rng.random() < 0.45 else _draw_outdoors(rng)


def _draw_light(rng: np.random.Generator, indoors: bool) -> Light:
    turn, height = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(28, 75))
    towards = np.array([*_direction(turn)[:2] * np.cos(height), np.sin(height)])
    warm = np.array([1.0, rng.uniform(0.86, 1.0), rng.uniform(0.68, 1.0)])
    strength = rng.uniform(0.35, 0.8) if indoors else rng.choice([0.25, 0.8, 1.1])
    cool = np.array([rng.uniform(0.8, 1.0), 0.95, 1.0]) if not indoors else warm
    above = cool * rng.uniform(0.35, 0.6)
    return Light(towards, warm * strength, above, above * rng.uniform(0.4, 0.75))


def _draw_room(rng: np.random.Generator) -> Place:
    ground = any_material(rng, "planks planks tiles chessboard plain ground", (0.25, 0.7))
    yaw, height = rng.uniform(0, 2 * np.pi), rng.uniform(2.5, 3.8)
    papers = "plain plain plain bricks panels pinstripe heather curtain"
    paint = any_material(rng, papers, (0.15, 0.6))
    paint = replace(paint, first=paint.first * 0.5 + 0.3, second=paint.second * 0.6 + 0.2)
    walls = []
    for k in range(4):
        wall = _direction(yaw + k * np.pi / 2)
        material = paint
        if rng.random() >= 0.8:
            material = any_material(rng, "shelves curtain bricks panels", (0.25, 0.5))
        walls.append(Wall(wall, rng.uniform(0.9, 4.0), height, material, _patches(rng)))
    sky = (np.full(3, 0.7),) * 3
    return Place(ground, None, yaw, walls, height, sky, _draw_light(rng, indoors=True), 0.0)


def _direction(turn: float) -> np.ndarray:
    return np.array([np.cos(turn), np.sin(turn), 0.0])


def _patches(rng: np.random.Generator) -> list[Patch]:
    patches = []
    for _ in range(rng.integers(0, 5)):
        left, width = rng.uniform(-4, 3), rng.uniform(0.3, 1.4)
        right = left + width
        if rng.random() < 0.3:
            low, high = 0.0, rng.uniform(1.9, 2.2)
        else:
            low = rng.uniform(0.7, 1.6)
            high = low + rng.uniform(0.3, 1.1)
        colour = draw_colour(rng)
        frame = Material(colour, colour)
        patches.append((left - 0.05, right + 0.05, low - 0.05, high + 0.05, frame))
        inner = any_material(rng, "plain print leaves windows ground panels check", (0.15, 0.5))
        if rng.random() < 0.3:
            glow = rng.uniform(0.7, 1.3, 3)
            inner = Material(glow, glow, folds=0.05)
        patches.append((left, right, low, high, inner))
    return patches


def _draw_outdoors(rng: np.random.Generator) -> Place:
    grass = leafy(rng, "grass")
    paved = grey(rng, rng.choice(["ground", "tiles", "bricks"]), rng.uniform(0.4, 0.9))
    sand = Material(hsv(0.1, 0.3, 0.45), hsv(0.09, 0.4, 0.3), "ground", 0.6, rng.random(3))
    ground = (grass, paved, sand)[rng.choice(3, p=[0.42, 0.43, 0.15])]
    path = (paved if ground is not paved else grass) if rng.random() < 0.5 else None
    yaw = rng.uniform(0, 2 * np.pi)
    walls = []
    for _ in range(rng.choice(4, p=[0.1, 0.35, 0.35, 0.2])):
        turn, u = rng.uniform(0, 2 * np.pi), rng.random()
        if u < 0.3:
            material, height, far = leafy(rng), (0.7, 2.6), (1.5, 9)
        elif u < 0.7:
            material = any_material(rng, "bricks bricks panels windows windows plain", (0.3, 1.2))
            height, far = (2.5, 9), (1.5, 14)
        elif u < 0.85:
            material, height, far = any_material(rng, "panels", (0.1, 0.3)), (0.8, 2), (1.5, 7)
        else:
            material, height, far = any_material(rng, "windows", (2, 4)), (8, 30), (20, 45)
        high, away = rng.uniform(*height), rng.uniform(*far)
        patches = _patches(rng) if 0.3 < u < 0.7 else []
        walls.append(Wall(_direction(turn), away, high, material, patches))
    zenith = hsv(rng.uniform(0.54, 0.62), rng.uniform(0.1, 0.75), rng.uniform(0.35, 0.9))
    horizon = zenith * 0.35 + rng.uniform(0.4, 0.6)
    woods = leafy(rng).first * 1.5 + 0.04
    light, haze = _draw_light(rng, indoors=False), rng.uniform(0.004, 0.02)
    return Place(ground, path, yaw, walls, np.inf, (zenith, horizon, woods), light, haze)


def paint_place(
    place: Place, origin: np.ndarray, rays: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the rays meet when nothing stands in their way.

    Returns:
        Colours (P, 3), normals (P, 3; zero for the sky, which shines by itself) and distances (P,)
        in units of the rays' lengths.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        meets = [_meet_level(0.0, origin, rays), _meet_level(place.ceiling, origin, rays)]
        meets += [_meet_wall(wall, origin, rays) for wall in place.walls]
    distance, first = np.full(len(rays), np.inf, np.float32), np.full(len(rays), -1, np.int8)
    for k, t in enumerate(meets):
        first[t < distance] = k
        np.minimum(distance, t, out=distance)
    colour, normal = np.empty_like(rays), np.zeros_like(rays)
    for k in range(-1, len(meets)):
        own = np.flatnonzero(first == k)
        if k < 0:
            colour[own] = _sky(place, rays[own])
            continue
        at = origin + distance[own, None] * rays[own]
        colour[own] = _paint_level(place, k, at) if k < 2 else _paint_wall(place.walls[k - 2], at)
        normal[own] = ([0, 0, 1], [0, 0, -1])[k] if k < 2 else -place.walls[k - 2].normal
    return colour, normal, distance


def _meet_level(level: float, origin: np.ndarray, rays: np.ndarray) -> np.ndarray:
    if not np.isfinite(level):
        return np.full(len(rays), np.inf)
    t = (level - origin[2]) / rays[:, 2]
    return np.where((t > 0) & (t < 200), t, np.inf)


def _meet_wall(wall: Wall, origin: np.ndarray, rays: np.ndarray) -> np.ndarray:
    normal = np.float32(wall.normal)
    towards = rays @ normal
    t = (wall.distance - origin @ normal) / towards
    z = origin[2] + t * rays[:, 2]
    return np.where((towards > 0) & (t > 0) & (z > 0) & (z < wall.height), t, np.inf)


def _paint_level(place: Place, k: int, at: np.ndarray) -> np.ndarray:
    """The ground (0), with the path that runs over it, or the ceiling (1)."""
    c, s = np.float32(np.cos(place.yaw)), np.float32(np.sin(place.yaw))
    across = c * at[:, 1] - s * at[:, 0]
    local = np.stack([c * at[:, 0] + s * at[:, 1], across, at[:, 2]], axis=1)
    if k == 1:
        return albedo(_CEILING, local)
    colour = albedo(place.ground, local)
    if place.path is not None:
        on = np.abs(across + 0.4) < 1.1
        colour[on] = albedo(place.path, local[on])
    return colour


def _paint_wall(wall: Wall, at: np.ndarray) -> np.ndarray:
    u = at @ np.array([-wall.normal[1], wall.normal[0], 0], np.float32)
    local = np.stack([u, np.zeros_like(u), at[:, 2]], axis=1)
    colour = albedo(wall.material, local)
    for left, right, low, high, material in wall.patches:
        inside = (u > left) & (u < right) & (at[:, 2] > low) & (at[:, 2] < high)
        colour[inside] = albedo(material, local[inside])
    return colour


def _sky(place: Place, rays: np.ndarray) -> np.ndarray:
    zenith, horizon, woods = (np.float32(c) for c in place.sky)
    unit = rays / length(rays)[:, None]
    up = np.clip(unit[:, 2], 0, 1)
    mix = np.sqrt(up)[:, None]
    colour = horizon * (1 - mix) + zenith * mix
    cloud = noise(unit[:, 0] / (up + 0.3) * 0.3 + place.yaw, unit[:, 1] / (up + 0.3) * 0.3)
    cloud = np.clip(cloud - 0.55, 0, 1)[:, None] * 1.6
    colour = colour * (1 - cloud) + cloud
    turn = np.arctan2(unit[:, 1], unit[:, 0]) / (2 * np.pi)
    edge = 0.02 + 0.1 * noise(turn * 4, turn * 0 + place.yaw) * noise(turn, turn * 0 + 0.3)
    tree = unit[:, 2] < edge
    shade = noise(turn[tree] * 9, unit[tree, 2] * 3)[:, None]
    colour[tree] = woods * (0.5 + shade) * 0.8 + 0.2 * horizon
    return colour
