"""A body with clothes, skin and hair on, and which of its joints are seen in a picture."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hpe_art.rendered_people.bodies import Body, draw_body
from hpe_art.rendered_people.body_model import load_model
from hpe_art.rendered_people.camera import Camera
from hpe_art.rendered_people.clothes import Layer, draw_outfit, dress
from hpe_art.rendered_people.heads import draw_looks, head_layers, skin_layer
from hpe_art.rendered_people.shading import Picture
from hpe_art.rendered_people.vectors import length, moved

Rngs = dict[str, np.random.Generator]
"""Independent sources of randomness by what they are for."""


@dataclass(frozen=True)
class DressedBody:
    """A posed body and the layers it is seen by: skin, clothes, eyes, hair and hat."""

    body: Body
    layers: list[Layer]

    def moved(self, turn: float, spot: np.ndarray) -> DressedBody:
        """The same one, turned and put elsewhere as `moved` moves points."""
        vertices, joints = (moved(p, turn, spot) for p in (self.body.vertices, self.body.joints))
        body = replace(self.body, vertices=vertices, joints=joints)
        return DressedBody(body, move_layers(self.layers, turn, spot))


def move_layers(layers: list[Layer], turn: float, spot: np.ndarray) -> list[Layer]:
    """Layers moved as `moved` moves points."""
    return [replace(layer, vertices=moved(layer.vertices, turn, spot)) for layer in layers]


def draw_dressed_body(rng: Rngs) -> DressedBody:
    """Draw a body, what it wears and how it looks."""
    body = draw_body(rng["shape"], rng["pose"])
    outfit = draw_outfit(rng["clothes"], body.pose.action.skirt, body.shape["gender"])
    look = draw_looks(rng["looks"], body.shape)
    worn, hidden = dress(body, outfit)
    return DressedBody(body, [skin_layer(body, look, hidden), *worn, *head_layers(body, look)])


def draw_bystander(rng: np.random.Generator, centre: np.ndarray, camera: Camera) -> DressedBody:
    """Draw a person behind `centre` (3,), so far aside that the picture's border cuts them."""
    other = draw_dressed_body(dict.fromkeys(("shape", "pose", "clothes", "looks"), rng))
    behind = rng.uniform(0.2, 2.5)
    distance = np.linalg.norm(centre - camera.position) + behind
    edge = (camera.size if rng.random() < 0.5 else 0) - camera.centre[0]
    lateral = edge / camera.focal * distance
    turn = rng.uniform(0, 2 * np.pi)
    spot = camera.position + distance * camera.axes[2] + lateral * camera.axes[0]
    return other.moved(turn, spot[:2])


def in_focus(picture: Picture, centre: np.ndarray, metres: float = 1.3) -> np.ndarray:
    """Which pixels (H, W) show things less than `metres` from the vertical through `centre`."""
    near, thing = np.zeros(picture.layer.shape, bool), picture.layer >= 0
    away = picture.points[thing] - centre
    near[thing] = length(away * [1, 1, 0]) < metres
    return near


def project_joints(
    picture: Picture,
    mask: np.ndarray,
    camera: Camera,
    body: Body,
    joints: np.ndarray,
    reach: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where joints lie in the camera's picture, and whether they are seen.

    A joint is hidden, by the body itself or by something else, unless the person's own surface
    close to it is seen at its pixel.

    Args:
        picture: twice as fine as the camera's.
        mask: where the person is seen in `picture` (2 H, 2 W).
        camera: of the pixels.
        body: whose joints they are.
        joints: (K, 3) in metres.
        reach: how far, in metres, an average adult's surface around each joint lies from it (K,).
    Returns:
        Pixels (K, 2) from the upper left corner, and which lie inside (K,) and are hidden (K,).
    """
    pixels, _ = camera.project(joints)
    inside = ((pixels >= 0) & (pixels < camera.size)).all(axis=1)
    legs = body.joints[[[2, 1, 0], [3, 4, 5]]]  # hip, knee, ankle
    limb = np.linalg.norm(np.diff(legs, axis=1), axis=-1).sum(axis=1).max()
    scale = np.clip(limb / (0.5 * np.ptp(load_model().template[:, 2])), 0.8, 1.2)
    hidden = np.zeros(len(pixels), bool)
    for k, (x, y) in enumerate(np.floor(2 * pixels).astype(int)):
        rows, columns = slice(max(y - 2, 0), max(y + 3, 0)), slice(max(x - 2, 0), max(x + 3, 0))
        points = picture.points[rows, columns][mask[rows, columns]]
        near = np.linalg.norm(points - joints[k], axis=-1) < reach[k] * scale
        hidden[k] = not near.any()
    return pixels, inside, hidden
