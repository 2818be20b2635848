"""Modules that a config imports, and configs of the pure Python style."""

from __future__ import annotations

import sys

import pytest
from mmengine.config import Config
from mmpose.datasets import LoadImage, PackPoseInputs, TopdownAffine
from mmpose.datasets.transforms import GetBBoxCenterScale
from mmpose.models import TopdownPoseEstimator

from hpe_art import PyTorchPoseEstimator, load_people
from hpe_art.commands import attack
from hpe_art.configs import read_config
from hpe_art.estimators.loading import ModelError, build_model, dataset_meta, load_config
from hpe_art.evaluation.result_files import read_results

STYLE = """\
from mmengine.config import read_base
with read_base():
    from .runtime import *
from mmengine.dataset import DefaultSampler
from mmpose.codecs import MSRAHeatmap
from mmpose.datasets import (
    GenerateTarget, GetBBoxCenterScale, LoadImage, MpiiDataset, PackPoseInputs, TopdownAffine
)
from mmpose.evaluation import MpiiPCKAccuracy
from mmpose.models import CPMHead, KeypointMSELoss, PoseDataPreprocessor, TopdownPoseEstimator
from hpe_art.models import StackedHourglass
"""


@pytest.fixture(autouse=True)
def own_modules_are_forgotten(monkeypatch):
    """And the path of modules is as the test has left it itself."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    for name in [name for name in sys.modules if name.startswith("own_")]:
        del sys.modules[name]


def asking_for(folder, *modules):
    path = folder / "asking.py"
    path.write_text(f"custom_imports = dict(imports={list(modules)})")
    return path


def pure_python_style(path, write_config, **wanted):
    """The tiny config with classes for names, and a base of MMPose's own for the rest."""
    _, text = write_config(path, **wanted).read_text().split("\n", 1)
    (path.parent / "runtime.py").write_text('default_scope = "mmpose"\n')
    for name in STYLE.replace(",", " ").split():
        text = text.replace(f'type="{name}"', f"type={name}")
    path.write_text(STYLE + text)
    return path


# --- modules -------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["own_net.py", "own_net/__init__.py", "own_nets/own_net.py"])
def test_a_module_beside_the_config_is_found_ahead_of_others(tmp_path, monkeypatch, file):
    for folder, text in (("config", "FOUND = 'beside'"), ("path", "FOUND = 'path'")):
        module = tmp_path / folder / file
        module.parent.mkdir(parents=True)
        module.write_text(text)
    sys.path.insert(0, str(tmp_path / "path"))
    name = "own_nets.own_net" if "nets" in file else "own_net"
    monkeypatch.chdir(tmp_path)
    path = [*sys.path]
    read_config(asking_for(tmp_path / "config", name).relative_to(tmp_path))
    assert sys.path == path
    assert sys.modules[name].FOUND == "beside"


def test_it_may_import_what_lies_beside_it(tmp_path):
    (tmp_path / "own_net.py").write_text("from own_layers import SIZE")
    (tmp_path / "own_layers.py").write_text("SIZE = 3")
    read_config(asking_for(tmp_path, "own_net"))
    assert sys.modules["own_net"].SIZE == 3


def test_two_configs_have_modules_of_one_name(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "own_net.py").touch()
    first = asking_for(tmp_path / "a", "own_net")
    read_config(first)
    read_config(first)
    with pytest.raises(ModelError, match=r"a/own_net.py, imported before .*b/own_net.py: rename"):
        load_config(asking_for(tmp_path / "b", "own_net"))


@pytest.mark.parametrize(
    ("text", "reason"), [(None, "No module named 'own_net'"), ("import own_x", "'own_x'")]
)
def test_a_module_that_cannot_be_imported(tmp_path, text, reason):
    if text:
        (tmp_path / "own_net.py").write_text(text)
    path = asking_for(tmp_path, "own_net")
    message = f"Failed to import own_net, sought in {tmp_path} and .*{reason}"
    message = f"{path} to be a config file. Got .*{message}"
    with pytest.raises(ModelError, match=message):
        load_config(path)
    path.write_text(path.read_text().replace(")", ", allow_failed_imports=True)"))
    with pytest.warns(UserWarning, match="own_net failed to import and is ignored"):
        read_config(path)


# --- MMPose's configs ----------------------------------------------------------------------------

RESNET = "body_2d_keypoint/topdown_heatmap/mpii/td-hm_res50_8xb64-210e_mpii-256x256.py"


