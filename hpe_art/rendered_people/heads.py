"""Skin, faces, hair and hats: what makes the front of a head differ from its back."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from hpe_art.rendered_people.bodies import Body
from hpe_art.rendered_people.body_model import load_model
from hpe_art.rendered_people.clothes import Layer, make_layer, shell
from hpe_art.rendered_people.shapes import ellipsoid
from hpe_art.rendered_people.textures import Material, draw_colour

# sRGB colours of skin from very dark to very fair, and of hair.
_SKIN = np.array([
    [62, 38, 28], [88, 55, 38], [118, 76, 52], [148, 101, 70], [176, 127, 94], [200, 152, 118],
    [222, 178, 148], [236, 200, 176], [244, 214, 196],
]) / 255.0  # fmt: skip
_HAIR = np.array([
    [16, 13, 12], [28, 20, 16], [48, 32, 22], [74, 48, 30], [108, 72, 42], [150, 112, 66],
    [186, 152, 100], [110, 46, 24], [128, 126, 124], [190, 188, 184],
]) / 255.0  # fmt: skip
_STYLES = ("bald", "buzz", "short", "short", "short", "bob", "long", "long", "tail", "bun", "afro")
_HATS = ("cap", "cap", "beanie", "scarf", "helmet")


@dataclass(frozen=True)
class Face:
    """The head of the average adult, whose unit is the height from between the eyes to the top."""

    at: np.ndarray  # vertices (V, 3) from between the eyes, in units
    depth: np.ndarray  # 0 at the forehead to 1 at the back of the head, (V,)
    head: np.ndarray  # on the head or the upper neck (V,)
    eye: np.ndarray  # middle of the left eye, (3,), in metres
    unit: float  # in metres
    middle: np.ndarray  # between the eyes, in metres


@functools.cache
def face() -> Face:
    """Measure the head, once per process."""
    model = load_model()
    p = model.template
    eye = p[np.unique(model.faces["l-eye"])].mean(axis=0)
    middle = eye * [0, 1, 1]
    own = model.weights[:, [model.bones["head"], model.bones["neck03"]]].sum(axis=1) > 0.5
    skull = own & (p[:, 2] > eye[2] + 0.03)
    skull[np.setdiff1d(np.arange(len(p)), model.skin)] = False
    front, back = p[skull, 1].min(), p[skull, 1].max()
    unit = p[skull, 2].max() - eye[2]
    return Face((p - middle) / unit, (p[:, 1] - front) / (back - front), own, eye, unit, middle)


@dataclass(frozen=True)
class Looks:
    """Colours and styles of one person's head and skin."""

    skin: np.ndarray  # RGB in 0..1, linear light
    hair: np.ndarray  # likewise
    style: str  # of the hair
    hat: str  # empty without one
    hat_material: Material
    beard: float  # how dense it is, 0 without one, to 1
    glasses: bool
    length: float  # how far down long hair reaches, as the z of `Face.at`


def draw_looks(rng: np.random.Generator, shape: dict[str, float]) -> Looks:
    """Draw skin and hair; hair greys and thins with age."""
    tone = rng.uniform(0, len(_SKIN) - 1)
    low = int(min(tone, len(_SKIN) - 2))
    skin = _SKIN[low] + (tone - low) * (_SKIN[low + 1] - _SKIN[low])
    male = shape["gender"] > 0.5
    dark = tone < 3.5
    pick = rng.integers(0, 3 if dark else 8)
    if shape["age"] > 0.85 and rng.random() < 0.7:
        pick = rng.integers(8, 10)
    styles = (*_STYLES[:5], "bob", "afro") if male else _STYLES[2:]
    hat = _HATS[rng.integers(len(_HATS))] if rng.random() < 0.17 else ""
    colour = draw_colour(rng)
    return Looks(
        skin=(skin * rng.uniform(0.92, 1.06, 3)).clip(0, 1) ** 2.2,
        hair=(_HAIR[pick] * rng.uniform(0.8, 1.2)) ** 2.0,
        style=styles[rng.integers(len(styles))], hat=hat,
        hat_material=Material(colour, colour, folds=0.2, gloss=0.3 if hat == "helmet" else 0.02),
        beard=float(rng.uniform(0.4, 0.95)) if male and rng.random() < 0.3 else 0.0,
        glasses=bool(rng.random() < 0.07), length=float(rng.uniform(-2.9, -1.0)),
    )  # fmt: skip


