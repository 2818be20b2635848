"""Object keypoint similarity of each person, COCO's likeness of two poses."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from hpe_art.metrics.base import METRICS, Metric, MetricError, Numbers, PeopleTruth, distances
from hpe_art.skeleton import Skeleton

#: Share of a box that a person's mask fills, where no areas are annotated.
FILLED = 0.53


@METRICS.register_module(name="OKS")
class OKS(Metric):
    """exp(-d^2 / (2 s^2 k^2)) of each joint; the mean over people of each one's mean.

    d is the distance in image pixels, s^2 the person's annotated area (without `use_area` 0.53 of
    the box), k twice the joint's sigma. MetricError for a dataset without sigmas.

    Source: ``COCOeval.computeOks`` of pycocotools; ``use_area`` as in xtcocotools.
    """

    key = "OKS"
    per = "people"
    hit_at = 0.5
    evaluators = ("CocoMetric", "CocoWholeBodyMetric", "PoseTrack18Metric")
    settings: Mapping[str, str] = {"use_area": "use_area"}

    def __init__(self, skeleton: Skeleton, use_area: bool = True) -> None:
        super().__init__(skeleton)
        if skeleton.sigmas is None:
            raise MetricError(
                f"Expected sigmas of {len(skeleton.joints)} joints in the meta information of "
                f"{skeleton.dataset}, for OKS. Got none: add them to the dataset's metainfo, or "
                "take another metric with --metric."
            )
        self.sigmas = np.asarray(skeleton.sigmas)
        self.needs = ("area",) if use_area else ("bbox",)

    def joint_scores(self, poses: ArrayLike, truth: PeopleTruth) -> Numbers:
        """1 on the spot, 0 where the prediction is not finite; else as `Metric.joint_scores`."""
        self.check(truth)
        variances = (2 * self.sigmas) ** 2
        apart = distances(poses, truth).astype(np.float64)
        return np.exp(-(apart**2) / variances / self._areas(truth)[:, None] / 2)

    def radii(self, truth: PeopleTruth) -> Numbers:
        """Where the similarity falls to `hit_at`."""
        variances = (2 * self.sigmas) ** 2 * self._areas(truth)[:, None]
        return truth.per_joint(np.sqrt(-2 * np.log(self.hit_at) * variances))

    def _areas(self, truth: PeopleTruth) -> Numbers:
        if "area" in self.needs:
            return np.asarray(truth.area, np.float64)
        box = np.asarray(truth.bbox, np.float64)
        return FILLED * np.prod(box[:, 2:] - box[:, :2], axis=1)
