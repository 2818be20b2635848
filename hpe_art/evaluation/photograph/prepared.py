"""A photograph, its target pose, a network and an attack, found good before the attack.

Shapes: K joints; the crop is (3, h, w). Poses are (1, K, 3): x, y in pixels of the crop, and a
score, or whether the joint counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from numpy.typing import NDArray

from hpe_art.attacks import AttackSpec
from hpe_art.attacks.targets import mirrored_poses, points_from_file
from hpe_art.data.photographs import Photograph, PhotographCrop, crop_photograph, read_photograph
from hpe_art.errors import UserError, usable
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.estimators.loading import FITTING, dataset_meta
from hpe_art.evaluation.prepared import check_device, score_in_float32
from hpe_art.skeleton import Skeleton

Array = NDArray[np.float32]
MIRROR = "mirror"
RADIUS = 0.05
"""Of the box's longer side: from there on a joint has moved, for attacks that ask. About half the
head of a standing person who fills the box, as in PCKh@0.5; there is no head size here."""
BESIDE = 1.0
"""Pixels of the crop between a joint and the point that it is moved away from, where the loss has
no gradient at the joint itself."""


@dataclass(frozen=True)
class PreparedPhotograph:
    """A photograph, a network and an attack that have been found good.

    Attributes:
        cfg: of the network, whose pipeline crops.
        clean: the network's own prediction.
        target: where a targeted attack moves the joints that count in it; None untargeted.
        target_from: the file of the target, or what else it is.
        radius: of the circles that joints are to leave, or enter, in pixels of the crop.
    """

    cfg: Config
    estimator: PyTorchPoseEstimator
    skeleton: Skeleton
    crop: PhotographCrop
    spec: AttackSpec
    clean: Array
    target: Array | None
    target_from: str | None
    radius: float

    @property
    def aim(self) -> Array:
        """The target, or the pose that is to be left: the network's own, or points beside it."""
        if self.target is not None:
            return self.target
        pose = _counting(self.clean)
        if self.estimator.head.flat_at_own_predictions:
            angles = np.random.default_rng(self.spec.seed).uniform(0, 2 * np.pi, pose.shape[:2])
            pose[..., :2] += BESIDE * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
        return pose

    def notes(self) -> list[str]:
        """What a reader of the result has to know."""
        notes = {
            f"The loss has no gradient at the network's own prediction: the attack moves away "
            f"from points {BESIDE:g} pixel of the crop beside it, drawn by the seed.": (
                self.target is None and self.estimator.head.flat_at_own_predictions
            ),
            f"eps {self.spec.eps:g} is lost in the whole grey levels of the PNG, which will be the "
            "photograph: take 1 or more.": self.spec.eps < 1,
            "Scored and attacked with flip-test.": self.estimator.flip_test,
        }
        return [note for note, holds in notes.items() if holds]


def prepare_photograph(
    cfg: Config,
    checkpoint: str,
    photograph: Photograph,
    spec: AttackSpec,
    target: str | None = None,
    radius: float = RADIUS,
    device: str = "auto",
    **settings: Any,
) -> PreparedPhotograph:
    """Does everything that can fail on bad input.

    Args:
        cfg: of the network, from `load_config`.
        checkpoint: where the weights are from.
        photograph: with the box of the person.
        spec: the attack, targeted where there is a target.
        target: "mirror", a JSON file of a pose, or another photograph, of which the whole is
            cropped.
        radius: as `RADIUS`.
        device: "auto", "cpu" or "cuda".
        **settings: of the estimator, such as precision.

    Raises:
        UserError: something cannot be used; the message says what and the mend.
    """
    check_device(device)
    score_in_float32()
    meta = dataset_meta(cfg)
    skeleton, crop = Skeleton.from_metainfo(meta), crop_photograph(photograph, cfg, meta)
    given = _given(target, crop, skeleton, cfg, meta)
    kind = "cpu" if device == "cpu" else "gpu"
    with usable(FITTING):
        estimator = PyTorchPoseEstimator.from_config(cfg, checkpoint, device_type=kind, **settings)
        clean = _checked_prediction(estimator, crop, skeleton)
        estimator.compute_loss(crop.x[None], _counting(clean))
    if target == MIRROR:
        given = mirrored_poses(_counting(clean), skeleton.flip_indices).poses
    elif isinstance(given, PhotographCrop):
        given = _counting(estimator.predict(given.x[None]))
    return PreparedPhotograph(
        cfg=cfg,
        estimator=estimator,
        skeleton=skeleton,
        crop=crop,
        spec=spec,
        clean=clean,
        target=None if given is None else _within(crop, given),
        target_from="its own prediction, mirrored" if target == MIRROR else target,
        radius=radius * photograph.longer_side * crop.magnification,
    )


def _checked_prediction(
    estimator: PyTorchPoseEstimator, crop: PhotographCrop, skeleton: Skeleton
) -> Array:
    if (found := estimator.count_joints()) != len(skeleton.joints):
        raise UserError(
            f"Expected a network of the {len(skeleton.joints)} joints of its config's test set. "
            f"Got one of {found}."
        )
    pose: Array = estimator.predict(crop.x[None])
    return pose


def _given(
    target: str | None, crop: PhotographCrop, skeleton: Skeleton, cfg: Config, meta: dict[str, Any]
) -> Any:
    """What is read of a target: the pose of a JSON file, the crop of a photograph, or None."""
    if target is None or target == MIRROR:
        return None
    if Path(target).suffix.lower() == ".json":
        return _marked_pose(target, crop, skeleton)
    return crop_photograph(read_photograph(target), cfg, meta)


def _counting(pose: Array) -> Array:
    """A prediction as a pose whose joints all count."""
    return np.concatenate([pose[..., :2], np.ones_like(pose[..., 2:])], axis=-1)


def _marked_pose(path: str, crop: PhotographCrop, skeleton: Skeleton) -> Array:
    marked = points_from_file(path, skeleton.joints)
    pose = crop.to_crop(marked)[None]
    for k in np.flatnonzero((marked[:, 2] > 0) & ~_inside(crop, pose)[0]):
        ends = crop.to_photograph(np.array([[0, 0], np.subtract(crop.size, 1)], np.float32))
        (x1, y1), (x2, y2) = ends.tolist()
        raise UserError(
            f"Expected target joints in the crop of the box, x {x1:.0f} to {x2:.0f} and y "
            f"{y1:.0f} to {y2:.0f} of the photograph. Got {skeleton.joints[k]} at "
            f"{marked[k, 0]:g}, {marked[k, 1]:g} in {path}."
        )
    return pose


def _within(crop: PhotographCrop, pose: Array) -> Array:
    """A target whose joints count where they are inside the crop; a network sees no others."""
    counts = _inside(crop, pose) & (pose[..., 2] > 0)
    if not counts.any():
        raise UserError("Expected a target pose with joints inside the crop. Got none.")
    return np.concatenate([pose[..., :2], counts[..., None]], axis=-1).astype(np.float32)


def _inside(crop: PhotographCrop, pose: Array) -> NDArray[np.bool_]:
    points = pose[..., :2]
    found: NDArray[np.bool_] = ((points >= 0) & (points <= np.subtract(crop.size, 1))).all(-1)
    return found