def skin_layer(body: Body, looks: Looks, hidden: np.ndarray) -> Layer:
    """The bare parts of the body, painted."""
    faces = load_model().faces["body"]
    faces = faces[~hidden[faces].all(axis=1)]
    material = Material(looks.skin, looks.skin, "vertex", gloss=0.08, folds=0.04)
    return make_layer(body, faces, 0.0, material, _paint(looks))


def _paint(looks: Looks) -> np.ndarray:
    f, model = face(), load_model()
    x, y, z = np.abs(model.template[:, 0]), model.template[:, 1] - f.eye[1], f.at[:, 2]
    colour = np.tile(looks.skin, (len(x), 1))

    def blend(share: np.ndarray, other: np.ndarray) -> None:
        colour[:] = colour * (1 - share[:, None]) + other * share[:, None]

    front = f.head & (y < 0.015)
    blend(model.lips * 0.65, looks.skin * [0.8, 0.42, 0.42])
    cheek = np.exp(-(((x - 0.045) / 0.02) ** 2 + ((z + 0.38) / 0.2) ** 2)) * front
    blend(cheek * 0.2, looks.skin * [1.05, 0.65, 0.62])
    if looks.beard:
        jaw = f.head & (f.depth < 0.5) & (z < np.interp(x, [0, 0.03, 0.055], [-0.62, -0.5, -0.3]))
        moustache = front & (x < 0.028) & (np.abs(z + 0.52) < 0.08)
        blend(looks.beard * ((jaw & (z > -1.25)) | moustache) * (1 - 0.8 * model.lips), looks.hair)
    socket = np.exp(-(((x - f.eye[0]) / 0.02) ** 2 + ((z - 0.02) / 0.14) ** 2)) * front
    blend(socket * 0.35, looks.skin * 0.35)
    brow = front & (np.abs(x - f.eye[0]) < 0.024) & (np.abs(z - 0.2) < 0.075)
    blend(brow * 0.85, np.minimum(looks.hair, looks.skin * 0.5))
    if looks.glasses:
        lens = front & (np.abs(x - f.eye[0]) < 0.027) & (np.abs(z) < 0.18)
        bridge = f.head & (np.abs(z - 0.08) < 0.04) & (f.depth < 0.6)
        blend((lens | bridge) * 0.95, np.full(3, 0.02))
    if looks.style in ("bald", "buzz"):
        blend(_scalp() * (0.75 if looks.style == "buzz" else 0.12), looks.hair)
    return colour


def _scalp() -> np.ndarray:
    """The vertices on which hair grows, (V,)."""
    f = face()
    line = np.interp(
        f.depth, [-0.1, 0.18, 0.36, 0.46, 0.62, 1.0], [0.62, 0.55, 0.3, -0.1, -0.6, -0.95]
    )
    return f.head & (f.at[:, 2] > line)


