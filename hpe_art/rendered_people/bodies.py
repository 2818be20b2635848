"""Bodies: a shape drawn at random, put into a pose, with its sixteen MPII joints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpe_art.rendered_people.actions import Pose, draw_pose
from hpe_art.rendered_people.body_model import load_model
from hpe_art.rendered_people.posing import overlap, world_rotations


@dataclass(frozen=True)
class Body:
    """A posed body, feet or whatever is lowest on the ground z = 0."""

    vertices: np.ndarray  # (V, 3) in metres; before posing x is the person's left, y back, z up
    joints: np.ndarray  # MPII's (16, 3)
    pose: Pose
    shape: dict[str, float]  # the phenotype values it was made with


def draw_shape(rng: np.random.Generator) -> dict[str, float]:
    """Draw a build: teenagers to the old, thin to stout, short to tall."""
    ethnic = rng.dirichlet([0.7, 0.7, 0.7])
    shape = {
        "gender": rng.beta(0.35, 0.35),
        "age": rng.uniform(0.52, 0.64) if rng.random() < 0.2 else rng.uniform(0.64, 0.97),
        "muscle": np.clip(rng.normal(0.55, 0.2), 0.1, 1),
        "weight": np.clip(rng.normal(0.5, 0.2), 0.1, 0.95),
        "height": rng.uniform(0.25, 0.85),
        "proportions": rng.uniform(0.3, 1.0),
        "cupsize": rng.uniform(0.2, 0.7),
        "firmness": rng.uniform(0.4, 0.9),
        **dict(zip(("african", "asian", "caucasian"), ethnic, strict=True)),
    }
    return {name: float(value) for name, value in shape.items()}


def draw_body(shape_rng: np.random.Generator, pose_rng: np.random.Generator) -> Body:
    """Draw a body and a pose in which no limb runs through the trunk."""
    import torch

    model = load_model()
    shape = draw_shape(shape_rng)
    count = len(model.bones)
    with torch.no_grad():
        reference = model.anny(torch.eye(4).repeat(1, count, 1, 1), phenotype_kwargs=shape)
        heads = reference["bone_poses"][0, :, :3, 3].numpy().astype(float)
        rest = reference["vertices"][0].numpy()
        least = np.inf
        for _ in range(12):
            drawn = draw_pose(pose_rng)
            turned = world_rotations(drawn, model, heads)
            depth = overlap(turned, model, heads, rest)
            if depth < least:
                least, pose, turns = depth, drawn, turned
            if depth <= 0:
                break
        delta = np.tile(np.eye(4), (1, count, 1, 1))
        delta[0, 0, :3, :3] = turns[0]
        delta[0, 1:, :3, :3] = turns[model.parents[1:]].transpose(0, 2, 1) @ turns[1:]
        moves, bone_poses = model.anny.get_bone_transforms(
            torch.from_numpy(delta).float(), reference["rest_bone_poses"]
        )
        skinned = model.anny.get_skinned_vertices(reference["rest_vertices"], moves)
    vertices = skinned[0].numpy().astype(float)
    bones = bone_poses[0, :, :3, 3].numpy().astype(float)
    shift = np.array([0, 0, pose.rise - vertices[model.skin, 2].min()])
    shift[:2] = -bones[0, :2]
    joints = _mpii_joints(bones, vertices)
    return Body(vertices + shift, joints + shift, pose, shape)


def _mpii_joints(bones: np.ndarray, vertices: np.ndarray) -> np.ndarray:
    model = load_model()
    at = {name: bones[i] for name, i in model.bones.items()}
    # The highest point of the average adult's skull, without hair.
    top = vertices[model.skin[np.argmax(model.template[model.skin, 2])]]
    shoulders = (at["upperarm01.L"] + at["upperarm01.R"]) / 2
    return np.stack([
        at["foot.R"], at["lowerleg01.R"], at["upperleg01.R"],
        at["upperleg01.L"], at["lowerleg01.L"], at["foot.L"],
        (at["upperleg01.L"] + at["upperleg01.R"]) / 2, (shoulders + at["neck01"]) / 2,
        (at["neck02"] + at["neck03"]) / 2, top,
        at["wrist.R"], at["lowerarm01.R"], at["upperarm01.R"],
        at["upperarm01.L"], at["lowerarm01.L"], at["wrist.L"],
    ])  # fmt: skip
