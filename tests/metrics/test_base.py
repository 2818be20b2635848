from __future__ import annotations

import numpy as np
import pytest

from hpe_art.metrics import AUC, EPE, NME, PCK, Metric, MetricError, PCKh, PeopleTruth
from hpe_art.metrics.base import distances
from hpe_art.skeleton import MPII


def people_at(points, weight=1.0) -> PeopleTruth:
    points = np.asarray(points, np.float32)
    weights = np.broadcast_to(np.float32(weight), points.shape[:2])
    return PeopleTruth(np.concatenate([points, weights[..., None]], -1))


def test_distances_by_hand():
    truth = people_at([[[0, 0], [5, 5]], [[1, 1], [2, 2]]], [[1, 0], [1, 1]])
    pred = np.array([[[3, 4], [0, 0]], [[1, 1], [np.nan, 2]]])
    np.testing.assert_array_equal(distances(pred, truth), [[5, np.nan], [0, np.inf]])
    halves = distances(pred, truth, [2.0, np.nan])
    np.testing.assert_array_equal(halves, [[2.5, np.nan], [np.nan, np.inf]])
    moved = distances(pred[1:], truth[1:], offset=1.0)
    np.testing.assert_allclose(moved, [[2**0.5, np.inf]])


def test_rows_of_the_truth(people):
    _, truth = people(16)
    for rows in (slice(2, 5), np.array([7, 1]), np.arange(40) > 30):
        some = truth[rows]
        np.testing.assert_array_equal(some.keypoints, truth.keypoints[rows])
        np.testing.assert_array_equal(some.bbox, truth.bbox[rows])
        assert len(some) == len(truth.area[rows])
    assert PeopleTruth(truth.keypoints)[:3].bbox is None


def test_the_size_of_a_box_is_its_longer_side():
    truth = PeopleTruth(np.ones((1, 2, 3)), bbox=np.array([[10, 20, 40, 30]]))
    assert truth.bbox_size.tolist() == [30]


@pytest.mark.parametrize("metric", [PCKh, PCK, EPE, AUC], ids=lambda metric: metric.__name__)
def test_hits_are_joints_from_the_metrics_own_limit_on(metric, people):
    poses, truth = people(16)
    metric = metric(MPII)
    scores, hits = metric.joint_scores(poses, truth), metric.hits(poses, truth)
    np.testing.assert_array_equal(np.isnan(hits), truth.keypoints[..., 2] == 0)
    assert set(hits[~np.isnan(hits)]) == {0, 1}
    found, missed = scores[hits == 1], scores[hits == 0]
    if metric.higher_is_better:
        assert missed.max() < metric.hit_at <= found.min()
    else:
        assert found.max() <= metric.hit_at < missed.min()


def test_errors_name_the_shapes(people):
    poses, truth = people(16)
    with pytest.raises(ValueError, match=r"truth of shape \(N, K, 3\). Got \(40, 16, 2\)"):
        EPE(MPII).joint_scores(poses, PeopleTruth(truth.keypoints[..., :2]))
    with pytest.raises(ValueError, match=r"pred of shape .* Got \(40, 15, 2\)"):
        EPE(MPII).joint_scores(poses[:, :15], truth)
    with pytest.raises(ValueError, match=r"head_size of shape \(40,\). Got \(40, 1\)"):
        PCKh(MPII).check(PeopleTruth(truth.keypoints, head_size=truth.head_size[:, None]))


def test_a_missing_normaliser_is_named_with_the_person(people):
    _, truth = people(16)
    truth.head_size[3] = np.nan
    with pytest.raises(
        MetricError, match=r"a head size for everyone, for PCKh@0.5. Got nan for p.* 3"
    ):
        PCKh(MPII).check(truth)
    with pytest.raises(
        MetricError, match=r"a box for everyone, for PCK@0.05. Got none: .*--metric"
    ):
        PCK(MPII).check(PeopleTruth(truth.keypoints))
    truth.bbox[5] = [9, 9, 9, 8]
    with pytest.raises(MetricError, match=r"a box for everyone, for NME. Got .* for person 5"):
        NME(MPII, norm_item="bbox_size").check(truth)


def test_errors_of_distances_are_finite_or_refused(people):
    poses, truth = people(16)
    labelled = truth.keypoints[..., 2] > 0
    poses[~labelled] = np.nan
    assert np.isfinite(EPE(MPII).joint_scores(poses, truth)[labelled]).all()
    poses[6] = np.inf
    with pytest.raises(MetricError, match="finite predictions, for EPE. Got others for person 6"):
        EPE(MPII).joint_scores(poses, truth)
    with pytest.raises(MetricError, match="finite predictions, for NME. Got others for person 6"):
        NME(MPII, [0, 5]).joint_scores(poses, truth)
    assert not AUC(MPII).joint_scores(poses, truth)[6][labelled[6]].any()


def test_ends_that_are_no_joints_are_refused(skeleton):
    with pytest.raises(MetricError, match=r"two joints out of 0 to 15 .* Got None for mpii"):
        NME(MPII)
    with pytest.raises(MetricError, match=r"Got \(0, 16\) for mpii"):
        NME(MPII, (0, 16))
    with pytest.raises(MetricError, match=r"norm_item out of bbox_size, head_size.* Got 'box'"):
        NME(MPII, norm_item="box")
    with pytest.raises(MetricError, match=r"norm_item out of bbox, head, torso. Got 'leg'"):
        PCK(MPII, size="leg")


def test_labels():
    assert PCKh(MPII).label == "PCKh@0.5"
    assert PCKh(MPII, 0.1).label == "PCKh@0.1"
    assert PCK(MPII, 0.2, "torso").label == "tPCK@0.2"
    assert EPE(MPII).label == "EPE"


def test_a_metric_needs_the_skeleton_alone(people):
    class Lateral(Metric):
        key, unit, higher_is_better, hit_at = "DX", "px", False, 1.0

        def joint_scores(self, poses, truth):
            return np.abs(poses[..., 0] - truth.keypoints[..., 0])

    metric = Lateral.from_evaluator({}, MPII)
    poses, truth = people(16)
    assert metric.label == "DX" and metric.scored == tuple(range(16))
    np.testing.assert_array_equal(
        metric.hits(poses, truth), np.abs(poses - truth.keypoints[..., :2])[..., 0] <= 1
    )
