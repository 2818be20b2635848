"""One rendered picture of one to four people, labelled as COCO labels them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpe_art.rendered_people.camera import Camera, draw_camera
from hpe_art.rendered_people.camera_effects import develop
from hpe_art.rendered_people.clothes import Layer
from hpe_art.rendered_people.coco_keypoints import FACE, REACH, coco_keypoints
from hpe_art.rendered_people.dressed import (
    DressedBody,
    draw_bystander,
    draw_dressed_body,
    in_focus,
    move_layers,
    occluded,
)
from hpe_art.rendered_people.person import SIZE, streams
from hpe_art.rendered_people.places import draw_place
from hpe_art.rendered_people.props import draw_occluder, draw_supports, draw_things
from hpe_art.rendered_people.shading import Picture, merge, render

# Shares of the pictures with one, two, three and four people, bystanders aside.
_NUMBERS = [0.5, 0.3, 0.14, 0.06]
# Of whom less is seen, or more is hidden, is part of a crowd.
_SEEN_KEYPOINTS, _HIDDEN_KEYPOINTS, _SEEN_PIXELS = 8, 4, 200


@dataclass(frozen=True)
class Member:
    """What is seen of one person in a picture of several.

    Attributes:
        keypoints: COCO keypoints (17, 2), 0-based pixels.
        visibility: COCO's flags (17,): 2 seen, 1 hidden, 0 outside the picture. Of the face, what
            is hidden is 0 too, as COCO's annotators rarely label it.
        mask: pixels (192, 192) that show the person.
    """

    keypoints: np.ndarray
    visibility: np.ndarray
    mask: np.ndarray

    @property
    def crowd(self) -> bool:
        """Whether too little is seen to label keypoints."""
        seen, hidden = (np.count_nonzero(self.visibility == flag) for flag in (2, 1))
        much = seen >= _SEEN_KEYPOINTS and hidden <= _HIDDEN_KEYPOINTS
        return bool(not much or self.mask.sum() < _SEEN_PIXELS)


@dataclass(frozen=True)
class Group:
    """A picture of people with its labels.

    Attributes:
        image: BGR (192, 192, 3), uint8.
        members: the people of whom anything is seen.
        quality: JPEG quality to store it at.
    """

    image: np.ndarray
    members: list[Member]
    quality: int


def group(seed: int, split: str, index: int) -> Group:
    """Render a picture of one to four people, and at times of passers-by at its border.

    Args:
        seed: seed of the set.
        split: "train" or "val".
        index: number of the picture in the set.

    Raises:
        ImportError: Anny is not installed.
    """
    rng = streams(seed, split, index, 1)
    number = 1 + int(rng["other"].choice(len(_NUMBERS), p=_NUMBERS))
    people, things = _placed(
        [streams(seed, split, index, 1 + k) for k in range(number)], rng["other"]
    )
    joints = np.concatenate([one.body.joints for one in people])
    radius = np.linalg.norm(joints[:, :2], axis=1).max()
    share = (0.54, 0.68) if number == 1 else (0.7, 0.88)
    camera = draw_camera(joints, SIZE, rng["camera"], share, max(0.0, radius - 0.9))
    place = draw_place(rng["place"])
    things += draw_things(rng["props"], joints, camera.position, bool(np.isfinite(place.ceiling)))
    if rng["occluder"].random() < 0.15:
        hidden = people[rng["occluder"].integers(number)]
        things += draw_occluder(rng["occluder"], hidden.body, camera.position)
    while rng["other"].random() < 0.25:
        people.append(draw_bystander(rng["other"], joints.mean(axis=0), camera))
    layers = [layer for one in people for layer in one.layers]
    picture = render(merge(layers + things), place, camera.scaled(2))
    shown = (picture.layer >= 0) & (picture.layer < len(layers))
    sharp = in_focus(picture, joints.mean(axis=0), 0.8 + radius)
    members = _members(picture, people, camera)
    return Group(
        image=develop(picture.light, shown, sharp, rng["film"]),
        members=[one for one in members if one.mask.any()],
        quality=int(rng["film"].integers(80, 93)),
    )


def _placed(
    rngs: list[dict[str, np.random.Generator]], rng: np.random.Generator
) -> tuple[list[DressedBody], list[Layer]]:
    """People in a loose row around the origin, and the seats and steps their poses call for."""
    bodies = [draw_dressed_body(r["shape"], r["pose"], r["clothes"], r["looks"]) for r in rngs]
    widths = [np.linalg.norm(one.body.joints[:, :2], axis=1).max() for one in bodies]
    heading, row = rng.uniform(0, 2 * np.pi), rng.uniform(0, 2 * np.pi)
    spots = [np.zeros(2)]
    for k in range(1, len(bodies)):
        way = row + rng.normal(0, 0.5)
        gap = rng.uniform(0.75, 1.1) * max(widths[k - 1] + widths[k], 0.55)
        spots.append(spots[-1] + gap * np.array([np.cos(way), np.sin(way)]))
    middle = np.mean(spots, axis=0)
    people, supports = [], []
    for one, r, spot in zip(bodies, rngs, spots, strict=True):
        turn = heading + rng.normal(0, 0.9)
        supports += move_layers(draw_supports(r["props"], one.body), turn, spot - middle)
        people.append(one.moved(turn, spot - middle))
    return people, supports


def _members(picture: Picture, people: list[DressedBody], camera: Camera) -> list[Member]:
    """The labels of people whose layers come first in the picture, one after the other."""
    members, first = [], 0
    for one in people:
        last = first + len(one.layers)
        mask = (picture.layer >= first) & (picture.layer < last)
        points = coco_keypoints(one.body)
        pixels, _ = camera.project(points)
        inside = ((pixels >= 0) & (pixels < SIZE)).all(axis=1)
        hidden = occluded(picture, mask, one.body, points, pixels, REACH)
        visibility = np.where(inside, np.where(hidden, 1, 2), 0)
        visibility[FACE][hidden[FACE]] = 0
        members.append(Member(pixels - 0.5, visibility, mask[::2, ::2]))
        first = last
    return members
