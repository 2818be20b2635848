"""The body model: Anny, with everything that is the same for all bodies."""

from __future__ import annotations

import functools
import gzip
import logging
import os
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import platformdirs

from hpe_art.errors import MissingPackageError

logger = logging.getLogger(__name__)

# All vertices of MakeHuman's mesh, helpers included, and all parameters of the body's shape.
_VARIANT = {"topology": "makehuman-full", "phenotypes": "all"}


@dataclass(frozen=True)
class Model:
    """Anny with everything that is the same for all bodies; the average adult is the measure."""

    anny: Any  # with the helper meshes (clothing and hair shells) of MakeHuman
    bones: dict[str, int]  # index of each bone by name
    parents: np.ndarray  # index of each bone's parent
    weights: np.ndarray  # skinning weights of the vertices (V, bones)
    faces: dict[str, np.ndarray]  # triangles of body, tights, skirt, hair, l-eye and r-eye
    skin: np.ndarray  # the vertices of the body itself
    template: np.ndarray  # average vertices (V, 3) in metres, the frame of all patterns
    heads: dict[str, np.ndarray]  # where each average bone begins, metres
    lips: np.ndarray  # share of lip at each vertex (V,)


def cache_folder() -> Path:
    """The folder named by the environment variable HPE_ART_CACHE, or else the user's cache."""
    return Path(os.environ.get("HPE_ART_CACHE") or platformdirs.user_cache_dir("hpe_art"))


@functools.cache
def load_model() -> Model:
    """Load Anny, once per process.

    The first time on a machine Anny parses its data, for less than half a minute. The result, 160
    MB, is kept in the folder named by the environment variable ANNY_CACHE_DIR, or else in ours.

    Raises:
        ImportError: Anny is not installed.
        OSError: that folder cannot be written.
    """
    try:
        import anny
        import anny.utils.obj_utils
    except ImportError as error:
        raise MissingPackageError(
            "Rendering people needs Anny, a body model. Expected: pip install anny==0.6.2."
        ) from error
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it recommends NVIDIA Warp, which a CPU does not need
        model = _load_anny().float()
    base = Path(anny.__file__).parent / "data" / "mpfb2"
    _, uv, groups = anny.utils.obj_utils.load_obj_file(str(base / "3dobjs" / "base.obj"))
    helpers = ("l-eye", "r-eye", "tights", "skirt", "hair")
    names = {"body": "body", **{part: f"helper-{part}" for part in helpers}}
    faces = {k: _triangles(groups[v]["face_vertex_indices"].numpy()) for k, v in names.items()}
    labels = list(model.bone_labels)
    average = dict.fromkeys(model.phenotype_labels, 0.5) | {"age": 0.67}
    with torch.no_grad():
        out = model(torch.eye(4).repeat(1, len(labels), 1, 1), phenotype_kwargs=average)
    template = out["vertices"][0].numpy().astype(float)
    heads = dict(zip(labels, out["bone_poses"][0, :, :3, 3].numpy().astype(float), strict=True))
    return Model(
        anny=model,
        bones={b: i for i, b in enumerate(labels)},
        parents=np.array(model.bone_parents),
        weights=model.dense_vertex_bone_weights.numpy(),
        faces=faces,
        skin=np.unique(faces["body"]),
        template=template,
        heads=heads,
        lips=_lips(base / "textures" / "mpfb_lips.jpg", groups["body"], uv.numpy(), len(template)),
    )


def _load_anny() -> Any:
    from anny import Anny, paths

    kept = Path(os.environ.get("ANNY_CACHE_DIR") or cache_folder() / "anny")
    before = paths.get_anny_cache_path()
    try:
        if not any(kept.glob("v*/build_compact_*")):
            _parse_into(kept)
        paths.set_anny_cache_path(kept)
        return Anny(**_VARIANT)
    finally:
        paths.set_anny_cache_path(before)


def _parse_into(kept: Path) -> None:
    """Have Anny parse its data, and keep the last of its three stages, in which it looks first."""
    from anny import Anny, paths
    from anny.models import full_model

    logger.info("Parsing the body model's data, once, into %s", kept)
    kept.mkdir(parents=True, exist_ok=True)
    line_by_line = full_model.load_blend_shape
    with tempfile.TemporaryDirectory(dir=kept) as work:
        paths.set_anny_cache_path(work)
        full_model.load_blend_shape = _load_blend_shape
        try:
            Anny(**_VARIANT)
        finally:
            full_model.load_blend_shape = line_by_line
        for file in Path(work).glob("v*/build_compact_*"):
            target = kept / file.relative_to(work)
            target.parent.mkdir(exist_ok=True)
            file.replace(target)


def _load_blend_shape(
    filename: str, vertices_count: int, world_transformation: Any, dtype: Any
) -> Any:
    """What Anny's function of this name returns, twenty times as fast: offsets (V, 3), metres."""
    import torch

    with gzip.open(filename) as file:
        rows = np.fromstring(file.read(), sep=" ").reshape(-1, 4)
    offsets = torch.zeros((vertices_count, 3), dtype=dtype)
    offsets[torch.from_numpy(rows[:, 0].astype(int))] = torch.from_numpy(rows[:, 1:]).to(dtype)
    return world_transformation.apply(offsets)


def _triangles(quads: np.ndarray) -> np.ndarray:
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def _lips(path: Path, group: dict, uv: np.ndarray, count: int) -> np.ndarray:
    mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) / 255.0
    value = np.zeros(count)
    at = uv[group["face_texture_coordinate_indices"].numpy().ravel()]
    column = np.clip(at[:, 0] * mask.shape[1], 0, mask.shape[1] - 1).astype(int)
    row = np.clip((1 - at[:, 1]) * mask.shape[0], 0, mask.shape[0] - 1).astype(int)
    value[group["face_vertex_indices"].numpy().ravel()] = mask[row, column]
    return value
