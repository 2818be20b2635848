"""One rendered person: everything drawn from its split, seed and index."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpe_art.rendered_people.bodies import Body, draw_body
from hpe_art.rendered_people.body_model import load_model
from hpe_art.rendered_people.camera import Camera, draw_camera
from hpe_art.rendered_people.camera_effects import develop
from hpe_art.rendered_people.clothes import Layer, draw_outfit, dress
from hpe_art.rendered_people.heads import draw_looks, head_layers, skin_layer
from hpe_art.rendered_people.places import draw_place
from hpe_art.rendered_people.props import draw_occluder, draw_props
from hpe_art.rendered_people.shading import Picture, merge, render
from hpe_art.rendered_people.vectors import length

VERSION = "1"
"""Names the recipe: the same seed and version give the same people."""

SIZE = 192
SPLITS = ("train", "val")
_STREAMS = (
    "shape",
    "pose",
    "clothes",
    "looks",
    "camera",
    "place",
    "props",
    "occluder",
    "film",
    "other",
)
# How far, in metres, the surface around a joint lies from it at most.
_REACH = np.array([
    0.10, 0.12, 0.19, 0.19, 0.12, 0.10, 0.21, 0.19, 0.14, 0.13, 0.08, 0.10, 0.14, 0.14, 0.10, 0.08,
])  # fmt: skip


@dataclass(frozen=True)
class Person:
    """A picture of a person with its labels.

    Attributes:
        image: BGR (192, 192, 3), uint8.
        joints: MPII joints (16, 2), 0-based pixels.
        inside: whether each joint lies inside the picture (16,).
        occluded: whether each joint is hidden by the body itself or by something else (16,).
        head_box: x1, y1, x2, y2 around the head, 0-based pixels.
        mask: pixels (192, 192) that show the person.
        action: name of the pose.
        quality: JPEG quality to store it at.
    """

    image: np.ndarray
    joints: np.ndarray
    inside: np.ndarray
    occluded: np.ndarray
    head_box: np.ndarray
    mask: np.ndarray
    action: str
    quality: int


def streams(seed: int, split: str, index: int) -> dict[str, np.random.Generator]:
    """Independent sources of randomness for one person; the splits share none of them."""
    key = [int(VERSION), seed, SPLITS.index(split), index]
    return {name: np.random.default_rng([*key, k]) for k, name in enumerate(_STREAMS)}


def person(seed: int, split: str, index: int) -> Person:
    """Render one person.

    Args:
        seed: seed of the set.
        split: "train" or "val".
        index: number of the person in the set.

    Raises:
        ImportError: Anny is not installed.
    """
    rng = streams(seed, split, index)
    body = draw_body(rng["shape"], rng["pose"])
    layers = _clothed(body, rng["clothes"], rng["looks"])
    own = len(layers)
    camera = draw_camera(body.joints, SIZE, rng["camera"])
    place = draw_place(rng["place"])
    layers += draw_props(rng["props"], body, camera.position, bool(np.isfinite(place.ceiling)))
    if rng["occluder"].random() < 0.15:
        layers += draw_occluder(rng["occluder"], body, camera.position)
    if rng["other"].random() < 0.22:
        layers += _bystander(rng["other"], body, camera)
    picture = render(merge(layers), place, camera.scaled(2))
    mask = (picture.layer >= 0) & (picture.layer < own)
    image = develop(picture.light, mask, _in_focus(picture, body), rng["film"])
    pixels, _ = camera.project(body.joints)
    return Person(
        image=image,
        joints=pixels - 0.5,
        inside=((pixels >= 0) & (pixels < SIZE)).all(axis=1),
        occluded=_occluded(picture, mask, body, pixels),
        head_box=_head_box(body, camera),
        mask=mask[::2, ::2],
        action=body.pose.name,
        quality=int(rng["film"].integers(80, 93)),
    )


def _clothed(body: Body, clothes: np.random.Generator, looks: np.random.Generator) -> list[Layer]:
    model = load_model()
    outfit = draw_outfit(clothes, body.pose.action.skirt, body.shape["gender"])
    look = draw_looks(looks, body.shape)
    worn, hidden = dress(body, outfit, model)
    return [skin_layer(body, look, hidden, model), *worn, *head_layers(body, look, model)]


def _bystander(rng: np.random.Generator, body: Body, camera: Camera) -> list[Layer]:
    """Another person, behind and so far aside that the picture's border cuts them."""
    other = draw_body(rng, rng)
    layers = _clothed(other, rng, rng)
    behind = rng.uniform(0.2, 2.5)
    centre = body.joints.mean(axis=0)
    distance = np.linalg.norm(centre - camera.position) + behind
    edge = (SIZE if rng.random() < 0.5 else 0) - camera.centre[0]
    lateral = edge / camera.focal * distance
    turn = rng.uniform(0, 2 * np.pi)
    c, s = np.cos(turn), np.sin(turn)
    spot = camera.position + distance * camera.axes[2] + lateral * camera.axes[0]
    for layer in layers:
        layer.vertices = layer.vertices @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
        layer.vertices[:, :2] += spot[:2]
    return layers


def _in_focus(picture: Picture, body: Body) -> np.ndarray:
    near, thing = np.zeros(picture.layer.shape, bool), picture.layer >= 0
    away = picture.points[thing] - body.joints.mean(axis=0)
    near[thing] = length(away * [1, 1, 0]) < 1.3
    return near


def _occluded(picture: Picture, mask: np.ndarray, body: Body, pixels: np.ndarray) -> np.ndarray:
    """A joint is seen where the person's own surface close to it is seen at its pixel."""
    tall = np.ptp(load_model().template[:, 2])
    scale = np.clip(_limb_length(body) / (0.5 * tall), 0.8, 1.2)
    hidden = np.zeros(len(pixels), bool)
    for k, (x, y) in enumerate(np.floor(2 * pixels).astype(int)):
        rows, columns = slice(max(y - 2, 0), max(y + 3, 0)), slice(max(x - 2, 0), max(x + 3, 0))
        points = picture.points[rows, columns][mask[rows, columns]]
        near = np.linalg.norm(points - body.joints[k], axis=-1) < _REACH[k] * scale
        hidden[k] = not near.any()
    return hidden


def _limb_length(body: Body) -> float:
    """Hip to knee to ankle, the longer side, metres."""
    legs = body.joints[[[2, 1, 0], [3, 4, 5]]]
    return float(np.linalg.norm(np.diff(legs, axis=1), axis=-1).sum(axis=1).max())


def _head_box(body: Body, camera: Camera) -> np.ndarray:
    """Box around hair, face and upper neck, as MPII's are."""
    model = load_model()
    own = model.skin
    own = own[model.weights[own, model.bones["head"]] > 0.5]
    pixels, _ = camera.project(np.concatenate([body.vertices[own], body.joints[8:9]]))
    low, high = pixels.min(axis=0), pixels.max(axis=0)
    hair = 0.05 * (high - low)
    return np.concatenate([low - hair, high + hair]) - 0.5
