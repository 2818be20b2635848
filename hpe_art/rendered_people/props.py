"""Things that stand about: furniture, plants, seats, and what hides a person in part."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from hpe_art.rendered_people.bodies import Body
from hpe_art.rendered_people.body_model import load_model
from hpe_art.rendered_people.camera import Camera
from hpe_art.rendered_people.clothes import Layer
from hpe_art.rendered_people.dressed import Rngs
from hpe_art.rendered_people.places import Place, draw_place
from hpe_art.rendered_people.shapes import Mesh, box, cylinder, ellipsoid
from hpe_art.rendered_people.textures import Material, any_material, hsv, leafy
from hpe_art.rendered_people.vectors import moved

_INSIDE = ("box", "cupboard", "cupboard", "table", "table", "ball", "lamp", "plant")
_OUTSIDE = ("box", "pole", "pole", "tree", "tree", "bush", "bush", "table", "cupboard")


def draw_surroundings(rng: Rngs, bodies: list[Body], camera: Camera) -> tuple[Place, list[Layer]]:
    """Draw a place for people around the origin, with what stands about and hides one of them."""
    place = draw_place(rng["place"])
    joints = np.concatenate([body.joints for body in bodies])
    things = _things(rng["props"], joints, camera.position, bool(np.isfinite(place.ceiling)))
    if rng["occluder"].random() < 0.15:
        body = bodies[rng["occluder"].integers(len(bodies))]
        things += _occluder(rng["occluder"], body, camera.position)
    return place, things


def _things(
    rng: np.random.Generator, joints: np.ndarray, camera_at: np.ndarray, indoors: bool
) -> list[Layer]:
    """Things behind and beside people whose joints are (J, 3) in metres."""
    layers: list[Layer] = []
    view = -camera_at[:2] / np.linalg.norm(camera_at[:2])
    aside = np.array([-view[1], view[0]])
    room = np.linalg.norm(joints[:, :2], axis=1).max() + 0.55
    for _ in range(rng.integers(4, 13)):
        behind = rng.uniform(-0.3, 7)
        side = rng.choice([-1, 1])
        spot = view * behind + aside * side * rng.uniform(0.2, 0.9 + 0.45 * abs(behind))
        if np.linalg.norm(spot) > room:
            layers += _thing(rng, spot, indoors)
    return layers


def _layer(mesh: Mesh, material: Material, turn: float = 0.0, at: ArrayLike = (0, 0)) -> Layer:
    """A mesh on a spot (2,) of the ground."""
    points, faces = mesh
    pattern = points + points[:, [1, 0, 2]] * [1, 0, 0]
    return Layer(moved(points, turn, at), pattern, faces, material)


def _thing(rng: np.random.Generator, at: np.ndarray, indoors: bool) -> list[Layer]:
    kind = rng.choice(_INSIDE if indoors else _OUTSIDE)
    turn = rng.uniform(0, np.pi)
    plain = any_material(rng, "plain plain planks check panels print hoops", (0.1, 0.4))
    if kind in ("box", "cupboard"):
        tall = rng.uniform(0.25, 0.8) if kind == "box" else rng.uniform(0.8, 2.2)
        half = rng.uniform(0.15, 0.6, 2)
        return [_layer(box([-half[0], -half[1], 0], [half[0], half[1], tall]), plain, turn, at)]
    if kind == "pole":
        return [_layer(cylinder(rng.uniform(0.03, 0.15), rng.uniform(1, 5)), plain, 0, at)]
    if kind == "ball":
        r = rng.uniform(0.1, 0.35)
        return [_layer(ellipsoid([0, 0, r], [r, r, r]), plain, turn, at)]
    if kind == "table":
        return _table(plain, rng.uniform(0.6, 1.0), rng.uniform(0.3, 0.8), 0.4, turn, at)
    if kind == "lamp":
        shade = cylinder(rng.uniform(0.12, 0.25), 0.3, foot=1.4)
        glow = np.array([1.0, 0.9, 0.7]) * rng.uniform(0.8, 1.6)
        lit = Material(glow, glow, folds=0.0)
        return [_layer(cylinder(0.02, 1.5), plain, 0, at), _layer(shade, lit, 0, at)]
    leaf = leafy(rng)
    if kind in ("bush", "plant"):
        wide, tall = rng.uniform(0.3, 0.9, 2) * (1 if kind == "bush" else 0.5)
        return [_foliage(rng, [0, 0, tall * 0.8], [wide, wide, tall], leaf, at)]
    bark = Material(hsv(0.07, 0.5, 0.12), hsv(0.07, 0.4, 0.25), "leaves", 0.1)
    layers = [_layer(cylinder(rng.uniform(0.08, 0.22), 3.5), bark, 0, at)]
    for _ in range(3):
        centre = [*rng.uniform(-0.7, 0.7, 2), rng.uniform(2.5, 3.8)]
        layers.append(_foliage(rng, centre, rng.uniform(0.6, 1.1, 3), leaf, at))
    return layers


def _foliage(
    rng: np.random.Generator, centre: ArrayLike, radii: ArrayLike, leaf: Material, at: ArrayLike
) -> Layer:
    """A ragged crown of leaves."""
    unit, faces = ellipsoid([0, 0, 0], [1, 1, 1], 13, 20)
    points = centre + unit * radii * rng.uniform(0.72, 1.12, (len(unit), 1))
    return _layer((points, faces), leaf, rng.uniform(0, np.pi), at)


def _table(
    material: Material, height: float, half_x: float, half_y: float, turn: float, at: ArrayLike
) -> list[Layer]:
    parts = [box([-half_x, -half_y, height - 0.05], [half_x, half_y, height])]
    for x in (-half_x, half_x - 0.05):
        for y in (-half_y, half_y - 0.05):
            parts.append(box([x, y, 0], [x + 0.05, y + 0.05, height - 0.05]))
    return [_layer(part, material, turn, at) for part in parts]


def draw_supports(rng: np.random.Generator, body: Body) -> list[Layer]:
    """The seat under one who sits, the step under one who climbs, a ball for one who throws."""
    pose = body.pose
    plain = any_material(rng, "plain planks check heather", (0.1, 0.3))
    if pose.action.seat:
        return _seat(rng, body, plain)
    left = pose.lead == "L"
    if pose.name == "stairs":
        foot = body.joints[5 if left else 0]
        step = box([-0.6, -0.16, 0], [0.6, 0.5, max(0.02, foot[2] - 0.09)])
        return [_layer(step, plain, 0, (0, foot[1] - 0.25))]
    if pose.name in ("throw", "kick", "side_lunge", "jump") and rng.random() < 0.5:
        hand, elbow = body.joints[[15, 14] if left else [10, 11]]
        r = rng.uniform(0.05, 0.12)
        along = (hand - elbow) / np.linalg.norm(hand - elbow)
        return [_layer(ellipsoid(hand + along * (0.1 + r), [r, r, r]), plain)]
    return []


def _seat(rng: np.random.Generator, body: Body, material: Material) -> list[Layer]:
    """A stool or a bench, at times with a back."""
    model = load_model()
    under = [model.bones[b] for b in ("upperleg01.L", "upperleg01.R", "root", "spine05")]
    own = model.skin[model.weights[model.skin][:, under].sum(axis=1) > 0.6]
    top = body.vertices[own, 2].min() + 0.015
    depth, wide = rng.uniform(0.16, 0.22), rng.uniform(0.18, 0.9)
    if rng.random() < 0.5:
        layers = _table(material, top, min(wide, 0.3), depth, 0.0, (0, -0.02))
    else:
        layers = [_layer(box([-wide, -depth, 0], [wide, depth, top]), material, 0, (0, -0.02))]
    if rng.random() < 0.5 and body.pose.angles["lean"] > -2:
        wide = min(wide, 0.4)
        back = box([-wide, 0.2, top + 0.1], [wide, 0.24, top + rng.uniform(0.35, 0.6)])
        layers.append(_layer(back, material))
    return layers


def _occluder(rng: np.random.Generator, body: Body, camera_at: np.ndarray) -> list[Layer]:
    """Something between the camera and the person that hides a joint or two."""
    joint = body.joints[rng.choice([0, 1, 4, 5, 2, 3, 10, 15, 11, 14])]
    line = camera_at - joint
    spot = joint + line * rng.uniform(0.45, 0.9) / np.linalg.norm(line)
    at, height = spot[:2], spot[2]
    material = any_material(rng, "plain planks check panels print hoops", (0.08, 0.3))
    turn = np.arctan2(line[1], line[0]) + np.pi / 2
    if height > 1.0 or rng.random() < 0.3:
        return [_layer(cylinder(rng.uniform(0.03, 0.09), height + 2), material, 0, at)]
    u, half = rng.random(), rng.uniform(0.12, 0.55)
    if u < 0.35:
        return [_foliage(rng, [0, 0, 0], [half, half, height + 0.05], leafy(rng), at)]
    if u < 0.55:
        return _table(material, max(height + 0.1, 0.3), half, 0.2, turn, at)
    top = height + rng.uniform(0.02, 0.2)
    shift = rng.uniform(-half, half)
    return [_layer(box([shift - half, -0.12, 0], [shift + half, 0.12, top]), material, turn, at)]
