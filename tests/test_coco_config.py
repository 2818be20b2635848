"""What the config on people in COCO's format promises."""

from pathlib import Path

import hpe_art.compat  # noqa: F401

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.runner import Runner

from hpe_art import zoo
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.estimators.loading import build_model, load_config
from hpe_art.training import check_first_weights, training_config

CONFIG = Path(__file__).parents[1] / "mmpose_configs/coco_resnet_heatmap.py"
NAME = "zoo://coco_resnet_heatmap"

pytestmark = pytest.mark.filterwarnings("ignore:The metainfo config file")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """A working folder that has nothing to do with the project."""
    monkeypatch.chdir(tmp_path)


def runner(cfg, work_dir, name):
    """MMEngine's runner, as MMPose's tools/test.py builds it."""
    cfg.work_dir, cfg.experiment_name = str(work_dir), name
    cfg.test_dataloader.update(num_workers=0, persistent_workers=False)
    return Runner.from_cfg(cfg)


@pytest.mark.filterwarnings("ignore:.*named of visualizer has been created")
def test_mmposes_own_test_loop_gives_the_ap_of_the_index(tmp_path):
    found = runner(Config.fromfile(CONFIG), tmp_path / "true", "true").test()
    assert found["coco/AP"] == pytest.approx(
        zoo.index()["coco_resnet_heatmap"]["clean"]["coco/AP"], abs=5e-3
    )
    assert 0.6 < found["coco/AP"] < 1

    cfg = Config.fromfile(CONFIG)
    cfg.test_dataloader.dataset.bbox_file = f"{cfg.labels}/person_detections_val.json"
    detected = runner(cfg, tmp_path / "detected", "detected").test()
    assert 0.5 < detected["coco/AP"] < found["coco/AP"]


def test_its_last_raw_output_is_the_scored_one():
    cfg = load_config(CONFIG)
    model = build_model(cfg)
    estimator = PyTorchPoseEstimator(model, device_type="cpu")
    x = np.random.default_rng(0).integers(0, 256, (2, 3, 144, 112)).astype(np.float32)
    assert estimator.predict(x).shape == (2, 17, 3)
    assert cfg.codec == cfg.model.head.decoder == cfg.train_pipeline[-2].encoder
    y = np.random.default_rng(1).uniform(0, 112, (2, 17, 3)).astype(np.float32)
    gradient = estimator.loss_gradient(x, y)
    assert np.isfinite(gradient).all() and gradient.any()


def test_training_starts_from_scratch_or_from_the_network_on_mpii(tmp_path):
    assert load_config(CONFIG).load_from == NAME
    assert training_config(CONFIG, work_dir=str(tmp_path)).load_from is None
    start = training_config(CONFIG, work_dir=str(tmp_path), load_from="zoo://resnet_heatmap")
    assert start.load_from == "zoo://resnet_heatmap"
    start.load_from = None
    check_first_weights(build_model(start), "zoo://resnet_heatmap")  # raises where they do not fit


def test_people_are_trained_on_and_scored_in_cocos_format():
    cfg = load_config(CONFIG)
    for loader, split in ((cfg.train_dataloader, "train"), (cfg.test_dataloader, "val")):
        assert (loader.dataset.type, loader.dataset.split) == ("RenderedCocoPeople", split)
    assert cfg.test_evaluator.type == "CocoMetric" and Path(cfg.test_evaluator.ann_file).is_file()
    assert len(CONFIG.read_text().splitlines()) <= 60
