"""What every config of ours promises."""

import os
from pathlib import Path

import hpe_art.compat  # noqa: F401

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from hpe_art import zoo
from hpe_art.configs import merge_options
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.estimators.loading import build_model, load_config
from hpe_art.training import training_config

FOLDER = Path(__file__).parents[1] / "mmpose_configs"
# tests/test_coco_config.py has those for COCO, tests/test_zoo_configs.py those of MMPose.
COCO = ("coco_resnet_heatmap", "rtmpose_tiny")
CONFIGS = sorted(
    path
    for path in FOLDER.rglob("*.py")
    if not {"_base_", "zoo"} & set(path.parts) and path.stem not in COCO
)
NO_START = {"model.backbone.init_cfg": None}
OWN = ("num_stacks", "init_cfg")  # what a backbone may have for itself
SMALL = [path for path in CONFIGS if path.parent == FOLDER]
LARGE = [path for path in CONFIGS if path.parent.name == "mpii"]
BUNDLED = [path for path in SMALL if path.stem in zoo.index()]
# Each trained against attacks from another's weights.
ROBUST = {path.stem: path.stem.split("_robust")[0] for path in SMALL if "_robust" in path.stem}
# Those that take long to train; their layers are those of the others, or of pretraining.
LONG = [*LARGE, *(path for path in SMALL if path.stem in ROBUST)]
LONG += [FOLDER / f"{name}.py" for name in ("attention_hourglass", "hourglass_8stack", "dlcm")]


