"""One rendered person: everything drawn from its split, seed and index."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpe_art.rendered_people.bodies import Body
from hpe_art.rendered_people.body_model import load_model
from hpe_art.rendered_people.camera import Camera, draw_camera
from hpe_art.rendered_people.camera_effects import develop
from hpe_art.rendered_people.dressed import (
    draw_bystander,
    draw_dressed_body,
    in_focus,
    occluded,
)
from hpe_art.rendered_people.places import draw_place
from hpe_art.rendered_people.props import draw_occluder, draw_props
from hpe_art.rendered_people.shading import merge, render

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
REACH = np.array([
    0.10, 0.12, 0.19, 0.19, 0.12, 0.10, 0.21, 0.19, 0.14, 0.13, 0.08, 0.10, 0.14, 0.14, 0.10, 0.08,
])  # fmt: skip
"""How far, in metres, the surface around each MPII joint lies from it at most."""


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


def streams(seed: int, split: str, index: int, member: int = 0) -> dict[str, np.random.Generator]:
    """Independent sources of randomness; the splits share none of them.

    Args:
        seed: seed of the set.
        split: "train" or "val".
        index: number of the picture in the set.
        member: 0 for a person alone, 1 and up for those of a group.
    """
    key = [int(VERSION), seed, SPLITS.index(split), index]
    return {
        name: np.random.default_rng([*key, 100 * member + k]) for k, name in enumerate(_STREAMS)
    }


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
    dressed = draw_dressed_body(rng["shape"], rng["pose"], rng["clothes"], rng["looks"])
    body, layers, own = dressed.body, [*dressed.layers], len(dressed.layers)
    camera = draw_camera(body.joints, SIZE, rng["camera"])
    place = draw_place(rng["place"])
    layers += draw_props(rng["props"], body, camera.position, bool(np.isfinite(place.ceiling)))
    if rng["occluder"].random() < 0.15:
        layers += draw_occluder(rng["occluder"], body, camera.position)
    if rng["other"].random() < 0.22:
        layers += draw_bystander(rng["other"], body.joints.mean(axis=0), camera).layers
    picture = render(merge(layers), place, camera.scaled(2))
    mask = (picture.layer >= 0) & (picture.layer < own)
    image = develop(picture.light, mask, in_focus(picture, body.joints.mean(axis=0)), rng["film"])
    pixels, _ = camera.project(body.joints)
    return Person(
        image=image,
        joints=pixels - 0.5,
        inside=((pixels >= 0) & (pixels < SIZE)).all(axis=1),
        occluded=occluded(picture, mask, body, body.joints, pixels, REACH),
        head_box=_head_box(body, camera),
        mask=mask[::2, ::2],
        action=body.pose.name,
        quality=int(rng["film"].integers(80, 93)),
    )


def _head_box(body: Body, camera: Camera) -> np.ndarray:
    """Box around hair, face and upper neck, as MPII's are."""
    model = load_model()
    own = model.skin
    own = own[model.weights[own, model.bones["head"]] > 0.5]
    pixels, _ = camera.project(np.concatenate([body.vertices[own], body.joints[8:9]]))
    low, high = pixels.min(axis=0), pixels.max(axis=0)
    hair = 0.05 * (high - low)
    return np.concatenate([low - hair, high + hair]) - 0.5
