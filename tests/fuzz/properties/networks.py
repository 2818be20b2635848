"""Networks: checkpoints, those of training, configs, and the models that they describe."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
import toys
from fuzz.holding import holds, refused
from fuzz.mutations import TAME_VALUES, broken_bytes, broken_document, broken_json
from hypothesis import strategies as st
from mmengine.config import Config
from torch import nn

from hpe_art.checkpoints import read_weights
from hpe_art.estimators.loading import build_model, dataset_meta, load_config
from hpe_art.skeleton import Skeleton
from hpe_art.training.resuming import check_optimizer, check_resumed, newest_whole


def _saved(path: Path, draw: Any, whole: dict[str, Any]) -> None:
    """A broken checkpoint, by what it holds or by its bytes."""
    if draw(st.booleans()):
        torch.save(draw(broken_document(whole)), path)
    else:
        file = io.BytesIO()
        torch.save(whole, file)
        path.write_bytes(draw(broken_bytes(file.getvalue())))


@holds
def checkpoints(folder: Path, draw: Any) -> None:
    """The tensors of what can be read are finite; a model says itself what else does not fit."""
    path = folder / "weights.pth"
    whole = {"state_dict": {"a.weight": torch.ones(2, 3), "a.bias": torch.zeros(2)}, "meta": {}}
    _saved(path, draw, whole)
    with refused():
        for name, value in read_weights(str(path)).items():
            assert isinstance(name, str)
            assert not isinstance(value, torch.Tensor) or torch.isfinite(value.float()).all()


@cache
def _trained() -> tuple[nn.Module, Any, dict[str, Any]]:
    """A network, its optimizer, and the checkpoint of its training."""
    model = nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    parts = {"state_dict": model.state_dict(), "optimizer": optimizer.state_dict()}
    meta = {"epoch": 1, "iter": 2, "time": "20260101_000000"}
    return model, optimizer, {**parts, "message_hub": {}, "meta": meta}


@holds
def resumed_checkpoints(folder: Path, draw: Any) -> None:
    """What training goes on from has the weights and the optimizer of its network."""
    model, optimizer, whole = _trained()
    path = folder / "epoch_2.pth"
    torch.save(whole, folder / "epoch_1.pth")
    _saved(path, draw, whole)
    (folder / "last_checkpoint").write_bytes(draw(broken_bytes(str(path).encode())))
    with refused():
        found, _ = newest_whole(folder, model)  # which is newer, they say themselves
        check_resumed(str(found), model)
        check_optimizer(found, SimpleNamespace(state_dict=optimizer.state_dict))
    with refused():
        check_resumed(str(path), model)
        content = torch.load(path, weights_only=True)
        nn.Linear(3, 2).load_state_dict(content["state_dict"])


@holds
def configs(folder: Path, draw: Any) -> None:
    """A config that can be loaded has a model."""
    model = {"type": "TopdownPoseEstimator", "head": {"type": "HeatmapHead"}}
    whole = {"model": model, "test_dataloader": {"dataset": {"type": "MpiiDataset"}}, "a": [1]}
    kind = draw(st.sampled_from(["json", "yaml", "py"]))
    path = folder / f"config.{kind}"
    if kind == "py":
        source = b"model = dict(type='A', head=dict(a=[1, 2]))\n_base_ = []\n"
        path.write_bytes(draw(broken_bytes(source)))
    else:
        path.write_bytes(draw(broken_json(whole)))
    with refused():
        assert load_config(path).model.type == "TopdownPoseEstimator"


HEAD = {
    **{"type": "HeatmapHead", "in_channels": 8, "out_channels": 16, "deconv_out_channels": None},
    "loss": {"type": "KeypointMSELoss", "use_target_weight": True},
    "decoder": dict(toys.HEATMAP_CODEC, input_size=[32, 32], heatmap_size=[8, 8]),
}
NETWORK = {
    "type": "TopdownPoseEstimator",
    "data_preprocessor": toys.PREPROCESSOR,
    "backbone": {"type": "ToyBackbone"},
    "head": HEAD,
    "test_cfg": {"flip_test": False, "flip_mode": "heatmap"},
}


METAINFO = {
    "dataset_name": "own",
    "keypoint_info": {
        0: {"name": "top", "id": 0, "color": [1, 2, 3], "type": "upper", "swap": ""},
        1: {"name": "left_hip", "id": 1, "color": [1, 2, 3], "type": "lower", "swap": "right_hip"},
        2: {"name": "right_hip", "id": 2, "color": [1, 2, 3], "type": "lower", "swap": "left_hip"},
    },
    "skeleton_info": {0: {"link": ["top", "left_hip"], "id": 0, "color": [1, 2, 3]}},
    "joint_weights": [1.0, 1.0, 1.5],
    "sigmas": [0.02, 0.1, 0.1],
}


@holds
def skeletons(folder: Path, draw: Any) -> None:
    """Joints that a config describes have groups, and bones between them."""
    dataset = {"type": "CocoDataset", "metainfo": METAINFO, "pipeline": []}
    whole = {"test_dataloader": {"dataset": dataset}}
    with refused():
        odd = draw(broken_document(whole, odd=st.sampled_from(TAME_VALUES)))
        found = dataset_meta(Config(odd if isinstance(odd, dict) else {}))
        known = Skeleton.from_metainfo(found)
        joints = range(len(known.joints))
        assert set(known.grouped) == set(joints) >= {*known.flip_indices}
        assert all(a in joints and b in joints for a, b, _ in known.bones)


@holds
def models(folder: Path, draw: Any) -> None:
    """A model that can be built knows its joints."""
    dataset = {"type": "MpiiDataset", "pipeline": [{"type": "LoadImage"}]}
    whole = {"model": NETWORK, "test_dataloader": {"dataset": dataset}, "load_from": None}
    odd = draw(broken_document(whole, odd=st.sampled_from(TAME_VALUES)))
    with refused():
        model = build_model(load_config(Config(odd if isinstance(odd, dict) else {"model": odd})))
        assert len(model.dataset_meta["flip_indices"]) == model.dataset_meta["num_keypoints"]
