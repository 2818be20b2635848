"""From meshes, a place and a camera to light: shading of each pixel, with cast shadows."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from hpe_art.rendered_people.camera import Camera
from hpe_art.rendered_people.clothes import Layer, normals
from hpe_art.rendered_people.places import Light, Place, paint_place
from hpe_art.rendered_people.raster import Hits, rasterise
from hpe_art.rendered_people.textures import Material, albedo
from hpe_art.rendered_people.vectors import dot, length

_SHADOW_SIZE, _SHADOW_METRES = 288, 5.6
_CHEST = np.array([0, 0, 0.8], np.float32)


@dataclass(frozen=True)
class _Scene:
    """All layers as one mesh."""

    vertices: np.ndarray  # (V, 3), as the next three
    pattern: np.ndarray
    colours: np.ndarray
    normals: np.ndarray
    faces: np.ndarray  # (F, 3)
    layer: np.ndarray  # the layer of each face (F,)
    materials: list[Material]  # of each layer


@dataclass(frozen=True)
class Picture:
    """A rendered view."""

    light: np.ndarray  # linear RGB (H, W, 3)
    layer: np.ndarray  # the layer seen at each pixel, -1 for the place itself (H, W)
    points: np.ndarray  # the point of the scene seen there (H, W, 3); inf where there is no layer


def render(layers: list[Layer], place: Place, camera: Camera) -> Picture:
    """Render layers in a place."""
    scene, size = _merge(layers), camera.size
    screen, depth = camera.project(scene.vertices)
    hits = rasterise(screen, 1 / depth, scene.faces, (size, size))
    shadow = _ShadowMap(scene, place.light)
    layer = np.full(size * size, -1)
    layer[hits.pixel] = scene.layer[hits.face]
    light = np.empty((size * size, 3), np.float32)
    empty = np.flatnonzero(layer < 0)
    light[empty] = _shade_place(scene, place, shadow, camera, camera.rays()[empty])
    colour, at = _shade_hits(scene, place.light, shadow, camera.position, hits, 1 / depth)
    light[hits.pixel] = colour
    points = np.full((size * size, 3), np.inf)
    points[hits.pixel] = at
    grid = (size, size)
    return Picture(light.reshape(*grid, 3), layer.reshape(grid), points.reshape(*grid, 3))


def _merge(layers: list[Layer]) -> _Scene:
    start = np.cumsum([0] + [len(x.vertices) for x in layers])
    colours = [x.colours if x.colours is not None else np.zeros_like(x.vertices) for x in layers]
    return _Scene(
        vertices=np.concatenate([x.vertices for x in layers]),
        pattern=np.concatenate([x.pattern for x in layers]),
        colours=np.concatenate(colours),
        normals=np.concatenate([normals(x.vertices, x.faces) for x in layers]),
        faces=np.concatenate([x.faces + s for x, s in zip(layers, start, strict=False)]),
        layer=np.repeat(np.arange(len(layers)), [len(x.faces) for x in layers]),
        materials=[x.material for x in layers],
    )


def _shade_place(
    scene: _Scene, place: Place, shadow: _ShadowMap, camera: Camera, rays: np.ndarray
) -> np.ndarray:
    """Colours (P, 3) of the rays that meet no layer."""
    eye, rays = camera.position.astype(np.float32), rays.astype(np.float32)
    colour, facing, distance = paint_place(place, eye, rays)
    lit = np.flatnonzero(np.isfinite(distance))
    facing = facing[lit]
    where = eye + distance[lit, None] * rays[lit]
    contact = np.ones(len(lit), np.float32)
    ground = np.flatnonzero(facing[:, 2] > 0.5)
    contact[ground] -= 0.55 * _contact(scene, where[ground])
    shaded = _lit(place.light, colour[lit], facing, shadow(where), contact)
    if place.haze:
        fade = np.exp(np.float32(-place.haze) * length(where - eye))[:, None]
        shaded = shaded * fade + np.float32(place.sky[1]) * (1 - fade)
    colour[lit] = shaded
    return colour


def _shade_hits(
    scene: _Scene, light: Light, shadow: _ShadowMap, eye: np.ndarray, hits: Hits, near: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Colours and points (P, 3) of the pixels that see a layer."""
    corner = scene.faces[hits.face]
    weights = hits.weights * near[corner]
    total = weights[:, 0] + weights[:, 1] + weights[:, 2]
    weights = (weights / total[:, None]).astype(np.float32)
    parts = [scene.vertices, scene.normals, scene.pattern, scene.colours]
    values = np.concatenate(parts, axis=1, dtype=np.float32)
    mixed = np.zeros((len(corner), 12), np.float32)
    for k in range(3):
        mixed += weights[:, k, None] * values[corner[:, k]]
    at, normal, pattern, colours = np.split(mixed, 4, axis=1)
    normal /= np.maximum(length(normal), 1e-9)[:, None]
    view = np.float32(eye) - at
    view /= length(view)[:, None]
    normal *= np.where(dot(normal, view) < 0, -1, 1)[:, None]
    base, gloss = np.empty_like(at), np.empty(len(at), np.float32)
    layer = scene.layer[hits.face]
    for k in np.flatnonzero(np.bincount(layer)):
        own = layer == k
        base[own] = albedo(scene.materials[k], pattern[own], colours[own])
        gloss[own] = scene.materials[k].gloss
    open_sky = shadow(at + 0.015 * normal)
    colour = _lit(light, base, normal, open_sky, np.ones(len(at), np.float32))
    half = view + np.float32(light.towards)
    half /= length(half)[:, None]
    shine = np.clip(dot(normal, half), 0, 1) ** 24 * gloss * open_sky
    return colour + shine[:, None] * np.float32(light.key), at


