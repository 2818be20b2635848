"""What people wear: shells of the body's own meshes, cut to shape, puffed out and coloured."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from scipy.spatial import ConvexHull

from hpe_art.rendered_people.bodies import Body
from hpe_art.rendered_people.body_model import load_model
from hpe_art.rendered_people.textures import Material, draw_colour
from hpe_art.rendered_people.vectors import cross, length

Offset = float | np.ndarray
"""Metres off the skin, for all vertices or each."""

_PATTERNS = ("plain", "plain", "plain", "heather", "hoops", "pinstripe", "check", "dots", "print")


@dataclass
class Layer:
    """A mesh with its surface."""

    vertices: np.ndarray  # (n, 3) in the scene
    pattern: np.ndarray  # (n, 3) the same points where the pattern is laid out
    faces: np.ndarray  # (m, 3)
    material: Material
    colours: np.ndarray | None = None  # (n, 3) for materials of kind "vertex"


@dataclass(frozen=True)
class Regions:
    """Where each vertex of the average adult lies on the body."""

    arm: np.ndarray  # 0 at the shoulder, 0.5 at the elbow, 1 at the wrist; -1 off the arms
    height: np.ndarray  # 1 at the neck, 0 at the hips, -0.5 at the knees, -1 at the ankles
    foot: np.ndarray  # below the ankle
    shoes: np.ndarray  # triangles of the hulls around both feet, over the vertices of the body


@functools.cache
def regions() -> Regions:
    """The regions, once per process."""
    model = load_model()
    p = model.template.copy()
    p[:, 0] = np.abs(p[:, 0])
    on_arm = _share("upperarm", "lowerarm", "wrist", "finger", "metacarpal") > 0.4
    shoulder, elbow, wrist = (model.heads[f"{b}.L"] for b in ("upperarm01", "lowerarm01", "wrist"))
    arm = np.where(on_arm, np.maximum(_along(p, shoulder, elbow), 0) / 2, -1.0)
    fore = _along(p, elbow, wrist)
    arm = np.where(on_arm & (fore > 0), 0.5 + fore / 2, arm)
    levels = [model.heads[b][2] for b in ("foot.L", "lowerleg01.L", "upperleg01.L", "neck01")]
    height = np.interp(p[:, 2], levels, [-1, -0.5, 0, 1], left=-1.1, right=1.1)
    foot = _share("foot", "toe") > 0.5
    body = model.skin
    hulls = []
    for sign in (-1, 1):
        own = body[foot[body] & (np.sign(model.template[body, 0]) == sign)]
        own = own[model.template[own, 2] < levels[0] + 0.005]
        hulls.append(own[ConvexHull(model.template[own]).simplices])
    return Regions(arm, height, foot, np.concatenate(hulls))


def _share(*limbs: str) -> np.ndarray:
    """How much of each vertex hangs on bones whose names begin so, (V,)."""
    model = load_model()
    return model.weights[:, [i for b, i in model.bones.items() if b.startswith(limbs)]].sum(axis=1)


def _along(p: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    line = end - start
    return (p - start) @ line / (line @ line)


@dataclass(frozen=True)
class Outfit:
    """What is worn, and how far it reaches, in units of `Regions`."""

    sleeve: float  # end of the top's sleeves
    hem: float  # ends of the top
    neckline: float
    legs: float  # how far down the trousers reach
    skirt: float  # the same of the skirt, 0 without one
    loose_top: float  # metres that the cloth stands off the skin
    loose_legs: float
    jacket: bool  # worn over the top
    socks: float  # how far down they begin
    boots: float  # the same, 0 for shoes
    barefoot: bool
    materials: dict[str, Material]  # of top, legs, jacket, socks and shoes


def draw_outfit(rng: np.random.Generator, skirt_fits: bool, gender: float) -> Outfit:
    """Draw an outfit; a skirt only where the legs allow one."""
    skirt = skirt_fits and rng.random() < (0.45 if gender < 0.5 else 0.04)
    sleeve = rng.choice([0.06, 0.24, 0.32, 0.6, 0.97], p=[0.1, 0.3, 0.2, 0.08, 0.32])
    legs = rng.choice([0.28, 0.42, 0.75, 0.97], p=[0.12, 0.18, 0.1, 0.6])
    boots = 0.72 if rng.random() < 0.1 else 0.0
    cloth = {n: _cloth(rng) for n in ("top", "legs", "jacket", "socks")}
    colour = draw_colour(rng)
    cloth["shoes"] = Material(colour, colour, "vertex", gloss=rng.uniform(0.05, 0.4), folds=0.1)
    if rng.random() < 0.12:
        cloth["legs"] = cloth["top"]
    return Outfit(
        sleeve=float(sleeve + rng.uniform(-0.02, 0.02)), hem=float(rng.uniform(-0.14, 0.16)),
        neckline=float(rng.uniform(0.86, 1.02)), legs=float(legs),
        skirt=float(rng.uniform(0.22, 0.85)) if skirt else 0.0,
        loose_top=float(rng.uniform(0.004, 0.022)), loose_legs=float(rng.uniform(0.003, 0.022)),
        jacket=bool(rng.random() < 0.2), socks=float(rng.uniform(0.7, 0.95)), boots=boots,
        barefoot=bool(rng.random() < 0.06), materials=cloth,
    )  # fmt: skip


def _cloth(rng: np.random.Generator) -> Material:
    kind = _PATTERNS[rng.integers(len(_PATTERNS))]
    first = draw_colour(rng)
    other = rng.random() < 0.6
    second = draw_colour(rng) if other else np.clip(first * rng.uniform(0.4, 1.8), 0, 1)
    if kind == "heather":
        second = first * rng.uniform(0.7, 0.9)
    size = {"print": rng.uniform(0.04, 0.12), "heather": 0.05}.get(kind, rng.uniform(0.05, 0.14))
    phase = np.array([0.0, rng.random(), rng.random()])
    return Material(first, second, kind, size, phase, gloss=0.03, folds=rng.uniform(0.12, 0.35))


def normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Unit normals at the vertices (V, 3), from the faces around them by area."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    face = cross(b - a, c - a)
    total = np.stack([
        np.bincount(faces.ravel(), np.repeat(face[:, k], 3), len(vertices)) for k in range(3)
    ], axis=1)  # fmt: skip
    return total / np.maximum(length(total), 1e-12)[:, None]


def dress(body: Body, o: Outfit) -> tuple[list[Layer], np.ndarray]:
    """Make the clothes, and say which vertices of the body they hide."""
    where, m = regions(), o.materials
    arm, height = where.arm, where.height
    trunk = arm < 0
    tights = load_model().faces["tights"]
    layers = []

    def covered(sleeve: float, hem: float, neckline: float) -> np.ndarray:
        return np.where(trunk, (height > hem) & (height < neckline), arm < sleeve)

    def legs(length: float, waist: float = 0.26) -> np.ndarray:
        return trunk & (height < waist) & (height > -length)

    if not o.skirt:
        loose = o.loose_legs * (0.6 + np.clip(-height, 0, 1))
        layers.append(shell(body, tights, legs(o.legs), loose, m["legs"]))
    fullness = np.where(trunk, 1.0 + 0.6 * np.clip(0.3 - height, 0, 1), 0.9)
    top = covered(o.sleeve, o.hem, o.neckline)
    if o.hem < 0.02:
        fullness = fullness + 0.25 * o.loose_legs / o.loose_top
    layers.append(shell(body, tights, top, 0.004 + o.loose_top * fullness, m["top"]))
    if o.jacket:
        template = load_model().template
        open_front = (np.abs(template[:, 0]) < 0.055) & (template[:, 1] < 0) & trunk
        inside = covered(0.97, o.hem - 0.06, 1.0) & ~open_front
        layers.append(shell(body, tights, inside, 0.014 + o.loose_top * fullness, m["jacket"]))
    if o.skirt:
        skirt = load_model().faces["skirt"]
        layers.append(shell(body, skirt, height > -o.skirt, 0.006, m["legs"]))
    hidden = covered(o.sleeve - 0.05, o.hem + 0.07, o.neckline - 0.07)
    hidden = hidden | legs((o.skirt or o.legs) - 0.05, 0.22) & (height > -0.94)
    if not o.barefoot:
        layers += _shoes(body, o)
        hidden = hidden | where.foot & (height < -1.005)
    return [layer for layer in layers if len(layer.faces)], hidden


def _shoes(body: Body, o: Outfit) -> list[Layer]:
    where, model, material = regions(), load_model(), o.materials["shoes"]
    z = model.template[:, 2]
    sole = z < z[where.shoes.ravel()].min() + 0.022
    colours = np.where(sole[:, None], 1 - 0.8 * material.first.mean(), material.first)
    shaft = (where.arm < 0) & (where.height < -(o.boots or o.socks)) & (where.height > -1.09)
    plain = Material(material.first, material.first) if o.boots else o.materials["socks"]
    return [
        make_layer(body, where.shoes, 0.006, material, colours),
        shell(body, model.faces["tights"], shaft, 0.006 if o.boots else 0.002, plain),
    ]


def shell(
    body: Body, faces: np.ndarray, inside: np.ndarray, offset: Offset, material: Material
) -> Layer:
    """The part of a mesh whose vertices are inside (V,), moved outwards."""
    return make_layer(body, faces[inside[faces].all(axis=1)], offset, material)


def make_layer(
    body: Body,
    faces: np.ndarray,
    offset: Offset,
    material: Material,
    colours: np.ndarray | None = None,
) -> Layer:
    """A layer from faces over the body's vertices, moved outwards by `offset` metres."""
    on = np.zeros(len(body.vertices), bool)
    on[faces] = True
    used = np.flatnonzero(on)
    local = (np.cumsum(on) - 1)[faces]
    points = body.vertices[used]
    if len(local) and np.any(offset):
        lift = np.broadcast_to(offset, len(body.vertices))[used]
        points = points + normals(points, local) * lift[:, None]
    tint = None if colours is None else colours[used]
    return Layer(points, load_model().template[used], local, material, tint)