@pytest.mark.parametrize("name", [RESNET, RESNET.partition("/")[2].removesuffix(".py")])
def test_a_config_of_mmpose_is_loaded_by_name(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    estimator = PyTorchPoseEstimator.from_config(f"mmpose::{name}", device_type="cpu")
    assert estimator.input_shape == (3, 256, 256)
    assert estimator.model.backbone.depth == 50


def test_a_config_of_ones_own_has_one_of_mmpose_for_its_base(tmp_path, people):
    path = tmp_path / "child.py"
    path.write_text(
        f'_base_ = ["mmpose::{RESNET}"]\n'
        "model = dict(backbone=dict(depth=18), head=dict(in_channels=512))\n"
        f'test_dataloader = dict(dataset=dict(data_root="{people}", '
        'ann_file="annotations/mpii_val.json", headbox_file=None))'
    )
    cfg = load_config(path, {"model.test_cfg.flip_test": False})
    estimator = PyTorchPoseEstimator.from_config(cfg, device_type="cpu")
    crops = load_people(cfg, num_samples=1)
    assert estimator.predict(crops.x[:]).shape == crops.y.shape == (1, 16, 3)
    assert not estimator.flip_test and estimator.model.backbone.depth == 18


# --- the pure Python style -----------------------------------------------------------------------


def test_a_config_of_classes_is_that_of_their_names(tmp_path, write_config, config, weights):
    named, cfg = (
        load_config(config),
        load_config(pure_python_style(tmp_path / "s.py", write_config)),
    )
    assert cfg.model.type is TopdownPoseEstimator and cfg.default_scope == "mmpose"
    assert repr(dataset_meta(cfg)) == repr(dataset_meta(named))
    one, other = (build_model(c, weights) for c in (cfg, named))
    one, other = (PyTorchPoseEstimator(model, device_type="cpu") for model in (one, other))
    crops, others = load_people(cfg, num_samples=2), load_people(named, num_samples=2)
    assert (crops.x[:] == others.x[:]).all()
    assert (one.predict(crops.x[:]) == other.predict(crops.x[:])).all()


def test_its_options_are_overridden_and_its_modules_lie_beside_it(tmp_path, write_config):
    path = pure_python_style(tmp_path / "s.py", write_config)
    text = path.read_text().replace("from hpe_art.models import", "from own_net import")
    path.write_text(text + "\ncustom_imports = dict(imports=['own_more'])")
    (tmp_path / "own_net.py").write_text("from hpe_art.models import StackedHourglass")
    (tmp_path / "own_more.py").touch()
    cfg = load_config(path, {"model.backbone.channels": 12})
    assert build_model(cfg).backbone.merge_heatmaps[0].out_channels == 12
    assert "own_more" in sys.modules, "MMEngine imports them for configs of the other style alone"


def test_the_command_attacks_it_and_goes_on(tmp_path, monkeypatch, write_config, config, weights):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("hpe_art.report.pictures.draw_pictures", lambda *_: 0)
    path = pure_python_style(tmp_path / "s.py", write_config)
    options = [str(weights), "--attack", "fgsm", "--device", "cpu", "--cfg-options", "seed=3"]
    found = []
    for one, folder in ((config, "named"), (path, "style"), (path, "style")):
        assert attack.main([str(one), *options, "--work-dir", folder]) == 0
        (run,) = read_results(tmp_path / folder / "results.json").runs.values()
        found.append((run.clean, [one.score for one in run.attacks], run.dataset, run.metric))
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("from hpe_art.models import StackedHourglass", "Failed to import StackedHourglass from"),
        ("from mmpose.evaluation import MpiiPCKAccuracy", "import MpiiPCKAccuracy from own_none"),
        ("from mmengine.dataset import DefaultSampler", "Failed to import own_none in"),
    ],
)
def test_what_it_imports_is_not_there(tmp_path, write_config, what, reason):
    path = pure_python_style(tmp_path / "s.py", write_config)
    if "Failed to import own_none" not in reason:
        (tmp_path / "own_none.py").touch()
    lacking = what.replace(what.split()[1], "own_none")
    path.write_text(path.read_text().replace(what, lacking))
    with pytest.raises(ModelError, match=f"s.py to be a config file. Got .*{reason}"):
        load_config(path)


def test_a_config_made_in_python_may_have_classes(config, people):
    given = load_config(config).to_dict()
    given["model"]["type"] = TopdownPoseEstimator
    dataset = given["test_dataloader"]["dataset"]
    dataset["pipeline"] = [
        dict(type=LoadImage),
        dict(type=GetBBoxCenterScale),
        dict(type=TopdownAffine, input_size=(64, 96)),
        dict(type=PackPoseInputs),
    ]
    cfg = load_config(Config(given))
    crops, others = load_people(cfg, num_samples=2), load_people(load_config(config), num_samples=2)
    assert (crops.x[:] == others.x[:]).all()
