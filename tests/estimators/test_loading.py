from __future__ import annotations

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MessageHub

from hpe_art import compat
from hpe_art.configs import find_config
from hpe_art.errors import UserError
from hpe_art.estimators.loading import ModelError, build_model, dataset_meta, load_config
from hpe_art.skeleton import MPII

needs_allow_list = pytest.mark.skipif(
    not compat.DONE["checkpoint types allow-listed"], reason="this torch has no allow list"
)


@pytest.fixture
def cfg(config):
    return load_config(config)


@pytest.fixture(scope="module")
def state(weights):
    return torch.load(weights, weights_only=True)["state_dict"]


def same_weights(model, state):
    return all(torch.equal(value, state[name]) for name, value in model.state_dict().items())


# --- configs -------------------------------------------------------------------------------------


def test_a_config_is_read_from_a_path_or_taken_as_it_is(config):
    cfg = load_config(str(config))
    assert cfg.model.backbone.channels == 8
    assert load_config(cfg) is cfg


def test_options_override_the_config(config):
    cfg = load_config(config, {"model.test_cfg.flip_test": True, "seed": 3})
    assert cfg.model.test_cfg.flip_test is True and cfg.seed == 3


@pytest.mark.parametrize("options", [{"model.backbone.depth.x": 1}, {"pipeline.9": {}}])
def test_options_that_do_not_fit(config, options):
    with pytest.raises(ModelError, match=r"Expected overrides that fit the config\. Got \{'"):
        load_config(config, options)


def test_no_such_config(tmp_path):
    with pytest.raises(ModelError, match=r"Expected a config file. Got .*none.py, which does not"):
        load_config(tmp_path / "none.py")


def test_a_shipped_config_is_loaded_by_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cfg = load_config("resnet_heatmap")
    assert cfg.filename == str(find_config("resnet_heatmap")) and cfg.load_from.startswith("zoo:")
    with pytest.raises(UserError, match="name of a shipped one: .*resnet_heatmap.* Got resnet"):
        load_config("resnet")


@pytest.mark.parametrize(
    ("name", "text", "fact"),
    [
        ("broken.py", "model = dict(", "line 1"),
        ("raises.py", "model = 1 / 0", "division by zero"),
        ("notes.txt", "model", "Only py/yml/yaml/json type are supported"),
        ("broken.json", "{", "Expecting property name"),
        ("child.py", '_base_ = ["nowhere.py"]', "nowhere.py"),
        ("imports.py", 'custom_imports = dict(imports=["no_such_package"])', "no_such_package"),
    ],
)
def test_a_file_that_is_not_a_config(tmp_path, name, text, fact):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ModelError, match=f"(?s){name} to be a config file. Got .*{fact}"):
        load_config(path)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('model = dict(type="BottomupPoseEstimator")', "BottomupPoseEstimator"),
        ('model = dict(backbone="x")', "None"),
        ("model = 3", "3"),
        ("other = 1", "None"),
    ],
)
def test_a_config_that_is_not_top_down(tmp_path, text, kind):
    path = tmp_path / "other.py"
    path.write_text(text)
    with pytest.raises(ModelError, match=rf"top-down pose model .*\. Got {kind}\."):
        load_config(path)


def test_what_mmpose_still_calls_mmcls_is_mmpretrain():
    name = "td-hm_ViTPose-large_8xb64-210e_humanart-256x192.py"
    cfg = load_config(f"mmpose::body_2d_keypoint/topdown_heatmap/humanart/{name}")
    assert cfg.model.backbone.type == "mmpretrain.VisionTransformer"


def test_predictions_with_a_depth_are_refused():
    hands = "hand_3d_keypoint/internet/interhand3d/internet_res50_4xb16-20e_interhand3d-256x256.py"
    with pytest.raises(ModelError, match="Expected a model of 2D poses. Got InternetHead"):
        load_config(f"mmpose::{hands}")


def test_joints_are_described_as_mmpose_does(cfg):
    meta = dataset_meta(cfg)
    assert meta["dataset_name"] == "mpii"
    expected = list(MPII.flip_indices)
    assert meta["flip_indices"] == expected
    assert build_model(cfg).dataset_meta["flip_indices"] == expected


def test_a_test_set_may_describe_its_joints_itself(cfg):
    cfg.test_dataloader.dataset.metainfo = dict(from_file="configs/_base_/datasets/coco.py")
    assert dataset_meta(cfg)["num_keypoints"] == 17


@pytest.mark.filterwarnings("ignore:The metainfo config file")
def test_joints_may_depend_on_what_the_test_set_is_asked_for(cfg):
    cfg.test_dataloader.dataset = dict(type="DeepFashionDataset", data_mode="topdown")
    for subset, count in [("upper", 6), ("full", 8), ("lower", 4), ("upper", 6)]:
        cfg.test_dataloader.dataset.subset = subset
        assert dataset_meta(cfg)["num_keypoints"] == count
    cfg.test_dataloader.dataset.subset = "shoes"
    with pytest.raises(
        ModelError, match="metainfo. Got ValueError from DeepFashionDataset: .*shoe"
    ):
        dataset_meta(cfg)


