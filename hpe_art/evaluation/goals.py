"""What an attacker wants of each joint, in the words of the metric that scores the attack."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from hpe_art.data.people import People
from hpe_art.losses import Goal
from hpe_art.metrics import Metric


def goal_of(people: People, metric: Metric, targets: NDArray[np.float32] | None = None) -> Goal:
    """Circles in which joints count as found; `Goal.reached` says what `metric.hits` says.

    Args:
        people: N people.
        metric: with a radius.
        targets: (N, K, 3), target poses in crop pixels, whose circles are to be entered; default
            the true poses, whose circles are to be left.

    Raises:
        MetricError: the metric has no radius, or the people lack what it measures by.
    """
    truth = people.truth
    if targets is not None:
        truth = replace(truth, keypoints=people.to_image(targets))
    radii = metric.radii(truth)
    counted = np.zeros(radii.shape[1], bool)
    counted[list(metric.scored)] = True
    size, scale = np.asarray(people.size, np.float64), people.scale.astype(np.float64)
    corner = people.center.astype(np.float64) - 0.5 * scale
    places = truth.keypoints[..., :2].astype(np.float64) - metric.offset
    # The inverse of `People.to_image`; crops keep the aspect, so one ratio does for lengths.
    centres = (places - corner[:, None]) / scale[:, None] * size
    lengths = np.where(counted, np.nan_to_num(radii), 0.0) * (size / scale)[:, :1]
    return Goal(
        torch.as_tensor(np.nan_to_num(centres), dtype=torch.float32),
        torch.as_tensor(lengths, dtype=torch.float32),
        targeted=targets is not None,
    )
