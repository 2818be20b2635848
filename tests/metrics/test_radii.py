"""The radius of a metric says what its hits say."""

from __future__ import annotations

import numpy as np
import pytest

from hpe_art.metrics import AUC, EPE, NME, OKS, PCK, Metric, MetricError, PCKh
from hpe_art.skeleton import MPII

METRICS = {
    "PCK": lambda skeleton: PCK(skeleton("coco"), 0.2),
    "tPCK": lambda skeleton: PCK(skeleton("coco"), 0.2, "torso"),
    "PCKh": lambda skeleton: PCKh(MPII),
    "OKS": lambda skeleton: OKS(skeleton("coco")),
    "OKS of boxes": lambda skeleton: OKS(skeleton("coco"), use_area=False),
    "NME": lambda skeleton: NME(skeleton("coco"), norm_item="bbox_size"),
    "NME of ends": lambda skeleton: NME(skeleton("coco"), (0, 1)),
    "EPE": lambda skeleton: EPE(skeleton("coco")),
    "AUC": lambda skeleton: AUC(skeleton("coco")),
    "AUC of 5": lambda skeleton: AUC(skeleton("coco"), thresholds=5),
}


@pytest.mark.parametrize("name", METRICS)
def test_a_joint_is_a_hit_within_its_radius(name, people, skeleton):
    metric = METRICS[name](skeleton)
    _, truth = people(len(metric.scored) if name != "PCKh" else 16)
    radii = metric.radii(truth)
    # The last person has neither a torso nor ends.
    truth.keypoints[-1, :, :2] = 50.0
    assert radii.shape == truth.keypoints.shape[:2]
    random = np.random.default_rng(1)
    along = random.normal(size=(*radii.shape, 2))
    along /= np.linalg.norm(along, axis=-1, keepdims=True)
    for share, found in ((0.999, 1.0), (1.001, 0.0)):
        reach = np.nan_to_num(radii)[..., None] * share
        poses = truth.keypoints[..., :2] - metric.offset + reach * along
        known = ~np.isnan(radii[:-1])
        np.testing.assert_array_equal(metric.hits(poses, truth)[:-1][known], found)


@pytest.mark.parametrize("name", METRICS)
def test_a_joint_without_label_or_size_has_no_radius(name, people, skeleton):
    metric = METRICS[name](skeleton)
    _, truth = people(len(metric.scored) if name != "PCKh" else 16)
    truth.keypoints[-1, :, :2] = 50.0
    unknown = np.isnan(metric.radii(truth))
    np.testing.assert_array_equal(unknown[:-1], truth.keypoints[:-1, :, 2] == 0)
    if name in ("tPCK", "NME of ends"):
        assert unknown[-1].all()


def test_a_metric_without_a_radius_says_so(people):
    class Own(Metric):
        key = "own"

        def joint_scores(self, poses, truth):
            return np.zeros(truth.keypoints.shape[:2])

    with pytest.raises(MetricError, match="Expected a metric with a radius.* Got own: add radii"):
        Own(MPII).radii(people(16)[1])
