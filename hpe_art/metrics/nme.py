"""How far joints are off: in pixels (EPE), or in units of the face or the box (NME)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hpe_art.metrics.base import METRICS, Metric, MetricError, Numbers, PeopleTruth, distances
from hpe_art.skeleton import Skeleton

#: Outer corners of the eyes (nose and eye of a horse), as ``NME.DEFAULT_KEYPOINT_INDICES``.
ENDS = {
    "horse10": (0, 1),
    "300w": (36, 45),
    "coco_wholebody_face": (36, 45),
    "cofw": (8, 9),
    "wflw": (60, 72),
    "lapa": (66, 79),
}
FIELDS = {"bbox_size": "bbox", "head_size": "head_size"}


@METRICS.register_module(name="EPE")
class EPE(Metric):
    """End-point error: distance of each joint from the truth, the mean over all labelled joints.

    Source: ``EPE`` and ``keypoint_epe`` of MMPose 1.3.2.
    """

    key = "EPE"
    higher_is_better = False
    unit = "px"
    hit_at = 15.0
    evaluators: tuple[str, ...] = ("EPE",)

    def joint_scores(self, poses: ArrayLike, truth: PeopleTruth) -> Numbers:
        """In units of the metric, 0.05 for 5 %; MetricError also if a prediction is not finite."""
        self.check(truth)
        errors = distances(poses, truth, self._lengths(truth)).astype(np.float64)
        infinite = np.isinf(errors).any(axis=1)
        if infinite.any():
            raise MetricError(
                f"Expected finite predictions, for {self.label}. Got others for person "
                f"{int(np.argmax(infinite))}: take a metric with --metric that counts them as "
                "misses."
            )
        return errors

    def radii(self, truth: PeopleTruth) -> Numbers:
        """`hit_at` units."""
        return truth.per_joint(self.hit_at * self._lengths(truth))

    def _lengths(self, truth: PeopleTruth) -> NDArray[Any]:
        """The unit in image pixels, (N,) or one for all."""
        return np.ones(())


@METRICS.register_module(name="NME")
class NME(EPE):
    """Normalised mean error: distance from the truth over a length of the person.

    Args:
        ends: two joints whose true distance is the length; those that are customary in the dataset
            if None. People whose two joints coincide, or lack labels, are left out.
        norm_item: "bbox_size", the longer side of the box, or "head_size" instead.
    Raises:
        MetricError: no ends are customary in the dataset, or there are no such joints; or another
            ``norm_item``.

    Source: ``NME`` and ``keypoint_nme`` of MMPose 1.3.2.
    """

    key = "NME"
    unit = "%"
    hit_at = 0.1
    evaluators = ("NME",)

    def __init__(
        self, skeleton: Skeleton, ends: Sequence[int] | None = None, norm_item: str | None = None
    ) -> None:
        super().__init__(skeleton)
        if norm_item is not None and norm_item not in FIELDS:
            raise MetricError(
                f"Expected a norm_item out of {', '.join(FIELDS)}, for NME. Got {norm_item!r}."
            )
        self.norm_item = norm_item
        if norm_item is not None:
            self.needs = (FIELDS[norm_item],)
        else:
            self.ends = _ends(skeleton, ends)

    @classmethod
    def from_evaluator(cls, cfg: Mapping[str, Any], skeleton: Skeleton) -> Metric:
        """Ends or size as MMPose's `norm_mode`, `keypoint_indices` and `norm_item`."""
        if cfg.get("norm_mode") == "use_norm_item":
            return cls(skeleton, norm_item=cfg.get("norm_item"))
        return cls(skeleton, cfg.get("keypoint_indices"))

    def _lengths(self, truth: PeopleTruth) -> NDArray[Any]:
        if self.norm_item is not None:
            return np.asarray(getattr(truth, self.norm_item))
        first, second = self.ends
        apart = truth.keypoints[:, first, :2] - truth.keypoints[:, second, :2]
        lengths = np.linalg.norm(apart, axis=1)
        return np.where(lengths > 0, lengths, np.nan)


def _ends(skeleton: Skeleton, ends: Sequence[int] | None) -> tuple[int, int]:
    ends = ENDS.get(skeleton.dataset) if ends is None else ends
    count = len(skeleton.joints)
    if ends is None or len(ends) != 2 or not all(0 <= end < count for end in ends):
        raise MetricError(
            f"Expected two joints out of 0 to {count - 1} whose distance is the unit of NME "
            f"(keypoint_indices). Got {ends} for {skeleton.dataset}."
        )
    return int(ends[0]), int(ends[1])
