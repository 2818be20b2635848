"""One rendered person: everything drawn from its split, seed and index."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpe_art.rendered_people.bodies import Body
from hpe_art.rendered_people.body_model import load_model
from hpe_art.rendered_people.camera import Camera, develop, draw_camera
from hpe_art.rendered_people.dressed import (
    Rngs,
    draw_bystander,
    draw_dressed_body,
    in_focus,
    project_joints,
)
from hpe_art.rendered_people.props import draw_supports, draw_surroundings
from hpe_art.rendered_people.shading import render

VERSION = "1"
"""Names the recipe: the same seed and version give the same people."""

SIZE = 192
SPLITS = ("train", "val")
# A name's place here is part of its seed.
_STREAMS = (
    "shape", "pose", "clothes", "looks", "camera", "place", "props", "occluder", "film", "other",
)  # fmt: skip
REACH = np.array([
    0.10, 0.12, 0.19, 0.19, 0.12, 0.10, 0.21, 0.19, 0.14, 0.13, 0.08, 0.10, 0.14, 0.14, 0.10, 0.08,
])  # fmt: skip
"""How far, in metres, the surface around each MPII joint lies from it at most."""


@dataclass(frozen=True)
class Person:
    """A picture of a person with its labels, in 0-based pixels."""

    image: np.ndarray  # BGR (192, 192, 3), uint8
    joints: np.ndarray  # MPII's (16, 2)
    inside: np.ndarray  # whether each joint lies inside the picture (16,)
    occluded: np.ndarray  # whether the body itself or something else hides each joint (16,)
    head_box: np.ndarray  # x1, y1, x2, y2 around the head
    mask: np.ndarray  # pixels (192, 192) that show the person
    action: str  # name of the pose
    quality: int  # JPEG quality to store it at


def streams(seed: int, split: str, index: int, member: int = 0) -> Rngs:
    """Sources of randomness for one picture of a set; the splits share none of them.

    `member` is 0 for a person alone, 1 and up for those of a group.
    """
    key = [int(VERSION), seed, SPLITS.index(split), index]
    return {
        name: np.random.default_rng([*key, 100 * member + k]) for k, name in enumerate(_STREAMS)
    }


def person(seed: int, split: str, index: int) -> Person:
    """Render number `index` of a set's split, "train" or "val".

    Raises:
        ImportError: Anny is not installed.
    """
    rng = streams(seed, split, index)
    one = draw_dressed_body(rng)
    body = one.body
    camera = draw_camera(body.joints, SIZE, rng["camera"])
    supports = draw_supports(rng["props"], body)
    place, things = draw_surroundings(rng, [body], camera)
    if rng["other"].random() < 0.22:
        things += draw_bystander(rng["other"], body.joints.mean(axis=0), camera).layers
    picture = render(one.layers + supports + things, place, camera.scaled(2))
    mask = (picture.layer >= 0) & (picture.layer < len(one.layers))
    image = develop(picture.light, mask, in_focus(picture, body.joints.mean(axis=0)), rng["film"])
    pixels, inside, hidden = project_joints(picture, mask, camera, body, body.joints, REACH)
    return Person(
        image=image,
        joints=pixels - 0.5,
        inside=inside,
        occluded=hidden,
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
