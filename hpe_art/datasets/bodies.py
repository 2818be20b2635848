"""Bodies from Anny: a shape drawn at random, put into a pose, with its sixteen MPII joints."""

from __future__ import annotations

import functools
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hpe_art.datasets.actions import Pose, draw_pose
from hpe_art.datasets.posing import Rig, overlap, world_rotations

_NO_ANNY = 'Rendering people needs Anny, a body model. Expected: pip install "hpe-art[render]".'


@dataclass(frozen=True)
class Model(Rig):
    """Anny with everything that is the same for all bodies.

    Attributes:
        anny: the body model with the helper meshes (clothing and hair shells) of MakeHuman.
        faces: triangles of each part: body, tights, skirt, hair, l-eye, r-eye.
        skin: the vertices of the body itself.
        template: vertices (V, 3) of the average adult, metres, the frame of all patterns.
        heads: joint positions of the average adult by bone.
        lips: share of lip at each vertex (V,).
    """

    anny: Any
    faces: dict[str, np.ndarray]
    skin: np.ndarray
    template: np.ndarray
    heads: dict[str, np.ndarray]
    lips: np.ndarray


@dataclass(frozen=True)
class Body:
    """A posed body, feet or whatever is lowest on the ground z = 0.

    Attributes:
        vertices: (V, 3) in metres; x to the person's left, y to the back, z up before posing.
        joints: the MPII joints (16, 3).
        pose: the pose it takes.
        shape: the phenotype values it was made with.
        head_frame: rotation (3, 3) of the head.
    """

    vertices: np.ndarray
    joints: np.ndarray
    pose: Pose
    shape: dict[str, float]
    head_frame: np.ndarray


@functools.cache
def load_model() -> Model:
    """Load Anny, once per process.

    Raises:
        ImportError: Anny is not installed.
    """
    try:
        import anny
        import anny.utils.obj_utils
    except ImportError as error:
        raise ImportError(_NO_ANNY) from error
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it recommends NVIDIA Warp, which a CPU does not need
        model = anny.Anny(topology="makehuman-full", phenotypes="all").float()
    base = Path(anny.__file__).parent / "data" / "mpfb2"
    _, uv, groups = anny.utils.obj_utils.load_obj_file(str(base / "3dobjs" / "base.obj"))
    names = {"body": "body", "l-eye": "helper-l-eye", "r-eye": "helper-r-eye"}
    names |= {k: f"helper-{k}" for k in ("tights", "skirt", "hair")}
    faces = {k: _triangles(groups[v]["face_vertex_indices"].numpy()) for k, v in names.items()}
    labels = list(model.bone_labels)
    average = dict.fromkeys(model.phenotype_labels, 0.5) | {"age": 0.67}
    with torch.no_grad():
        out = model(torch.eye(4).repeat(1, len(labels), 1, 1), phenotype_kwargs=average)
    template = out["vertices"][0].numpy().astype(float)
    heads = dict(zip(labels, out["bone_poses"][0, :, :3, 3].numpy().astype(float), strict=True))
    return Model(
        anny=model,
        faces=faces,
        weights=model.dense_vertex_bone_weights.numpy(),
        bones={b: i for i, b in enumerate(labels)},
        parents=np.array(model.bone_parents),
        skin=np.unique(faces["body"]),
        template=template,
        heads=heads,
        lips=_lips(base / "textures" / "mpfb_lips.jpg", groups["body"], uv.numpy(), len(template)),
    )


def _triangles(quads: np.ndarray) -> np.ndarray:
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def _lips(path: Path, group: dict, uv: np.ndarray, count: int) -> np.ndarray:
    import cv2

    mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) / 255.0
    value = np.zeros(count)
    at = uv[group["face_texture_coordinate_indices"].numpy().ravel()]
    column = np.clip(at[:, 0] * mask.shape[1], 0, mask.shape[1] - 1).astype(int)
    row = np.clip((1 - at[:, 1]) * mask.shape[0], 0, mask.shape[0] - 1).astype(int)
    value[group["face_vertex_indices"].numpy().ravel()] = mask[row, column]
    return value


def draw_shape(rng: np.random.Generator) -> dict[str, float]:
    """Draw a build: teenagers to the old, thin to stout, short to tall."""
    ethnic = rng.dirichlet([0.7, 0.7, 0.7])
    gender = rng.beta(0.35, 0.35)
    return {
        "gender": float(gender),
        "age": float(rng.uniform(0.52, 0.64) if rng.random() < 0.2 else rng.uniform(0.64, 0.97)),
        "muscle": float(np.clip(rng.normal(0.55, 0.2), 0.1, 1)),
        "weight": float(np.clip(rng.normal(0.5, 0.2), 0.1, 0.95)),
        "height": float(rng.uniform(0.25, 0.85)),
        "proportions": float(rng.uniform(0.3, 1.0)),
        "cupsize": float(rng.uniform(0.2, 0.7)),
        "firmness": float(rng.uniform(0.4, 0.9)),
        "african": float(ethnic[0]),
        "asian": float(ethnic[1]),
        "caucasian": float(ethnic[2]),
    }


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
        best: tuple[float, Pose, np.ndarray] | None = None
        for _ in range(12):
            pose = draw_pose(pose_rng)
            turns = world_rotations(pose, model, heads)
            depth = overlap(turns, model, heads, rest)
            if best is None or depth < best[0]:
                best = (depth, pose, turns)
            if depth <= 0:
                break
        assert best is not None
        _, pose, turns = best
        delta = np.tile(np.eye(4), (1, count, 1, 1))
        delta[0, 0, :3, :3] = turns[0]
        delta[0, 1:, :3, :3] = turns[model.parents[1:]].transpose(0, 2, 1) @ turns[1:]
        out = model.anny(torch.from_numpy(delta).float(), phenotype_kwargs=shape)
    vertices = out["vertices"][0].numpy().astype(float)
    bones = out["bone_poses"][0, :, :3, 3].numpy().astype(float)
    shift = np.array([0, 0, pose.rise - vertices[model.skin, 2].min()])
    shift[:2] = -bones[0, :2]
    joints = _mpii_joints(bones, vertices, model)
    return Body(vertices + shift, joints + shift, pose, shape, turns[model.bones["head"]])


def _mpii_joints(bones: np.ndarray, vertices: np.ndarray, model: Model) -> np.ndarray:
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
