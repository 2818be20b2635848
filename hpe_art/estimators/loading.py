"""Builds an MMPose model from a config and a checkpoint, with errors that a person can act on."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import hpe_art.compat  # noqa: F401  (before mmpose)

import torch
from mmengine.config import Config
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.models import TopdownPoseEstimator
from mmpose.registry import DATASETS, KEYPOINT_CODECS, MODELS
from mmpose.utils import register_all_modules
from torch import nn

from hpe_art.checkpoints import check_types, read_weights
from hpe_art.configs import find_config, merge_options, read_config
from hpe_art.errors import ModelError, usable
from hpe_art.skeleton import converted_metainfo

BUILDABLE = "a model that MMPose can build"
FITTING = "a network whose parts fit each other"
KNOWN_SET = "a config whose test_dataloader.dataset is one of MMPose's"
HEADS_3D = {"InternetHead"}
"""Of `TopdownPoseEstimator`s whose predictions are not in the image's plane."""
OLD_SCOPE, NEW_SCOPE = "mmcls.", "mmpretrain."
"""What two of MMPose's configs call the package that was renamed."""


def load_config(config: str | Path | Config, options: dict[str, Any] | None = None) -> Config:
    """Reads a config and sees that it describes a top-down pose model.

    Args:
        config: path or name (`find_config`), or a config already read.
        options: overrides, dotted keys.
    Raises:
        UserError: neither a path nor the name of a config.
        ModelError: no such file, not a config, or not a top-down pose model.
    """
    register_all_modules()
    if not isinstance(config, Config):
        config = find_config(config)
        if not config.is_file():
            raise ModelError(f"Expected a config file. Got {config}, which does not exist.")
        with usable(f"{config} to be a config file", ModelError):
            config = read_config(config)
    try:
        if options:
            config = copy.deepcopy(config)  # the caller's stays as it is
            merge_options(config, options)
    except (AttributeError, AssertionError, KeyError, TypeError, IndexError) as error:
        expected = "Expected overrides that fit the config."
        raise ModelError(f"{expected} Got {options}: {error}.") from error
    model = config.get("model")
    kind = model.get("type") if isinstance(model, dict) else model
    known = MODELS.get(kind) if isinstance(kind, str) and kind else kind
    if not (isinstance(known, type) and issubclass(known, TopdownPoseEstimator)):
        raise ModelError(
            "Expected the config of a top-down pose model (TopdownPoseEstimator). "
            f"Got {getattr(kind, '__name__', 'an empty text' if kind == '' else kind)}."
        )
    if (head := _kind(model, "head")) in HEADS_3D:
        raise ModelError(f"Expected a model of 2D poses. Got {head}, whose joints have a depth.")
    if (backbone := _kind(model, "backbone")).startswith(OLD_SCOPE):
        config = copy.deepcopy(config)
        config.model.backbone.type = backbone.replace(OLD_SCOPE, NEW_SCOPE, 1)
    return config


def _kind(model: Mapping[str, Any], name: str) -> str:
    """The type of a part of a model; empty if there is none."""
    part = model.get(name)
    return _name(part.get("type")) if isinstance(part, Mapping) else ""


@torch.inference_mode(False)  # weights made in it have no way back for gradients
def build_model(cfg: Config, checkpoint: str | Path | None = None) -> nn.Module:
    """Builds the model of a config and loads its weights.

    Args:
        cfg: as `load_config` returns it.
        checkpoint: path, URL, or a name with another of MMEngine's prefixes; default the
            config's `load_from`. Without either the weights are random.
    Returns:
        The model on the CPU, in eval mode, with MMPose's `dataset_meta`.
    Raises:
        ModelError: the model cannot be built, or the checkpoint cannot be used (`load_weights`).
    """
    register_all_modules()
    with usable(BUILDABLE, ModelError):
        model = MODELS.build(cfg.model)
    source = checkpoint or cfg.get("load_from")
    if source:
        load_weights(model, str(source))
    with usable(BUILDABLE, ModelError):
        if levels := _level_codecs(cfg):
            model.head.level_codecs = [KEYPOINT_CODECS.build(level) for level in levels]
    model.dataset_meta = dataset_meta(cfg)
    return model.eval()


