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
from hpe_art.rendered_people.vectors import length


@dataclass(frozen=True)
class DressedBody:
    """A body and the surfaces it is seen by.

    Attributes:
        body: the posed body.
        layers: skin, clothes, eyes, hair and hat.
    """

    body: Body
    layers: list[Layer]

    def moved(self, turn: float, spot: np.ndarray) -> DressedBody:
        """The same one, turned and put elsewhere as `moved` moves points."""
        return DressedBody(
            replace(
                self.body,
                vertices=moved(self.body.vertices, turn, spot),
                joints=moved(self.body.joints, turn, spot),
            ),
            move_layers(self.layers, turn, spot),
        )


def moved(points: np.ndarray, turn: float, spot: np.ndarray) -> np.ndarray:
    """Points (N, 3) turned about the vertical by `turn` radians and put on `spot` (2,), metres."""
    c, s = np.cos(turn), np.sin(turn)
    points = points @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
    points[:, :2] += spot
    return points


def move_layers(layers: list[Layer], turn: float, spot: np.ndarray) -> list[Layer]:
    """Layers moved as `moved` moves points."""
    return [replace(layer, vertices=moved(layer.vertices, turn, spot)) for layer in layers]


def draw_dressed_body(
    shape: np.random.Generator,
    pose: np.random.Generator,
    clothes: np.random.Generator,
    looks: np.random.Generator,
) -> DressedBody:
    """Draw a body, what it wears and how it looks."""
    model = load_model()
    body = draw_body(shape, pose)
    outfit = draw_outfit(clothes, body.pose.action.skirt, body.shape["gender"])
    look = draw_looks(looks, body.shape)
    worn, hidden = dress(body, outfit, model)
    layers = [skin_layer(body, look, hidden, model), *worn, *head_layers(body, look, model)]
    return DressedBody(body, layers)


def draw_bystander(rng: np.random.Generator, centre: np.ndarray, camera: Camera) -> DressedBody:
    """Draw a person behind `centre` (3,), so far aside that the picture's border cuts them."""
    other = draw_dressed_body(rng, rng, rng, rng)
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


def occluded(
    picture: Picture,
    mask: np.ndarray,
    body: Body,
    joints: np.ndarray,
    pixels: np.ndarray,
    reach: np.ndarray,
) -> np.ndarray:
    """Which joints (K,) are hidden, by the body itself or by something else.

    A joint is seen where the person's own surface close to it is seen at its pixel.

    Args:
        picture: twice as fine as the pixels.
        mask: where the person is seen in it (2 H, 2 W).
        body: whose joints they are.
        joints: (K, 3) in metres.
        pixels: their places in the picture (K, 2), from its upper left corner.
        reach: how far, in metres, an average adult's surface around each joint lies from it (K,).
    """
    tall = np.ptp(load_model().template[:, 2])
    scale = np.clip(_limb_length(body) / (0.5 * tall), 0.8, 1.2)
    hidden = np.zeros(len(pixels), bool)
    for k, (x, y) in enumerate(np.floor(2 * pixels).astype(int)):
        rows, columns = slice(max(y - 2, 0), max(y + 3, 0)), slice(max(x - 2, 0), max(x + 3, 0))
        points = picture.points[rows, columns][mask[rows, columns]]
        near = np.linalg.norm(points - joints[k], axis=-1) < reach[k] * scale
        hidden[k] = not near.any()
    return hidden


def _limb_length(body: Body) -> float:
    """Hip to knee to ankle, the longer side, metres."""
    legs = body.joints[[[2, 1, 0], [3, 4, 5]]]
    return float(np.linalg.norm(np.diff(legs, axis=1), axis=-1).sum(axis=1).max())