def test_steps_of_a_pipeline_may_be_functions(cfg):
    cfg.train_dataloader.dataset.pipeline.append(dict)
    cfg.test_dataloader.dataset.pipeline.append(dict)
    assert build_model(cfg).dataset_meta["num_keypoints"] == 16


@pytest.mark.parametrize("kind", ["NoSuchDataset", None])
def test_a_config_without_a_known_test_set(cfg, kind):
    if kind:
        cfg.test_dataloader.dataset.type = kind
    else:
        cfg.pop("test_dataloader")
    with pytest.raises(
        ModelError, match=rf"test_dataloader.dataset is one of MMPose's. Got {kind}"
    ):
        build_model(cfg)


@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        (dict(type="NoSuchNetwork"), "NoSuchNetwork"),
        (dict(no_such_argument=1), "no_such_argument"),
        (dict(channels=7), "channels divisible by 4"),
    ],
)
def test_a_model_that_cannot_be_built(cfg, changes, fact):
    cfg.model.backbone.update(changes)
    with pytest.raises(ModelError, match=f"Expected a model that MMPose can build. Got .*{fact}"):
        build_model(cfg)


# --- checkpoints ---------------------------------------------------------------------------------


def test_weights_are_loaded_into_an_eval_mode_model(cfg, weights, state):
    model = build_model(cfg, weights)
    assert same_weights(model, state)
    assert not any(module.training for module in model.modules())


def test_the_config_names_the_default_weights(cfg, weights, state, tmp_path):
    cfg.load_from = str(weights)
    assert same_weights(build_model(cfg), state)
    cfg.load_from = str(tmp_path / "none.pth")
    assert same_weights(build_model(cfg, weights), state), "what is given counts first"
    with pytest.raises(ModelError, match=r"Expected a checkpoint. Got .*none.pth, which does not"):
        build_model(cfg)


def test_without_any_the_weights_are_random(cfg, state):
    cfg.load_from = None
    assert not same_weights(build_model(cfg), state)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_another_floating_type_become_float32(cfg, state, tmp_path, dtype):
    given = {k: v.to(dtype) if v.is_floating_point() else v for k, v in state.items()}
    path = tmp_path / "weights.pth"
    torch.save({"state_dict": given}, path)
    model = build_model(cfg, path)
    assert {value.dtype for value in model.parameters()} == {torch.float32}
    assert same_weights(model, {k: v.to(state[k].dtype) for k, v in given.items()})


def test_buffers_of_the_preprocessor_may_be_among_them(cfg, state, tmp_path):
    path = tmp_path / "weights.pth"
    torch.save({**state, "data_preprocessor.mean": torch.ones(3, 1, 1)}, path)
    assert same_weights(build_model(cfg, path), state)


def test_weights_of_mmpose_before_1_0(tmp_path):
    """MMPose renames them while it loads them: its `keypoint_head` became `head`."""
    codec = dict(type="MSRAHeatmap", input_size=(32, 32), heatmap_size=(8, 8), sigma=1)
    head = dict(type="HeatmapHead", in_channels=512, out_channels=16, decoder=codec)
    head |= dict(deconv_out_channels=(8,), deconv_kernel_sizes=(4,))
    cfg = Config(
        dict(
            model=dict(
                type="TopdownPoseEstimator",
                data_preprocessor=dict(type="PoseDataPreprocessor"),
                backbone=dict(type="ResNet", depth=18),
                head=head,
            ),
            test_dataloader=dict(dataset=dict(type="MpiiDataset")),
        )
    )
    state = build_model(cfg).state_dict()
    old = {name.replace("head.", "keypoint_head."): value for name, value in state.items()}
    old = {k: v for k, v in old.items() if "num_batches_tracked" not in k}
    assert any(name.startswith("keypoint_head.") for name in old)
    path = tmp_path / "old.pth"
    torch.save({"meta": {"mmpose_version": "0.29.0"}, "state_dict": old}, path)
    assert same_weights(build_model(cfg, path), state)


@needs_allow_list
def test_a_training_checkpoint_with_all_its_trimmings(cfg, state, tmp_path):
    hub = MessageHub("loader")
    hub.update_scalar("train/loss", 2.0)
    model = build_model(cfg)
    optimizer = torch.optim.AdamW(model.parameters())
    content = {
        "meta": {"epoch": 1, "cfg": cfg.pretty_text, "dataset_meta": dataset_meta(cfg)},
        "state_dict": state,
        "message_hub": hub.state_dict(),
        "optimizer": optimizer.state_dict(),
        "param_schedulers": [{"last_step": 3, "_global_step": np.int64(4)}],
    }
    path = tmp_path / "epoch_1.pth"
    torch.save(content, path)
    assert same_weights(build_model(cfg, path), state)


def test_options_leave_the_callers_config_as_it_was(config):
    given = load_config(config)
    changed = load_config(given, {"model.test_cfg.flip_test": True})
    assert changed.model.test_cfg.flip_test and not given.model.test_cfg.get("flip_test", False)
