"""One rendered picture of one to four people, labelled as COCO labels them."""

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
from hpe_art.rendered_people.person import REACH as MPII_REACH
from hpe_art.rendered_people.person import SIZE, streams
from hpe_art.rendered_people.props import draw_supports, draw_surroundings
from hpe_art.rendered_people.shading import Picture, render

# Shares of the pictures with one, two, three and four people, bystanders aside.
_NUMBERS = [0.5, 0.3, 0.14, 0.06]
# Of whom less is seen, or more is hidden, is part of a crowd.
_SEEN_KEYPOINTS, _HIDDEN_KEYPOINTS, _SEEN_PIXELS = 8, 4, 200
# COCO's shoulders, elbows, wrists, hips, knees and ankles, left before right, among MPII's joints.
_LIMBS = [13, 12, 14, 11, 15, 10, 3, 2, 4, 1, 5, 0]
_FACE = slice(0, 5)  # nose, eyes and ears
# How far, in metres, the surface around each keypoint lies from it at most (17,).
_REACH = np.concatenate([[0.035, 0.035, 0.035, 0.045, 0.045], MPII_REACH[_LIMBS]])


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
            picture, mask, camera, one.body, _coco_keypoints(one.body), _REACH
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
