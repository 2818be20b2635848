"""End-point error: how many pixels joints are off."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from hpe_art.metrics.base import (
    METRICS,
    Metric,
    MetricError,
    Numbers,
    PeopleTruth,
    distances,
    labelled_radii,
)


@METRICS.register_module(name="EPE")
class EPE(Metric):
    """Distance of each joint from the truth in image pixels; the mean over all labelled joints.

    Source: ``EPE`` and ``keypoint_epe`` of MMPose 1.3.2.
    """

    key = "EPE"
    higher_is_better = False
    unit = "px"
    hit_at = 15.0
    evaluators = ("EPE",)

    def joint_scores(self, poses: ArrayLike, truth: PeopleTruth) -> Numbers:
        """Distances in image pixels.

        Args, Returns: as `Metric.joint_scores`.

        Raises:
            MetricError: a prediction is not finite.
        """
        return finite(distances(poses, truth).astype(np.float64), self.label)

    def radii(self, truth: PeopleTruth) -> Numbers:
        """`hit_at` pixels."""
        return labelled_radii(self.hit_at, truth)


def finite(errors: Numbers, label: str) -> Numbers:
    """Errors that can be averaged.

    Raises:
        MetricError: one is infinite (the message says whose).
    """
    infinite = np.isinf(errors).any(axis=1)
    if infinite.any():
        raise MetricError(
            f"Expected finite predictions, for {label}. Got others for person "
            f"{int(np.argmax(infinite))}: take a metric with --metric that counts them as misses."
        )
    return errors
