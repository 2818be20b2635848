"""The seventeen keypoints of COCO on a body: five of the face, twelve that MPII has too."""

from __future__ import annotations

import functools

import numpy as np

from hpe_art.rendered_people.bodies import Body
from hpe_art.rendered_people.body_model import load_model
from hpe_art.rendered_people.person import REACH as _MPII_REACH

# COCO's shoulders, elbows, wrists, hips, knees and ankles, left before right, among MPII's joints.
_LIMBS = [13, 12, 14, 11, 15, 10, 3, 2, 4, 1, 5, 0]
FACE = slice(0, 5)
"""Nose, eyes and ears."""
REACH = np.concatenate([[0.035, 0.035, 0.035, 0.045, 0.045], _MPII_REACH[_LIMBS]])
"""How far, in metres, the surface around each keypoint lies from it at most (17,)."""


def coco_keypoints(body: Body) -> np.ndarray:
    """Nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles: (17, 3) in metres.

    Left comes before right, and is the person's own.
    """
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
