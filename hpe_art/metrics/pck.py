"""Percentage of joints found to within a share of the person's size: PCK, PCKh and tPCK.

Shapes: N people, K joints. Poses are in pixels of the image, x before y.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hpe_art.metrics.base import (
    METRICS,
    Metric,
    MetricError,
    Numbers,
    PeopleTruth,
    Per,
    distances,
    labelled_radii,
)
from hpe_art.metrics.scores import score
from hpe_art.skeleton import MPII, Skeleton

KEYS = {"bbox": "PCK", "head": "PCKh", "torso": "tPCK"}
NEEDS = {"bbox": ("bbox",), "head": ("head_size",), "torso": ()}
#: Left shoulder and right hip of JHMDB, between which its torso is measured.
TORSO = (4, 5)


@METRICS.register_module(name="PCK")
class PCK(Metric):
    """Joints nearer to the truth than a share of the person's size; the mean over joints.

    Args:
        skeleton: of the dataset.
        threshold: share of the size.
        size: "bbox", the longer side of the box; "head", the head size; "torso", JHMDB's left
            shoulder to right hip, of the prediction where the true one is shorter than a pixel.

    Raises:
        MetricError: another ``size``.

    Source: ``PCKAccuracy``, ``JhmdbPCKAccuracy`` and ``keypoint_pck_accuracy`` of MMPose 1.3.2.
    """

    per: Per = "joint_means"
    hit_at = 1.0
    evaluators: tuple[str, ...] = ("PCKAccuracy", "JhmdbPCKAccuracy")

    def __init__(self, skeleton: Skeleton, threshold: float = 0.05, size: str = "bbox") -> None:
        super().__init__(skeleton)
        if size not in KEYS:
            raise MetricError(f"Expected a norm_item out of {', '.join(KEYS)}. Got {size!r}.")
        self.threshold, self.size = threshold, size
        self.key, self.needs = KEYS[size], NEEDS[size]

    @classmethod
    def from_evaluator(cls, cfg: Mapping[str, Any], skeleton: Skeleton) -> Metric:
        """Threshold and size as MMPose's `thr` and `norm_item`; of several sizes the first."""
        sizes = cfg.get("norm_item", "bbox")
        return cls(skeleton, cfg.get("thr", 0.05), sizes if isinstance(sizes, str) else sizes[0])

    @property
    def label(self) -> str:
        """The key and the threshold, such as PCKh@0.5."""
        return f"{self.key}@{self.threshold:g}"

    def joint_scores(self, poses: ArrayLike, truth: PeopleTruth) -> Numbers:
        """1 for a joint that is found, 0 for one that is not, or whose prediction is not finite.

        Args, Returns, Raises: as `Metric.joint_scores`.
        """
        self.check(truth)
        apart = distances(poses, truth, self._sizes(poses, truth), self.offset)
        return np.where(np.isnan(apart), np.nan, apart < self.threshold)

    def radii(self, truth: PeopleTruth) -> Numbers:
        """Threshold times size; unknown where the size is that of a predicted torso."""
        unknown = np.full_like(truth.keypoints, np.nan)
        return labelled_radii(self.threshold * self._sizes(unknown, truth), truth)

    def _sizes(self, poses: ArrayLike, truth: PeopleTruth) -> NDArray[Any]:
        if self.size == "bbox":
            return truth.bbox_size
        if self.size == "head":
            return np.asarray(truth.head_size, np.float64)
        true, predicted = (
            np.linalg.norm(pose[:, TORSO[0], :2] - pose[:, TORSO[1], :2], axis=-1)
            for pose in (truth.keypoints, np.asarray(poses))
        )
        torso = np.where(true < 1, predicted, true)
        return np.where(torso > 0, torso, np.nan)


@METRICS.register_module(name="PCKh")
class PCKh(PCK):
    """Joints nearer to the truth than half a head, on MPII.

    The truth is 1-based, as MPII's annotations are and as MMPose's ``MpiiDataset`` leaves them, the
    prediction 0-based: it is moved by one pixel first. A target pose is another person's
    annotation, 1-based as well, so the target PCKh is this metric with the target as truth.

    The total weights each joint by how often it is labelled; pelvis and thorax are left out.

    Source: ``MpiiPCKAccuracy`` of MMPose 1.3.2, its +1 and its ``<`` included.
    """

    per: Per = "joints"
    evaluators: tuple[str, ...] = ("MpiiPCKAccuracy",)
    offset = 1.0

    def __init__(self, skeleton: Skeleton, threshold: float = 0.5) -> None:
        super().__init__(skeleton, threshold, "head")
        self.scored = skeleton.grouped

    @classmethod
    def from_evaluator(cls, cfg: Mapping[str, Any], skeleton: Skeleton) -> Metric:
        """Threshold as MMPose's `thr`."""
        return cls(skeleton, cfg.get("thr", 0.5))


@dataclass(frozen=True)
class PoseScore:
    """PCKh in percent, 0..100. None where no sample is labelled.

    Attributes:
        PCKh: over the labelled joints of all people, without pelvis and thorax.
        per_joint: for each of MPII's 16 names.
        per_group: for each of MPII's eight groups, the mean of its joints.
    """

    PCKh: float | None
    per_joint: dict[str, float | None]
    per_group: dict[str, float | None]


def pckh_hits(
    pred: ArrayLike, truth: ArrayLike, head_size: ArrayLike, threshold: float = 0.5
) -> Numbers:
    """Which joints lie nearer to the truth than ``threshold`` head sizes, on MPII.

    Args:
        pred: (N, K, 2), in image pixels; a third column (the score) is ignored.
        truth: (N, K, 3), x and y in image pixels, 1-based, and a weight; labelled where it is > 0.
        head_size: (N,), in image pixels: 0.6 of the diagonal of the head box, which is the
            ``head_size`` that ``MpiiDataset`` gives.
        threshold: in head sizes.

    Returns:
        (N, K): 1 for a hit, 0 for a miss (also where the prediction is not finite), NaN where the
        joint is not labelled.

    Raises:
        ValueError: shapes that do not agree, or a head size that is not positive.

    Source: `PCKh`.
    """
    people = PeopleTruth(np.asarray(truth), head_size=np.asarray(head_size))
    return PCKh(MPII, threshold).joint_scores(pred, people)


def pckh(hits: ArrayLike) -> PoseScore:
    """The PCKh of all people together.

    Args:
        hits: (N, 16), from ``pckh_hits``.

    Raises:
        ValueError: ``hits`` is not (N, 16).

    Source: `PCKh`.
    """
    found = score(hits, PCKh(MPII), MPII)
    return PoseScore(found.value, found.joints, found.groups)