def _lit(
    light: Light, base: np.ndarray, normal: np.ndarray, open_sky: np.ndarray, contact: np.ndarray
) -> np.ndarray:
    facing = np.clip(normal @ np.float32(light.towards), 0, 1) * open_sky
    up = (0.5 + 0.5 * normal[:, 2])[:, None]
    above, below = np.float32(light.above), np.float32(light.below)
    around = (below + up * (above - below)) * contact[:, None]
    return base * (facing[:, None] * np.float32(light.key) + around)


def _contact(scene: _Scene, at: np.ndarray) -> np.ndarray:
    """How much of the sky is hidden from points of the ground by what is just above, in 0..1."""
    low = scene.vertices[scene.vertices[:, 2] < 0.35]
    cells, metres = 96, 4.0
    grid, _, _ = np.histogram2d(
        low[:, 0], low[:, 1], bins=cells, range=[[-metres / 2, metres / 2]] * 2,
        weights=1 - low[:, 2] / 0.35,
    )  # fmt: skip
    dark = np.clip(cv2.GaussianBlur((grid > 0.5).astype(np.float32), (0, 0), 2.2) * 1.6, 0, 1)
    index = np.clip(((at[:, :2] / metres + 0.5) * cells).astype(int), 0, cells - 1)
    return dark[index[:, 0], index[:, 1]]


class _ShadowMap:
    """Which points around the origin the key light reaches."""

    def __init__(self, scene: _Scene, light: Light) -> None:
        side = np.cross(light.towards, [0, 0, 1.0])
        side /= np.linalg.norm(side)
        self._axes = np.stack([side, np.cross(light.towards, side), light.towards])
        x, y, near = self._to_map(scene.vertices)
        size = (_SHADOW_SIZE, _SHADOW_SIZE)
        hits = rasterise(np.stack([x, y], axis=1), near, scene.faces, size)
        self._near = np.pad(hits.nearness, 2, constant_values=-np.inf)

    def _to_map(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Cells along the map's sides, and how far towards the light in metres."""
        across, along, near = ((points - _CHEST) @ self._axes.T.astype(points.dtype)).T
        x, y = ((v / _SHADOW_METRES + 0.5) * _SHADOW_SIZE for v in (across, along))
        return x, y, near

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Share of the light (P,) that arrives, softened over neighbouring cells."""
        x, y, near = self._to_map(points)
        x, y = np.clip(x, -1, _SHADOW_SIZE), np.clip(y, -1, _SHADOW_SIZE)
        limit, width = near + 0.025, self._near.shape[1]
        reach = np.zeros(len(points), np.float32)
        for dx, dy in ((-0.9, -0.4), (0.4, -0.9), (0.9, 0.4), (-0.4, 0.9)):
            row, column = (np.floor(v).astype(np.int32) + 2 for v in (y + dy, x + dx))
            reach += self._near.ravel()[row * width + column] < limit
        return reach / 4
