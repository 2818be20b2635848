from __future__ import annotations

import hpe_art.compat  # noqa: F401  (MMPose imports only after it)

import mmpose.evaluation.metrics as mmpose_metrics
import pytest
from mmengine.config import Config, ConfigDict

from hpe_art.metrics import METRICS, OKS, Metric, MetricError, PCKh, metric_for, metric_named
from hpe_art.skeleton import MPII


@pytest.mark.parametrize(
    ("dataset", "evaluator", "label"),
    [
        ("mpii", dict(type="MpiiPCKAccuracy"), "PCKh@0.5"),
        ("mpii", dict(type=mmpose_metrics.MpiiPCKAccuracy, thr=0.2), "PCKh@0.2"),
        ("coco", dict(type="mmpose.CocoMetric", ann_file="none.json"), "OKS"),
        ("crowdpose", dict(type="CocoMetric", iou_type="keypoints_crowd", use_area=False), "OKS"),
        ("coco_wholebody", dict(type="CocoWholeBodyMetric"), "OKS"),
        ("posetrack18", dict(type="PoseTrack18Metric"), "OKS"),
        ("jhmdb", dict(type="JhmdbPCKAccuracy", thr=0.2, norm_item=["bbox", "torso"]), "PCK@0.2"),
        ("wflw", [dict(type="NME", norm_mode="keypoint_distance")], "NME"),
        ("rhd2d", [dict(type="MPJPE"), dict(type="AUC"), dict(type="EPE")], "AUC"),
        (
            "coco_wholebody",
            dict(type="KeypointPartitionMetric", metric=dict(type="EPE"), partitions={}),
            "EPE",
        ),
        ("ap10k", dict(type="Evaluator", metrics=[dict(type="PCKAccuracy", thr=0.1)]), "PCK@0.1"),
    ],
)
def test_the_metric_of_a_configs_evaluator(dataset, evaluator, label, metainfo):
    assert metric_for(evaluator, metainfo(dataset)).label == label


def test_pieces_of_configs_will_do(metainfo):
    cfg = Config(dict(test_evaluator=[dict(type="CocoMetric", use_area=False)]))
    metric = metric_for(cfg.test_evaluator, metainfo("coco"))
    assert isinstance(metric, OKS) and metric.needs == ("bbox",)
    assert metric_for(ConfigDict(type="CocoMetric"), metainfo("coco")).needs == ("area",)


def test_every_evaluator_that_is_named_is_one_of_mmpose():
    for metric in METRICS.module_dict.values():
        assert all(hasattr(mmpose_metrics, name) for name in metric.evaluators)


@pytest.mark.parametrize(
    ("evaluator", "got"),
    [
        (dict(type="SimpleMPJPE"), "SimpleMPJPE"),
        ([dict(type="MPJPE"), dict(type="InterHandMetric")], "MPJPE, InterHandMetric"),
        ([], "none"),
        (None, "none"),
    ],
)
def test_evaluators_without_a_twin_are_refused(evaluator, got, metainfo):
    expected = rf"test_evaluator out of AUC, CocoMetric, .*PoseTrack18Metric. Got {got}: .*--metric"
    with pytest.raises(MetricError, match=expected):
        metric_for(evaluator, metainfo("h36m"))


def test_metrics_by_name():
    assert isinstance(metric_named("PCKh", MPII), PCKh)
    with pytest.raises(MetricError, match=r"a metric out of AUC, EPE, NME, OKS, .* Got 'mAP'"):
        metric_named("mAP", MPII)


def test_a_users_metric_takes_an_evaluator_of_its_own(metainfo):
    class Strict(PCKh):
        evaluators = ("StrictAccuracy",)

    METRICS.register_module(name="Strict", module=Strict)
    try:
        metric = metric_for(dict(type="StrictAccuracy", thr=0.01), metainfo("mpii"))
        assert isinstance(metric, Strict) and metric.label == "PCKh@0.01"
        assert isinstance(metric_named("Strict", MPII), Metric)
    finally:
        METRICS.module_dict.pop("Strict")
