"""Area under the curve of PCK over its threshold in pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hpe_art.metrics.base import (
    METRICS,
    Metric,
    Numbers,
    PeopleTruth,
    Per,
    distances,
    labelled_radii,
)
from hpe_art.skeleton import Skeleton


@METRICS.register_module(name="AUC")
class AUC(Metric):
    """Area under the curve of PCK over its threshold, the mean over joints.

    Args:
        skeleton: of the dataset.
        norm_factor: the largest distance, in image pixels.
        thresholds: how many, equally spaced from 0; the largest distance itself is none.

    Source: ``AUC`` and ``keypoint_auc`` of MMPose 1.3.2.
    """

    key = "AUC"
    per: Per = "joint_means"
    hit_at = 0.5
    evaluators = ("AUC",)

    def __init__(self, skeleton: Skeleton, norm_factor: float = 30.0, thresholds: int = 20) -> None:
        super().__init__(skeleton)
        self.norm_factor, self.thresholds = norm_factor, thresholds

    @classmethod
    def from_evaluator(cls, cfg: Mapping[str, Any], skeleton: Skeleton) -> Metric:
        """Largest distance and thresholds as MMPose's `norm_factor` and `num_thrs`."""
        return cls(skeleton, cfg.get("norm_factor", 30.0), cfg.get("num_thrs", 20))

    def joint_scores(self, poses: ArrayLike, truth: PeopleTruth) -> Numbers:
        """Share of the thresholds that the joint's distance is below.

        Args, Returns, Raises: as `Metric.joint_scores`.
        """
        apart = distances(poses, truth, self.norm_factor)
        below = sum((apart < i / self.thresholds).astype(float) for i in range(self.thresholds))
        return np.where(np.isnan(apart), np.nan, below / self.thresholds)

    def radii(self, truth: PeopleTruth) -> Numbers:
        """The threshold below which `hit_at` of them are reached."""
        reached = int(self.thresholds * (1 - self.hit_at))
        return labelled_radii(self.norm_factor * reached / self.thresholds, truth)
