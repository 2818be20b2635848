"""The attack on a photograph that has been found good, and what becomes of it.

Shapes: K joints; the crop is (3, h, w). Poses are (., K, 3): x, y in pixels of the crop, and a
score, or whether the joint counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from hpe_art.attacks import SharedRun
from hpe_art.data.photographs import crop_photograph, read_photograph
from hpe_art.evaluation.attacking import seed_everything
from hpe_art.evaluation.photograph.prepared import PreparedPhotograph
from hpe_art.evaluation.photograph.results import Distances, PhotographResult, Pose, Seen
from hpe_art.evaluation.results import SkeletonRecord
from hpe_art.files import package_versions, sha256, write_whole
from hpe_art.losses import Goal

Array = NDArray[np.float32]
PERTURBED, RESULT = "perturbed.png", "result.json"
MUCH_WEAKER = 0.7
"""Share of the effect on the crop below which a note says that the written file is much weaker."""


def attack_photograph(
    run: PreparedPhotograph, folder: Path, record: Mapping[str, Any]
) -> PhotographResult:
    """Attacks, and writes the perturbed photograph and the result into a folder.

    Args:
        run: from `prepare_photograph`.
        folder: is made; `perturbed.png` and `result.json` in it are replaced.
        record: what else the result says: config and checkpoint.

    Returns:
        The result. Its poses are those on the crop of the attack, and on the crop of the PNG that
        has been read back.
    """
    perturbed = perturbed_crop(run)
    pixels = run.crop.put_back(perturbed - run.crop.x, run.spec.eps)
    _, png = cv2.imencode(".png", pixels)
    write_whole(folder / PERTURBED, png.tobytes())
    read = read_photograph(folder / PERTURBED, run.crop.photograph.box)
    again = crop_photograph(read, run.cfg, run.estimator.model.dataset_meta)
    poses = run.estimator.predict(np.stack([perturbed, again.x]))
    changed = np.abs(read.pixels.astype(int) - run.crop.photograph.pixels)
    result = _result(run, poses, int(changed.max()), record)
    write_whole(folder / RESULT, result.model_dump_json(indent=1) + "\n")
    return result


def perturbed_crop(run: PreparedPhotograph) -> Array:
    """(3, h, w), the crop under the attack; its padding, which no photograph has, stays black."""
    seed_everything(run.spec.seed, 0)
    shared, aim = SharedRun(run.estimator, [run.spec]), run.aim
    goal = circles(aim, run.radius, run.spec.targeted) if shared.needs_goal else None
    (found,) = shared.generate(run.crop.x[None], aim, np.zeros(1, np.int64), goal)
    return np.where(run.crop.shows, found[0], run.crop.x).astype(np.float32)


def circles(pose: Array, radius: float, targeted: bool) -> Goal:
    """Circles of one radius, in pixels of the crop, around the joints that count: (1, K, 3)."""
    radii = np.where(pose[..., 2] > 0, radius, 0.0).astype(np.float32)
    return Goal(torch.as_tensor(pose[..., :2].copy()), torch.as_tensor(radii), targeted)


def _result(
    run: PreparedPhotograph, poses: Array, largest_change: int, record: Mapping[str, Any]
) -> PhotographResult:
    """The result of an attack.

    Args:
        run: what was attacked.
        poses: (2, K, 3), predicted on the perturbed crop and on that of the written photograph.
        largest_change: of a pixel, in grey levels.
        record: config and checkpoint.
    """
    crop, joints, photograph = run.crop, run.skeleton.joints, run.crop.photograph
    ruler = partial(_apart, joints=joints, longer_side=photograph.longer_side)
    clean, *after = crop.to_photograph(np.concatenate([run.clean, poses]))
    target = None if run.target is None else crop.to_photograph(run.target)[0]
    seen = [
        Seen(
            pose=_pose(pose, joints),
            moved=ruler(pose, clean),
            to_target=None if target is None else ruler(pose, target, some=target[:, 2] > 0),
        )
        for pose in after
    ]
    result = PhotographResult(
        **record,
        photograph=str(photograph.path),
        sha256=sha256(photograph.path),
        size=photograph.pixels.shape[1::-1],
        box=photograph.box,
        window=crop.window,
        crop_size=crop.size,
        skeleton=SkeletonRecord.model_validate(run.skeleton, from_attributes=True),
        attack=run.spec.label,
        settings=run.spec.settings(),
        eps=run.spec.eps,
        radius=run.radius / crop.magnification,
        clean=_pose(clean, joints),
        target=None if target is None else _pose(target, joints, target[:, 2] > 0),
        target_from=run.target_from,
        clean_to_target=None if target is None else ruler(clean, target, some=target[:, 2] > 0),
        crop=seen[0],
        written=seen[1],
        largest_change=largest_change,
        device=str(run.estimator.device),
        precision=run.estimator.gradient_precision,
        versions=package_versions(),
        notes=run.notes(),
    )
    result.notes.extend(_weakness(result))
    return result


def _weakness(result: PhotographResult) -> list[str]:
    """What is to be said of a file that keeps little of the effect, though not for its eps."""
    if result.eps < 1 or result.kept is None or result.kept >= MUCH_WEAKER:
        return []
    return [
        f"The PNG keeps only {max(0.0, 100 * result.kept):.0f} % of the effect on the crop: "
        "the pipeline resamples the photograph, and grey levels are whole."
    ]


def _apart(
    pose: Array,
    other: Array,
    joints: Sequence[str],
    longer_side: float,
    some: NDArray[np.bool_] | None = None,
) -> Distances:
    """From one pose (K, 3) to another, at all joints or some (K,)."""
    every = np.linalg.norm(pose[:, :2] - other[:, :2], axis=-1).astype(float)
    chosen = range(len(joints)) if some is None else np.flatnonzero(some)
    lengths = {joints[k]: round(every[k], 2) for k in chosen}
    mean, largest = float(np.mean(every[list(chosen)])), max(lengths.values())
    return Distances(
        joints=lengths,
        mean=mean,
        largest=largest,
        mean_percent=100 * mean / longer_side,
        largest_percent=100 * largest / longer_side,
    )


def _pose(pose: Array, joints: Sequence[str], some: NDArray[np.bool_] | None = None) -> Pose:
    chosen = range(len(joints)) if some is None else np.flatnonzero(some)
    points = np.round(pose.astype(float), 2).tolist()
    return {joints[k]: (points[k][0], points[k][1], points[k][2]) for k in chosen}
