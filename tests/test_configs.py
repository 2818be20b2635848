"""What every config of ours promises."""

import os
from pathlib import Path

import hpe_art.compat  # noqa: F401

import numpy as np
import pytest
import torch
from mmengine.config import Config

from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.estimators.loader import build_model, load_config

FOLDER = Path(__file__).parents[1] / "mmpose_configs"
CONFIGS = sorted(path for path in FOLDER.rglob("*.py") if "_base_" not in path.parts)


@pytest.fixture(params=CONFIGS, ids=lambda path: str(path.relative_to(FOLDER)))
def config(request, tmp_path, monkeypatch) -> Config:
    """A config, read from a folder that has nothing to do with the project."""
    monkeypatch.chdir(tmp_path)
    return load_config(request.param)


def test_configs_are_short():
    for path in CONFIGS:
        assert len(path.read_text().splitlines()) <= 40, path


def test_its_test_set_builds_from_any_working_directory(config):
    from mmpose.registry import DATASETS

    dataset = DATASETS.build(config.test_dataloader.dataset)
    sample = dataset[0]
    width, height = config.codec.input_size
    assert len(dataset) == 256
    assert sample["inputs"].shape == (3, height, width)
    assert "head_size" in dataset.get_data_info(0)


def test_its_last_raw_output_is_the_scored_one(config):
    config.load_from = None
    model = build_model(config)
    width, height = config.codec.input_size
    x = torch.randint(0, 256, (2, 3, height, width)).float()
    estimator = PyTorchPoseEstimator(model, device_type="cpu")
    mean, std = model.data_preprocessor.mean, model.data_preprocessor.std
    with torch.no_grad():
        output = model((x.flip(1) - mean) / std, None, mode="tensor")
    last = output[-1] if isinstance(output, list) else output
    points, _ = model.head.decoder.decode(last[0].numpy())
    np.testing.assert_allclose(estimator.predict(x.numpy())[0, :, :2], points[0], atol=1e-3)


def test_its_weights_are_the_bundled_ones_and_training_does_not_use_them(config):
    from hpe_art import zoo
    from hpe_art.training import training_config

    assert config.load_from.startswith(zoo.PREFIX)
    assert training_config(config.filename).load_from is None
    assert training_config(config.filename, load_from="config").load_from == config.load_from


def test_reading_it_leaves_the_working_directory_alone(config):
    assert os.listdir() == []