def head_layers(body: Body, looks: Looks) -> list[Layer]:
    """Eyes, hair and hat."""
    style, f, faces = looks.style, face(), load_model().faces
    hair = Material(looks.hair, looks.hair, gloss=0.12, folds=0.35)
    layers = [_eyes(body)]
    if style not in ("bald", "buzz"):
        thick = {"afro": 0.045, "tail": 0.006, "bun": 0.006}.get(style, 0.012)
        flat = looks.hat != "" and style != "afro"
        offset = 0.006 if flat else thick * (0.5 + 0.7 * np.clip(f.at[:, 2], 0, 1))
        layers.append(shell(body, faces["body"], _scalp(), offset, hair))
    if style in ("bob", "long") and looks.hat != "scarf":
        # To the chin (bob) or further, without strands before the face.
        length = -1.15 if style == "bob" else looks.length
        inside = (f.at[:, 2] > length) & ((f.depth > 0.42) | (f.at[:, 2] > 0.35))
        layers.append(shell(body, faces["hair"], inside, 0.004, hair))
    if style in ("tail", "bun") and looks.hat in ("", "cap"):
        layers.append(_knot(body, looks, hair))
    return [*layers, *_hat(body, looks)] if looks.hat else layers


def _eyes(body: Body) -> Layer:
    model = load_model()
    faces = np.concatenate([model.faces["l-eye"], model.faces["r-eye"]])
    p = model.template.copy()
    p[:, 0] = np.abs(p[:, 0])
    front = p[np.unique(faces), 1].min()
    iris = np.linalg.norm(p - [face().eye[0], front, face().eye[2]], axis=1) < 0.008
    colours = np.where(iris[:, None], 0.02, [0.62, 0.6, 0.58])
    material = Material(colours[0], colours[0], "vertex", gloss=0.3, folds=0.0)
    return make_layer(body, faces, 0.0, material, colours)


def _on_head(body: Body, points: np.ndarray, faces: np.ndarray, material: Material) -> Layer:
    """A mesh whose points are given on the average head, carried over to this body's head."""
    own = np.flatnonzero(_scalp())
    base = np.c_[load_model().template[own], np.ones(len(own))]
    move, *_ = np.linalg.lstsq(base, body.vertices[own], rcond=None)
    return Layer(np.c_[points, np.ones(len(points))] @ move, points, faces, material)


def _knot(body: Body, looks: Looks, hair: Material) -> Layer:
    f = face()
    back = load_model().template[_scalp(), 1].max()
    if looks.style == "bun":
        centre, radii = [0, back - 0.01, f.middle[2] + 0.6 * f.unit], [0.035, 0.035, 0.035]
    else:
        long = 0.07 + 0.03 * -looks.length
        centre, radii = [0, back + 0.03, f.middle[2] + 0.4 * f.unit - long], [0.025, 0.025, long]
    return _on_head(body, *ellipsoid(centre, radii), hair)


def _hat(body: Body, looks: Looks) -> list[Layer]:
    f, material, faces = face(), looks.hat_material, load_model().faces["body"]
    if looks.hat == "scarf":
        around = f.head & (f.at[:, 2] > -1.6)
        open_face = (f.depth < 0.33) & (f.at[:, 2] < 0.5) & (f.at[:, 2] > -1.0)
        return [shell(body, faces, around & ~open_face, 0.014, material)]
    level = f.head & (f.at[:, 2] > np.interp(f.depth, [0, 1], [0.42, 0.15]))
    thick = {"cap": 0.016, "beanie": 0.02, "helmet": 0.032}[looks.hat]
    hat = shell(body, faces, level, thick, material)
    if looks.hat == "beanie":
        return [hat]
    turn = np.radians(np.linspace(-75, 75, 9))
    reach = 0.075 if looks.hat == "cap" else 0.03
    front = load_model().template[level, 1].min() - 0.012
    inner = np.stack([0.075 * np.sin(turn), front + 0.05 * (1 - np.cos(turn)),
                      np.full(9, f.middle[2] + 0.5 * f.unit)], axis=1)  # fmt: skip
    outer = inner + np.stack([0 * turn, -reach * np.cos(turn), -0.02 * np.cos(turn)], axis=1)
    k = np.arange(8)
    brim = np.r_[np.c_[k, k + 1, k + 9], np.c_[k + 1, k + 10, k + 9]]
    return [hat, _on_head(body, np.r_[inner, outer], brim, material)]
