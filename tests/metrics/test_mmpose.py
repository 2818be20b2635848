"""Every metric that MMPose has as a class gives MMPose's number."""

from __future__ import annotations

import numpy as np
import pytest

from hpe_art.metrics import metric_for, score

CASES = [
    ("mpii", dict(type="MpiiPCKAccuracy"), "PCK", 1),
    ("mpii", dict(type="MpiiPCKAccuracy", thr=0.2), "PCK", 1),
    ("coco", dict(type="PCKAccuracy"), "PCK", 100),
    ("coco", dict(type="PCKAccuracy", thr=0.2, norm_item="head"), "PCKh", 100),
    ("jhmdb", dict(type="JhmdbPCKAccuracy", thr=0.2), "PCK", 100),
    ("jhmdb", dict(type="JhmdbPCKAccuracy", thr=0.2, norm_item=["torso", "bbox"]), "tPCK", 100),
    ("onehand10k", dict(type="AUC"), "AUC", 100),
    ("onehand10k", dict(type="AUC", norm_factor=12, num_thrs=7), "AUC", 100),
    ("onehand10k", dict(type="EPE"), "EPE", 1),
    ("300w", dict(type="NME", norm_mode="keypoint_distance"), "NME", 100),
    ("wflw", dict(type="NME", norm_mode="keypoint_distance", keypoint_indices=[1, 5]), "NME", 100),
    ("aflw", dict(type="NME", norm_mode="use_norm_item", norm_item="bbox_size"), "NME", 100),
    ("aflw", dict(type="NME", norm_mode="use_norm_item", norm_item="head_size"), "NME", 100),
]


@pytest.mark.parametrize(("dataset", "cfg", "name", "shown"), CASES)
def test_the_total_is_mmposes(
    dataset, cfg, name, shown, people, metainfo, skeleton, mmpose_numbers
):
    poses, truth = people(len(skeleton(dataset).joints))
    metric = metric_for(cfg, metainfo(dataset))
    expected = mmpose_numbers(cfg, poses, truth, metainfo(dataset))[name]
    total = score(metric.joint_scores(poses, truth), metric, skeleton(dataset)).value
    assert total == pytest.approx(shown * expected, rel=1e-6)


def test_a_joint_that_nobody_has_is_left_out_as_in_mmpose(
    people, metainfo, skeleton, mmpose_numbers
):
    poses, truth = people(17)
    truth.keypoints[:, 9, 2] = 0
    for cfg, name in ((dict(type="PCKAccuracy", thr=0.1), "PCK"), (dict(type="AUC"), "AUC")):
        metric = metric_for(cfg, metainfo("coco"))
        found = score(metric.joint_scores(poses, truth), metric, skeleton("coco"))
        expected = 100 * mmpose_numbers(cfg, poses, truth)[name]
        assert found.value == pytest.approx(expected, rel=1e-6)
        assert found.joints["left_wrist"] is None


def test_jhmdb_takes_the_predicted_torso_where_the_true_one_is_shorter_than_a_pixel(
    people, metainfo, skeleton, mmpose_numbers
):
    poses, truth = people(15)
    truth.keypoints[:20, 4] = truth.keypoints[:20, 5]
    poses[0, 4] = poses[0, 5]  # has no torso at all: is left out
    cfg = dict(type="JhmdbPCKAccuracy", thr=0.5, norm_item="torso")
    metric = metric_for(cfg, metainfo("jhmdb"))
    scores = metric.joint_scores(poses, truth)
    assert np.isnan(scores[0]).all()
    total = score(scores, metric, skeleton("jhmdb")).value
    expected = 100 * mmpose_numbers(cfg, poses, truth)["tPCK"]
    assert total == pytest.approx(expected, rel=1e-6)


def test_people_whose_ends_coincide_are_left_out_of_nme(people, metainfo, skeleton, mmpose_numbers):
    poses, truth = people(68)
    truth.keypoints[3, 36] = truth.keypoints[3, 45]
    cfg = dict(type="NME", norm_mode="keypoint_distance")
    metric = metric_for(cfg, metainfo("300w"))
    scores = metric.joint_scores(poses, truth)
    assert np.isnan(scores[3]).all()
    expected = 100 * mmpose_numbers(cfg, poses, truth, metainfo("300w"))["NME"]
    assert score(scores, metric, skeleton("300w")).value == pytest.approx(expected, rel=1e-6)


def test_the_customary_ends_are_mmposes():
    from mmpose.evaluation.metrics import NME

    from hpe_art.metrics.nme import ENDS

    assert {name: list(ends) for name, ends in ENDS.items()} == NME.DEFAULT_KEYPOINT_INDICES
