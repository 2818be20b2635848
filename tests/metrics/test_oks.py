from __future__ import annotations

from collections import defaultdict

import hpe_art.compat  # noqa: F401

import numpy as np
import pytest
from pycocotools import cocoeval as coco
from xtcocotools import cocoeval as xtcoco

from hpe_art.metrics import OKS, MetricError, PeopleTruth, people_means, score
from hpe_art.skeleton import MPII


def computed(poses, truth, sigmas, module=coco, use_area=True):
    """`computeOks` of each person, alone in an image."""
    result = module.COCOeval.__new__(module.COCOeval)
    result.params = module.Params(iouType="keypoints")
    result.params.kpt_oks_sigmas = result.sigmas = np.array(sigmas)
    result.use_area, result.score_key = use_area, "score"
    result._gts, result._dts = defaultdict(list), defaultdict(list)
    for i in range(len(truth)):
        x1, y1, x2, y2 = truth.bbox[i].astype(float)
        seen = truth.keypoints[i].astype(float).ravel().tolist()
        box = [x1, y1, x2 - x1, y2 - y1]
        result._gts[i, 1] = [{"keypoints": seen, "area": float(truth.area[i]), "bbox": box}]
        pose = np.pad(poses[i, :, :2].astype(float), ((0, 0), (0, 1))).ravel().tolist()
        result._dts[i, 1] = [{"keypoints": pose, "score": 1.0}]
    return [result.computeOks(i, 1)[0, 0] for i in range(len(truth))]


@pytest.mark.parametrize("dataset", ["coco", "crowdpose", "aic"])
def test_each_person_has_the_oks_of_cocos_evaluation(dataset, people, skeleton):
    dataset = skeleton(dataset)
    poses, truth = people(len(dataset.joints))
    metric = OKS(dataset)
    expected = computed(poses, truth, dataset.sigmas)
    means = people_means(metric.joint_scores(poses, truth), metric)
    np.testing.assert_allclose(means, expected, rtol=1e-6)
    total = score(metric.joint_scores(poses, truth), metric, dataset)
    assert total.value == pytest.approx(100 * np.mean(expected), rel=1e-6)


@pytest.mark.skipif(
    not xtcoco.COCOeval.__module__.startswith("xtcocotools"), reason="pycocotools stands in"
)
def test_without_areas_the_box_stands_in_as_in_xtcocotools(people, skeleton):
    dataset = skeleton("crowdpose")
    poses, truth = people(14)
    metric = OKS.from_evaluator({"use_area": False}, dataset)
    expected = computed(poses, truth, dataset.sigmas, xtcoco, use_area=False)
    without = PeopleTruth(truth.keypoints, bbox=truth.bbox)
    means = people_means(metric.joint_scores(poses, without), metric)
    np.testing.assert_allclose(means, expected, rtol=1e-6)


def test_the_true_pose_has_100_and_one_far_away_0(people, skeleton):
    _, truth = people(17)
    metric = OKS(skeleton("coco"))
    perfect = metric.joint_scores(truth.keypoints, truth)
    assert score(perfect, metric, skeleton("coco")).value == 100
    far = truth.keypoints + np.float32(1e4)
    far[3, 2] = np.nan
    assert score(metric.joint_scores(far, truth), metric, skeleton("coco")).value == 0


def test_by_hand():
    truth = PeopleTruth(np.array([[[10.0, 10, 1]] * 16]), area=np.array([400.0]))
    poses = truth.keypoints + np.array([3.0, 4.0, 0.0])
    shares = OKS(MPII).joint_scores(poses, truth)[0]
    assert shares[9] == pytest.approx(np.exp(-25 / (2 * 400 * (2 * 0.026) ** 2)))
    hits = OKS(MPII).hits(poses, truth)[0]
    np.testing.assert_array_equal(hits, shares >= 0.5)


def test_what_the_dataset_lacks_is_named(people, skeleton):
    with pytest.raises(
        MetricError, match=r"Expected sigmas of 98 joints .* wflw, for OKS. Got none"
    ):
        OKS(skeleton("wflw"))
    poses, truth = people(17)
    bare = PeopleTruth(truth.keypoints)
    with pytest.raises(
        MetricError, match=r"an area for everyone, for OKS. Got none: .*--metric EPE"
    ):
        OKS(skeleton("coco")).joint_scores(poses, bare)
    with pytest.raises(MetricError, match=r"a box for everyone, for OKS. Got none"):
        OKS(skeleton("coco"), use_area=False).joint_scores(poses, bare)
