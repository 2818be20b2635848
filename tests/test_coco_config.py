"""What the configs on people in COCO's format promise."""

from pathlib import Path

import hpe_art.compat  # noqa: F401

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from hpe_art import zoo
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.estimators.loading import build_model, load_config
from hpe_art.training import check_first_weights, training_config

FOLDER = Path(__file__).parents[1] / "mmpose_configs"

pytestmark = [
    pytest.mark.filterwarnings("ignore:The metainfo config file"),
    pytest.mark.parametrize("name", ["coco_resnet_heatmap", "rtmpose_tiny"]),
]


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
def test_mmposes_own_test_loop_gives_the_ap_of_the_index(tmp_path, name):
    config = FOLDER / f"{name}.py"
    found = runner(Config.fromfile(config), tmp_path / "true", f"{name}_true").test()
    expected = zoo.index()[name]["clean"]["coco/AP"]
    assert found["coco/AP"] == pytest.approx(expected, abs=5e-3)
    assert 0.6 < found["coco/AP"] < 1

    cfg = Config.fromfile(config)
    cfg.test_dataloader.dataset.bbox_file = f"{cfg.labels}/person_detections_val.json"
    detected = runner(cfg, tmp_path / "detected", f"{name}_detected").test()
    assert 0.5 < detected["coco/AP"] < found["coco/AP"]


def test_poses_and_gradients(name):
    cfg = load_config(FOLDER / f"{name}.py")
    model = build_model(cfg)
    estimator = PyTorchPoseEstimator(model, device_type="cpu")
    x = np.random.default_rng(0).integers(0, 256, (2, 3, 144, 112)).astype(np.float32)
    assert estimator.predict(x).shape == (2, 17, 3)
    assert cfg.codec == cfg.model.head.decoder == cfg.train_pipeline[-2].encoder
    y = np.random.default_rng(1).uniform(0, 112, (2, 17, 3)).astype(np.float32)
    gradient = estimator.loss_gradient(x, y)
    assert np.isfinite(gradient).all() and gradient.any()


def test_training_starts_from_scratch_or_from_another_network(tmp_path, name):
    config = FOLDER / f"{name}.py"
    assert load_config(config).load_from == f"zoo://{name}"
    assert training_config(config, work_dir=str(tmp_path)).load_from is None
    if name == "coco_resnet_heatmap":
        start = "zoo://resnet_heatmap"
    else:
        start = str(tmp_path / "start.pth")
        before = training_config(FOLDER / f"pretraining/{name}.py")
        last = f"{before.work_dir}/epoch_{before.train_cfg.max_epochs}.pth"
        assert f"--load-from {last}" in config.read_text()
        hinted = build_model(before)
        torch.save(hinted.state_dict(), start)
    cfg = training_config(config, work_dir=str(tmp_path), load_from=start)
    assert cfg.load_from == start
    cfg.load_from = None
    check_first_weights(build_model(cfg), start)  # raises where they do not fit


def test_people_are_trained_on_and_scored_in_cocos_format(name):
    cfg = load_config(FOLDER / f"{name}.py")
    for loader, split in ((cfg.train_dataloader, "train"), (cfg.test_dataloader, "val")):
        assert (loader.dataset.type, loader.dataset.split) == ("RenderedCocoPeople", split)
    assert cfg.test_evaluator.type == "CocoMetric" and Path(cfg.test_evaluator.ann_file).is_file()
    assert len((FOLDER / f"{name}.py").read_text().splitlines()) <= 70
