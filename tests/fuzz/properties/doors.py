"""Whole commands on configs that are broken: they end with 0, or with 2 and a line."""

from __future__ import annotations

import contextlib
import json
import tempfile
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from fuzz.holding import LONGEST, holds, refused, silent
from fuzz.mutations import TAME_VALUES, broken_document
from fuzz.properties.networks import HEAD, NETWORK
from fuzz.properties.people import STEPS, mpii, mpii_set
from hypothesis import strategies as st
from mmengine.config import Config

from hpe_art.data.people import load_people
from hpe_art.data.photographs import crop_photograph, read_photograph
from hpe_art.estimators.loading import build_model, dataset_meta, load_config

TAME = st.sampled_from(TAME_VALUES)
FEW = ["--num-samples", "2"]
COMMANDS = {
    "attack": ["--attack", "igsm", "--max-iter", "1", *FEW],
    "corruptions": ["--corruptions", "gaussian_noise", "--severities", "1", *FEW],
    "certify": ["--copies", "60", "--confidence", "0.9", "--eps", *FEW],
    "card": ["--plan", *FEW],
    "study": ["--plan", "--quick"],
    "demo": ["--max-iter", "1"],
    "train": [],
}


def _loader(split: str, **more: Any) -> dict[str, Any]:
    root, targets = mpii()[0], {"type": "GenerateTarget", "encoder": HEAD["decoder"]}
    steps = [*STEPS[:-1], *([targets] if split == "train" else []), STEPS[-1]]
    dataset = {
        **{"type": "MpiiDataset", "ann_file": str(root / f"annotations/mpii_{split}.json")},
        **{"data_prefix": {"img": f"{root}/images/"}, "pipeline": steps, **more},
    }
    sampler = {"type": "DefaultSampler", "shuffle": split == "train"}
    return {"batch_size": 3, "num_workers": 0, "sampler": sampler, "dataset": dataset}


@cache
def _network() -> dict[str, Any]:
    """A config with weights, over the small folder."""
    boxes = str(mpii()[0] / "annotations/mpii_gt_val.mat")
    weights = Path(tempfile.mkdtemp(), "net.pth")
    judged = {"test_mode": True, "headbox_file": boxes}
    whole = {
        "default_scope": "mmpose",
        "model": NETWORK,
        "train_dataloader": _loader("train"),
        "val_dataloader": _loader("val", **judged),
        "test_dataloader": _loader("val", **judged),
        "val_evaluator": {"type": "MpiiPCKAccuracy"},
        "test_evaluator": {"type": "MpiiPCKAccuracy"},
        "train_cfg": {"by_epoch": True, "max_epochs": 1, "val_interval": 1},
        "val_cfg": {},
        "test_cfg": {},
        "optim_wrapper": {"optimizer": {"type": "AdamW", "lr": 0.001}},
        "load_from": str(weights),
    }
    whole = json.loads(json.dumps(whole))  # nothing in it twice
    torch.save(build_model(load_config(Config({**whole, "load_from": None}))).state_dict(), weights)
    return whole


@holds
def pipelines(folder: Path, draw: Any) -> None:
    """A pipeline that crops people gives crops of one shape, and of a photograph too."""
    path = folder / "a.png"
    cv2.imwrite(str(path), np.zeros((40, 50, 3), np.uint8))
    steps = draw(broken_document(STEPS, odd=TAME))
    cfg = mpii_set(mpii()[0] / "annotations/mpii_val.json")
    cfg.test_dataloader.dataset.pipeline = steps
    with refused():
        found = load_people(cfg, 2)
        assert np.isfinite(found.y).all() and found.x[:].ndim == 4
    with refused():
        crop = crop_photograph(read_photograph(path), cfg, dataset_meta(cfg))
        assert crop.x.shape[0] == 3 and np.isfinite(crop.matrix).all()


@holds
def doors(folder: Path, draw: Any) -> None:
    """A command that is given a broken config ends with 0, or with 2 and a line."""
    name = draw(st.sampled_from(sorted(COMMANDS)))
    odd = draw(broken_document(_network(), odd=TAME))
    (folder / "net.json").write_text(json.dumps(odd))
    cv2.imwrite(str(folder / "a.png"), np.zeros((40, 50, 3), np.uint8))
    usual = {"demo": ["a.png", "--config", "net.json"], "study": ["--configs", "net.json"]}
    words = [*usual.get(name, ["net.json"]), *COMMANDS[name]]
    main = import_module(f"hpe_art.commands.{name}").main
    with silent() as said, contextlib.chdir(folder):
        code = main(words)
    line = said.getvalue().strip().rpartition("\n")[2]
    assert code in (0, 2), said.getvalue()[-LONGEST:]
    assert code == 0 or (": error: Expected" in line and len(line) < LONGEST), line[:LONGEST]
