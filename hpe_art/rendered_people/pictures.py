"""Rendered pictures with labels: of one person as MPII has them, of up to four as COCO has them.

Everything is drawn from the seed of a set, its split and the number of the picture.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from hpe_art.rendered_people.bodies import Body
from hpe_art.rendered_people.body_model import load_model
from hpe_art.rendered_people.camera import Camera, develop, draw_camera
from hpe_art.rendered_people.clothes import Layer
from hpe_art.rendered_people.dressed import (
    DressedBody,
    Rngs,
    draw_bystander,
    draw_dressed_body,
    in_focus,
    move_layers,
    project_joints,
)
from hpe_art.rendered_people.props import draw_supports, draw_surroundings
from hpe_art.rendered_people.shading import Picture, render

VERSION = "1"
"""Names the recipe: the same seed and version give the same people."""

SIZE = 192
SPLITS = ("train", "val")
# A name's place here is part of its seed.
_STREAMS = (
    "shape", "pose", "clothes", "looks", "camera", "place", "props", "occluder", "film", "other",
)  # fmt: skip
# How far, in metres, the surface around each MPII joint lies from it at most.
_REACH = np.array([
    0.10, 0.12, 0.19, 0.19, 0.12, 0.10, 0.21, 0.19, 0.14, 0.13, 0.08, 0.10, 0.14, 0.14, 0.10, 0.08,
])  # fmt: skip
# COCO's shoulders, elbows, wrists, hips, knees and ankles, left before right, among MPII's joints.
_LIMBS = [13, 12, 14, 11, 15, 10, 3, 2, 4, 1, 5, 0]
_FACE = slice(0, 5)  # nose, eyes and ears
_COCO_REACH = np.concatenate([[0.035, 0.035, 0.035, 0.045, 0.045], _REACH[_LIMBS]])
# Shares of the pictures with one, two, three and four people, bystanders aside.
_NUMBERS = [0.5, 0.3, 0.14, 0.06]
# Of whom less is seen, or more is hidden, is part of a crowd.
_SEEN_KEYPOINTS, _HIDDEN_KEYPOINTS, _SEEN_PIXELS = 8, 4, 200


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


@dataclass(frozen=True)
class Member:
    """What is seen of one person in a picture of several.

    `visibility` has COCO's flags: 2 seen, 1 hidden, 0 outside the picture. Of the face, what is
    hidden is 0 too, as COCO's annotators rarely label it.
    """

    keypoints: np.ndarray  # COCO's (17, 2), 0-based pixels
    visibility: np.ndarray  # (17,)
    mask: np.ndarray  # pixels (192, 192) that show the person

    @property
    def crowd(self) -> bool:
        """Whether too little is seen to label keypoints."""
        seen, hidden = (np.count_nonzero(self.visibility == flag) for flag in (2, 1))
        much = seen >= _SEEN_KEYPOINTS and hidden <= _HIDDEN_KEYPOINTS
        return bool(not much or self.mask.sum() < _SEEN_PIXELS)


@dataclass(frozen=True)
class Group:
    """A picture of people with its labels."""

    image: np.ndarray  # BGR (192, 192, 3), uint8
    members: list[Member]  # the people of whom anything is seen
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
    pixels, inside, hidden = project_joints(picture, mask, camera, body, body.joints, _REACH)
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


def group(seed: int, split: str, index: int) -> Group:
    """Render one to four people, and at times passers-by at the picture's border.

    Raises:
        ImportError: Anny is not installed.
    """
    rng = streams(seed, split, index, 1)
    number = 1 + int(rng["other"].choice(len(_NUMBERS), p=_NUMBERS))
    rngs = [streams(seed, split, index, 1 + k) for k in range(number)]
    people, supports = _placed(rngs, rng["other"])
    joints = np.concatenate([one.body.joints for one in people])
    radius = np.linalg.norm(joints[:, :2], axis=1).max()
    share = (0.54, 0.68) if number == 1 else (0.7, 0.88)
    camera = draw_camera(joints, SIZE, rng["camera"], share, max(0.0, radius - 0.9))
    place, things = draw_surroundings(rng, [one.body for one in people], camera)
    while rng["other"].random() < 0.25:
        people.append(draw_bystander(rng["other"], joints.mean(axis=0), camera))
    layers = [layer for one in people for layer in one.layers]
    picture = render(layers + supports + things, place, camera.scaled(2))
    shown = (picture.layer >= 0) & (picture.layer < len(layers))
    sharp = in_focus(picture, joints.mean(axis=0), 0.8 + radius)
    members = _members(picture, people, camera)
    return Group(
        image=develop(picture.light, shown, sharp, rng["film"]),
        members=[one for one in members if one.mask.any()],
        quality=int(rng["film"].integers(80, 93)),
    )


def _placed(rngs: list[Rngs], rng: np.random.Generator) -> tuple[list[DressedBody], list[Layer]]:
    """People in a loose row around the origin, and the seats and steps their poses call for."""
    bodies = [draw_dressed_body(own) for own in rngs]
    widths = [np.linalg.norm(one.body.joints[:, :2], axis=1).max() for one in bodies]
    heading, row = rng.uniform(0, 2 * np.pi), rng.uniform(0, 2 * np.pi)
    spots = [np.zeros(2)]
    for k in range(1, len(bodies)):
        way = row + rng.normal(0, 0.5)
        gap = rng.uniform(0.75, 1.1) * max(widths[k - 1] + widths[k], 0.55)
        spots.append(spots[-1] + gap * np.array([np.cos(way), np.sin(way)]))
    middle = np.mean(spots, axis=0)
    people, supports = [], []
    for one, own, spot in zip(bodies, rngs, spots, strict=True):
        turn = heading + rng.normal(0, 0.9)
        supports += move_layers(draw_supports(own["props"], one.body), turn, spot - middle)
        people.append(one.moved(turn, spot - middle))
    return people, supports


def _members(picture: Picture, people: list[DressedBody], camera: Camera) -> list[Member]:
    """The labels of people whose layers come first in the picture, one after the other."""
    members, first = [], 0
    for one in people:
        last = first + len(one.layers)
        mask = (picture.layer >= first) & (picture.layer < last)
        pixels, inside, hidden = project_joints(
            picture, mask, camera, one.body, _coco_keypoints(one.body), _COCO_REACH
        )
        visibility = np.where(inside, np.where(hidden, 1, 2), 0)
        visibility[_FACE][hidden[_FACE]] = 0
        members.append(Member(pixels - 0.5, visibility, mask[::2, ::2]))
        first = last
    return members


def _coco_keypoints(body: Body) -> np.ndarray:
    """(17, 3) in metres; left comes before right, and is the person's own."""
    face = [body.vertices[own].mean(axis=0) for own in _face_vertices()]
    return np.concatenate([face, body.joints[_LIMBS]])