def dataset_of(cfg: Config, loader: str) -> Mapping[str, Any]:
    """The config of the people of a dataloader, by its name in a config; empty if there is none."""
    part = cfg.get(loader)
    found = part.get("dataset") if isinstance(part, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _level_codecs(cfg: Config) -> list[Any]:
    """The codecs by which a head's levels are trained, where each has its own."""
    pipeline = dataset_of(cfg, "train_dataloader").get("pipeline") or ()
    steps = [step for step in pipeline if isinstance(step, Mapping)]  # or functions
    several: list[Any] = [step.get("encoder") for step in steps if step.get("multilevel")]
    return several[-1] if several else []


def dataset_meta(cfg: Config) -> dict[str, Any]:
    """MMPose's description of the joints of the config's test set.

    Raises:
        ModelError: the config has no test set, or MMPose does not know its kind.
    """
    with usable(KNOWN_SET, ModelError):
        return _dataset_meta(dataset_of(cfg, "test_dataloader"))


def _dataset_meta(dataset: Any) -> dict[str, Any]:
    kind = dataset.get("type")
    known: Any = DATASETS.get(kind) if isinstance(kind, str) else kind
    if given := dataset.get("metainfo"):
        return parse_pose_metainfo(given)
    if not hasattr(known, "METAINFO"):
        raise ModelError(f"Expected {KNOWN_SET}. Got {kind}.")
    # The constructor says, where a set has several kinds of people, or of clothes.
    settings = {**dataset, "pipeline": [], "lazy_init": True}
    try:
        found = dict(DATASETS.build(settings).metainfo)
    except Exception as error:  # whatever the constructor of a user's set raises
        # What it does not take is said where its people are loaded.
        if not (isinstance(error, TypeError) and known.METAINFO):
            raise ModelError(
                "Expected a test set with metainfo. "
                f"Got {type(error).__name__} from {_name(kind)}: {error}."
            ) from error
        found = parse_pose_metainfo(known.METAINFO)
    for step in dataset.get("pipeline") or ():
        if isinstance(step, Mapping) and _name(step.get("type")) == "KeypointConverter":
            found = converted_metainfo(found, step["mapping"], step["num_keypoints"])
    return found


def _name(kind: Any) -> str:
    return kind if isinstance(kind, str) else str(getattr(kind, "__name__", ""))


def load_weights(model: nn.Module, source: str) -> None:
    """Loads the weights of a checkpoint, which has to have all of them, into a built model.

    `source` is what `read_weights` takes; other floating types become the model's.

    Raises:
        ModelError: as from `read_weights`, or the checkpoint is of another architecture.
    """
    weights = read_weights(source)
    check_types(model.state_dict(), weights, source)
    try:
        # MMPose renames old weights while it loads them, so the names are compared afterwards.
        model.load_state_dict(weights)
    except RuntimeError as error:
        what = _differences(model, weights) or " ".join(str(error).split())
        raise ModelError(
            f"Expected weights of this config's model. Got {source}, which is of another "
            f"architecture: {what}. Name the config that it was trained from."
        ) from None


def _differences(model: nn.Module, weights: Mapping[str, Any]) -> str:
    own = model.state_dict()
    missing = [name for name in own if name not in weights]
    unknown = [name for name in weights if name not in own]
    given = {name: getattr(weights.get(name), "shape", None) for name in own}
    reshaped = [
        f"{name} {given[name]} for {value.shape}"
        for name, value in own.items()
        if name in weights and given[name] != value.shape
    ]
    parts = [("missing", missing), ("unknown", unknown), ("of another shape", reshaped)]
    return "; ".join(f"{len(names)} {what} (first: {names[0]})" for what, names in parts if names)