def each(paths, slow=()):
    marked = [
        pytest.param(
            path, id=str(path.relative_to(FOLDER)), marks=[pytest.mark.slow] * (path in slow)
        )
        for path in paths
    ]
    return pytest.mark.parametrize("path", marked)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """A working folder that has nothing to do with the project."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def work_dir(tmp_path):
    """A work folder without checkpoints afterwards: some are large."""
    yield tmp_path / "work"
    for file in (tmp_path / "work").glob("*.pth"):
        file.unlink()


def without_a_hub(cfg: Config) -> Config:
    """The config without weights from elsewhere: a hub, a package, or the bundle."""
    cfg.model.backbone.pop("init_cfg", None)
    cfg.load_from = None
    return cfg


def test_configs_are_short():
    for path in CONFIGS:
        assert len(path.read_text().splitlines()) <= 40, path


def test_each_network_exists_small_and_at_the_papers_scale():
    others = ("efficientnet", *ROBUST)
    names = {path.stem for path in SMALL if not path.stem.startswith(others)}
    assert names | {"resnet_heatmap_pretrained", "resnet_regression_pretrained"} == {
        path.stem for path in CONFIGS if path.parent.name == "mpii"
    }


PAIRS = [
    ("hourglass", "hourglass_8stack", "mpii"),
    ("resnet_heatmap", "resnet_regression", ""),
    ("resnet_heatmap", "resnet_regression", "mpii"),
    ("resnet_heatmap", "resnet_heatmap_pretrained", "mpii"),
    ("resnet_regression", "resnet_regression_pretrained", "mpii"),
    ("efficientnet_heatmap", "efficientnet_regression", ""),
    ("efficientnet_heatmap", "efficientnet_heatmap_pretrained", ""),
    ("efficientnet_regression", "efficientnet_regression_pretrained", ""),
]


@pytest.mark.parametrize(("one", "other", "folder"), PAIRS)
def test_what_is_compared_is_trained_alike(one, other, folder):
    """Data, augmentation, schedule and, but for the stacks, backbone; targets may differ."""

    def training(name):
        cfg = load_config(FOLDER / folder / f"{name}.py")
        pipeline = cfg.train_dataloader.dataset.pop("pipeline")
        for step in pipeline:
            step.pop("encoder", None)
        backbone = {k: v for k, v in cfg.model.backbone.items() if k not in OWN}
        schedule = (cfg.optim_wrapper, cfg.param_scheduler, cfg.train_cfg, cfg.custom_hooks)
        return cfg.train_dataloader, pipeline, schedule, cfg.model.data_preprocessor, backbone

    assert training(one) == training(other)


def test_what_training_starts_from_is_what_pretraining_leaves():
    starts = {}
    for path in SMALL:
        init = load_config(path).model.backbone.get("init_cfg") or {}
        if "pretraining" in init.get("checkpoint", ""):
            starts.setdefault(init.checkpoint, []).append(path.stem)
    left = {}
    for path in {*CONFIGS} & {*(FOLDER / "pretraining").glob("*.py")}:
        config = load_config(path)
        assert config.model.backbone.init_cfg is None
        last = f"epoch_{config.train_cfg.max_epochs}.pth"
        left[f"{training_config(path).work_dir}/{last}"] = path.stem
    assert starts.keys() == left.keys()
    assert {left[name]: len(users) for name, users in starts.items()} == {
        "resnet18_narrow": 4,
        "attention_hourglass": 1,
    }


def test_robust_networks_are_those_that_they_start_from():
    assert ROBUST
    for name, start in ROBUST.items():
        one, other = (load_config(FOLDER / f"{stem}.py") for stem in (name, start))
        for config in (one, other):
            config.model.backbone.init_cfg = None
        assert one.model == other.model and one.test_dataloader == other.test_dataloader
        recipe = one.default_hooks.adversarial
        assert name == f"{start}_robust{recipe.eps}"
        assert one.default_hooks.checkpoint.save_best == f"IGSM-U-10_eps{recipe.eps}/PCKh"
        assert [one.val_cfg.attacks[0].eps] == [recipe.eps]


OUTPUTS = {"hourglass": 2, "hourglass_8stack": 8, "attention_hourglass": 8, "dlcm": 5}


@each([path for path in CONFIGS if path.parent.name != "pretraining"])
def test_the_outputs_that_it_offers(path):
    model = build_model(without_a_hub(load_config(path)))
    network = ROBUST.get(path.stem, path.stem)
    assert PyTorchPoseEstimator(model, device_type="cpu").count_outputs() == OUTPUTS.get(network, 1)


@each(SMALL)
def test_its_test_set_builds_from_any_working_directory(path):
    from mmpose.registry import DATASETS

    config = load_config(path)
    dataset = DATASETS.build(config.test_dataloader.dataset)
    sample = dataset[0]
    width, height = config.codec.input_size
    assert len(dataset) == 256
    assert sample["inputs"].shape == (3, height, width)
    assert "head_size" in dataset.get_data_info(0)
    assert os.listdir() == []


@each(CONFIGS)
def test_its_last_raw_output_is_the_scored_one(path):
    config = without_a_hub(load_config(path))
    torch.manual_seed(0)
    model = build_model(config)
    width, height = config.codec.input_size
    x = torch.randint(0, 256, (1, 3, height, width)).float()
    estimator = PyTorchPoseEstimator(model, device_type="cpu")
    mean, std = model.data_preprocessor.mean, model.data_preprocessor.std
    with torch.no_grad():
        output = model((x.flip(1) - mean) / std, None, mode="tensor")
    last = (output[-1] if isinstance(output, list) else output).numpy()
    points, _ = model.head.decoder.decode(last if last.ndim == 3 else last[0])
    difference = np.abs(estimator.predict(x.numpy())[0, :, :2] - points[0])
    # Not all: an untrained heatmap may be flat around its maximum, where DARK's step is anything.
    assert (difference < 0.05).mean() > 0.8


@each(CONFIGS)
def test_its_codec_is_that_of_the_head_and_of_the_targets(path):
    config = load_config(path)
    encoders = [step.encoder for step in config.train_pipeline if step.type == "GenerateTarget"]
    assert [config.codec, *encoders] == [config.model.head.decoder] * 2
    assert config.train_dataloader.dataset.pipeline == config.train_pipeline
    assert config.codec.input_size == config.val_pipeline[-2].input_size


@pytest.mark.filterwarnings("ignore:.*named of visualizer has been created")
@each(CONFIGS, slow=LONG)
def test_it_trains_resumes_and_has_gradients(path, people, work_dir):
    config = training_config(path, work_dir=str(work_dir), data_root=str(people), options=NO_START)
    for loader in (config.train_dataloader, config.val_dataloader, config.test_dataloader):
        loader.update(batch_size=2, num_workers=0, timeout=0, persistent_workers=False)
    config.train_dataloader.dataset.indices = 4
    config.merge_from_dict({"train_cfg.max_epochs": 1, "train_cfg.val_interval": 9})
    if path.stem in ROBUST:
        config.val_cfg.num_samples = 2
    config.experiment_name = f"first_{path.stem}"
    runner = Runner.from_cfg(config)
    before = {name: value.clone() for name, value in runner.model.state_dict().items()}
    model = runner.train()
    assert runner.iter == 2
    moved = [n for n, value in model.named_parameters() if not torch.equal(value, before[n])]
    assert len(moved) > 0.9 * len(list(model.parameters()))

    # The paper's schedules are those of the smaller ones; this network's gradient is zero at first.
    if path not in LARGE or path.stem == "attention_hourglass":
        config.merge_from_dict(
            {"train_cfg.max_epochs": 2, "resume": True, "experiment_name": path.stem}
        )
        model = Runner.from_cfg(config).train()
        assert torch.load(work_dir / "epoch_2.pth", weights_only=False)["meta"]["iter"] == 4

    width, height = config.codec.input_size
    x = np.random.default_rng(0).integers(0, 256, (1, 3, height, width)).astype(np.float32)
    y = np.random.default_rng(1).uniform(0, min(width, height), (1, 16, 3)).astype(np.float32)
    for outputs in ("last", "all"):
        estimator = PyTorchPoseEstimator(model, outputs=outputs, device_type="cpu")
        gradient = estimator.loss_gradient(x, y)
        assert np.isfinite(gradient).all() and gradient.any()


@each(BUNDLED)
def test_its_weights_are_the_bundled_ones_and_training_does_not_use_them(path):
    config = load_config(path)
    assert config.load_from == f"{zoo.PREFIX}{path.stem}"
    assert training_config(path, options=NO_START).load_from is None
    assert training_config(path, load_from="config").load_from == config.load_from
    build_model(config)


def test_overrides_that_look_mistyped_are_named(caplog):
    cfg = load_config("hourglass")
    meant = {"train_cfg.max_epochs": 1, "model.test_cfg.new": 2, "test_dataloader.num_workers": 0}
    merge_options(cfg, meant)
    assert not caplog.records and cfg.train_cfg.max_epochs == 1 and cfg.model.test_cfg.new == 2
    merge_options(cfg, {"modle.test_cfg.flip_test": True, "train_cfg.max_epoch": 3})
    assert [record.getMessage() for record in caplog.records] == [
        "modle.test_cfg.flip_test is new to the config: is model.test_cfg.flip_test meant?",
        "train_cfg.max_epoch is new to the config: is train_cfg.max_epochs meant?",
    ]
    assert cfg.train_cfg.max_epoch == 3