@functools.cache
def _face_vertices() -> tuple[np.ndarray, ...]:
    """Vertices of the tip of the nose, the eyes and the rims of the ears, left before right."""
    model = load_model()
    x, y, z = model.template.T
    eyes = [np.unique(model.faces[side]) for side in ("l-eye", "r-eye")]
    level = z[eyes[0]].mean()
    skin = np.zeros(len(x), bool)
    skin[model.skin] = model.weights[model.skin, model.bones["head"]] > 0.5
    middle = skin & (np.abs(x) < 0.006) & (z < level - 0.015) & (z > level - 0.07)
    nose = np.flatnonzero(middle & (y < y[middle].min() + 0.004))
    beside = skin & (np.abs(z - level) < 0.045)
    rims = [np.flatnonzero(beside & (way * x > (way * x[beside]).max() - 0.008)) for way in (1, -1)]
    return (nose, *eyes, *rims)


def _head_box(body: Body, camera: Camera) -> np.ndarray:
    """Box around hair, face and upper neck, as MPII's are."""
    model = load_model()
    own = model.skin
    own = own[model.weights[own, model.bones["head"]] > 0.5]
    pixels, _ = camera.project(np.concatenate([body.vertices[own], body.joints[8:9]]))
    low, high = pixels.min(axis=0), pixels.max(axis=0)
    hair = 0.05 * (high - low)
    return np.concatenate([low - hair, high + hair]) - 0.5
