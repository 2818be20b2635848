from __future__ import annotations

import warnings

import hpe_art.compat  # noqa: F401  (MMPose imports only after it)

import numpy as np
import pytest
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.evaluation import metrics as mmpose_metrics

from hpe_art.metrics import PeopleTruth
from hpe_art.skeleton import Skeleton


@pytest.fixture
def metainfo():
    """`metainfo("coco")`: MMPose's meta information of a dataset."""

    def load(name: str) -> dict:
        with warnings.catch_warnings():  # it says that it takes the file from the installed package
            warnings.simplefilter("ignore", UserWarning)
            return parse_pose_metainfo({"from_file": f"{name}.py"})

    return load


@pytest.fixture
def skeleton(metainfo):
    """`skeleton("coco")`: that of a dataset of MMPose."""
    return lambda name: Skeleton.from_metainfo(metainfo(name))


@pytest.fixture
def people():
    """`people(17)`: poses of 40 people with 17 joints and what they are measured against."""

    def draw(joints: int, seed: int = 0, n: int = 40) -> tuple[np.ndarray, PeopleTruth]:
        random = np.random.default_rng(seed)
        truth = random.uniform(0, 300, (n, joints, 3)).astype(np.float32)
        truth[..., 2] = random.random((n, joints)) < 0.8
        error = random.normal(size=(n, joints, 2)) * random.uniform(1, 25, (1, joints, 1))
        corner, size = random.uniform(0, 99, (n, 2)), random.uniform(50, 300, (n, 2))
        return (truth[..., :2] + error).astype(np.float32), PeopleTruth(
            truth,
            head_size=random.uniform(15, 60, n).astype(np.float32),
            bbox=np.concatenate([corner, corner + size], 1).astype(np.float32),
            area=random.uniform(900, 9000, n).astype(np.float32),
        )

    return draw


@pytest.fixture
def mmpose_numbers():
    """`mmpose_numbers(dict(type="EPE"), poses, truth, metainfo)`: of MMPose's own class."""

    def evaluate(cfg, poses, truth, metainfo=None) -> dict[str, float]:
        cfg = dict(cfg)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # no prefix; predicted torsos
            metric = getattr(mmpose_metrics, cfg.pop("type"))(**cfg)
            metric.dataset_meta = metainfo
            for i in range(len(truth)):
                gt = {
                    "keypoints": truth.keypoints[i : i + 1, :, :2].copy(),
                    "keypoints_visible": truth.keypoints[i : i + 1, :, 2].copy(),
                    "head_size": truth.head_size[i].reshape(1, 1),
                    "bboxes": truth.bbox[i : i + 1].copy(),
                }
                pred = {"keypoints": poses[i : i + 1, :, :2].copy()}
                metric.process([], [{"gt_instances": gt, "pred_instances": pred}])
            return metric.evaluate(len(truth))

    return evaluate
