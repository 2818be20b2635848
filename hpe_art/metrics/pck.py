"""Percentage of joints found to within a share of the person's size: PCK, PCKh, tPCK and AUC.

Shapes: N people, K joints. Poses are in pixels of the image, x before y.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hpe_art.metrics.base import METRICS, Metric, MetricError, Numbers, PeopleTruth, Per, distances
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
        threshold: share of the size.
        size: "bbox", the longer side of the box; "head", the head size; "torso", JHMDB's left
            shoulder to right hip, of the prediction where the true one is shorter than a pixel.
            Of several the first is taken.
    Raises:
        MetricError: another ``size``.

    Source: ``PCKAccuracy``, ``JhmdbPCKAccuracy`` and ``keypoint_pck_accuracy`` of MMPose 1.3.2.
    """

    per: Per = "joint_means"
    hit_at = 1.0
    evaluators: tuple[str, ...] = ("PCKAccuracy", "JhmdbPCKAccuracy")
    settings: Mapping[str, str] = {"threshold": "thr", "size": "norm_item"}

    def __init__(
        self, skeleton: Skeleton, threshold: float = 0.05, size: str | Sequence[str] = "bbox"
    ) -> None:
        super().__init__(skeleton)
        size = size if isinstance(size, str) else size[0]
        if size not in KEYS:
            raise MetricError(f"Expected a norm_item out of {', '.join(KEYS)}. Got {size!r}.")
        self.threshold, self.size = threshold, size
        self.key, self.needs = KEYS[size], NEEDS[size]

    @property
    def label(self) -> str:
        """The key and the threshold, such as PCKh@0.5."""
        return f"{self.key}@{self.threshold:g}"

    def joint_scores(self, poses: ArrayLike, truth: PeopleTruth) -> Numbers:
        """1 or 0, 0 where the prediction is not finite; else as `Metric.joint_scores`."""
        self.check(truth)
        apart = distances(poses, truth, self._sizes(poses, truth), self.offset)
        return np.where(np.isnan(apart), np.nan, apart < self.threshold)

    def radii(self, truth: PeopleTruth) -> Numbers:
        """Threshold times size; unknown where the size is that of a predicted torso."""
        unknown = np.full_like(truth.keypoints, np.nan)
        return truth.per_joint(self.threshold * self._sizes(unknown, truth))

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

    per = "joints"
    evaluators = ("MpiiPCKAccuracy",)
    settings: Mapping[str, str] = {"threshold": "thr"}
    offset = 1.0

    def __init__(self, skeleton: Skeleton, threshold: float = 0.5) -> None:
        super().__init__(skeleton, threshold, "head")
        self.scored = skeleton.grouped


@METRICS.register_module(name="AUC")
class AUC(Metric):
    """Area under the curve of PCK over its threshold, the mean over joints.

    Thresholds are equally spaced from 0 to the largest, `norm_factor` image pixels, which is none.

    Source: ``AUC`` and ``keypoint_auc`` of MMPose 1.3.2.
    """

    key = "AUC"
    per = "joint_means"
    hit_at = 0.5
    evaluators = ("AUC",)
    settings: Mapping[str, str] = {"norm_factor": "norm_factor", "thresholds": "num_thrs"}

    def __init__(self, skeleton: Skeleton, norm_factor: float = 30.0, thresholds: int = 20) -> None:
        super().__init__(skeleton)
        self.norm_factor, self.thresholds = norm_factor, thresholds

    def joint_scores(self, poses: ArrayLike, truth: PeopleTruth) -> Numbers:
        """Share of thresholds that the distance is below; else as `Metric.joint_scores`."""
        apart = distances(poses, truth, self.norm_factor)
        below = sum((apart < i / self.thresholds).astype(float) for i in range(self.thresholds))
        return np.where(np.isnan(apart), np.nan, below / self.thresholds)

    def radii(self, truth: PeopleTruth) -> Numbers:
        """The threshold below which `hit_at` of them are reached."""
        reached = int(self.thresholds * (1 - self.hit_at))
        return truth.per_joint(self.norm_factor * reached / self.thresholds)


@dataclass(frozen=True)
class PoseScore:
    """PCKh in percent, 0..100. None where no sample is labelled."""

    PCKh: float | None  # over the labelled joints of all people, without pelvis and thorax
    per_joint: dict[str, float | None]  # for each of MPII's 16 names
    per_group: dict[str, float | None]  # for each of MPII's eight groups, the mean of its joints


def pckh_hits(
    pred: ArrayLike, truth: ArrayLike, head_size: ArrayLike, threshold: float = 0.5
) -> Numbers:
    """Which joints lie nearer to the truth than ``threshold`` head sizes, as `PCKh`, on MPII.

    Args:
        pred: (N, K, 2), in image pixels; a third column (the score) is ignored.
        truth: (N, K, 3), x and y in image pixels, 1-based, and a weight; labelled where it is > 0.
        head_size: (N,), in image pixels: 0.6 of the diagonal of the head box, as ``MpiiDataset``.
        threshold: in head sizes.
    Returns:
        (N, K): 1 for a hit, 0 for a miss (also where the prediction is not finite), NaN where the
        joint is not labelled.
    Raises:
        ValueError: shapes that do not agree, or a head size that is not positive.
    """
    people = PeopleTruth(np.asarray(truth), head_size=np.asarray(head_size))
    return PCKh(MPII, threshold).joint_scores(pred, people)


def pckh(hits: ArrayLike) -> PoseScore:
    """The PCKh of all people, by hits from ``pckh_hits``; ValueError if they are not (N, 16)."""
    found = score(hits, PCKh(MPII), MPII)
    return PoseScore(found.value, found.joints, found.groups)
