"""Builds an MMPose model from a config and a checkpoint, with errors that a person can act on."""

from __future__ import annotations

import hpe_art.compat  # noqa: F401  (before mmpose)

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.runner.checkpoint import CheckpointLoader
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.registry import DATASETS, MODELS
from mmpose.utils import register_all_modules
from torch import Tensor, nn


class ModelError(ValueError):
    """A config or checkpoint cannot be used; the message names it and the mend."""


def load_config(config: str | Path | Config, options: dict[str, Any] | None = None) -> Config:
    """Reads a config and sees that it describes a top-down pose model.

    Args:
        config: path, or a config already read.
        options: `key=value` overrides, dotted keys.

    Raises:
        ModelError: no such file, not a config, or not a top-down pose model.
    """
    if not isinstance(config, Config):
        if not Path(config).is_file():
            raise ModelError(f"Expected a config file. Got {config}, which does not exist.")
        register_all_modules()
        try:
            config = Config.fromfile(config)
        except Exception as error:
            raise ModelError(f"Expected a config file. Got {config}: {error}") from error
    if options:
        config.merge_from_dict(options)
    kind = config.get("model", {}).get("type")
    if kind != "TopdownPoseEstimator":
        raise ModelError(
            f"Expected the config of a top-down pose model (TopdownPoseEstimator). Got {kind}."
        )
    return config


def build_model(cfg: Config, checkpoint: str | Path | None = None) -> nn.Module:
    """Builds the model of a config and loads its weights.

    Args:
        cfg: as `load_config` returns it.
        checkpoint: path, or a name with one of MMEngine's prefixes; default the config's
            `load_from`. Without either the weights are random.

    Returns:
        The model on the CPU, in eval mode, with MMPose's `dataset_meta`.

    Raises:
        ModelError: the checkpoint is missing, damaged, of another architecture, or would run
            code on loading (it is refused; nothing is run).
    """
    register_all_modules()
    model = MODELS.build(cfg.model)
    source = checkpoint or cfg.get("load_from")
    if source:
        _load_weights(model, str(source))
    model.dataset_meta = dataset_meta(cfg)
    return model.eval()


def dataset_meta(cfg: Config) -> dict[str, Any]:
    """MMPose's description of the joints of the config's test set."""
    dataset = cfg.test_dataloader.dataset
    given = dataset.get("metainfo") or DATASETS.get(dataset.type).METAINFO
    return parse_pose_metainfo(given)


def _load_weights(model: nn.Module, source: str) -> None:
    try:
        checkpoint = CheckpointLoader.load_checkpoint(source, map_location="cpu", logger="silent")
    except FileNotFoundError:
        raise ModelError(f"Expected a checkpoint. Got {source}, which does not exist.") from None
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"Expected a checkpoint of weights. Got {source}, which holds something that could "
            f"run code, or is damaged: it is refused and nothing was run "
            f"({_first_fact(error)}). Save the weights alone: torch.save(model.state_dict(), ...)."
        ) from None
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise ModelError(
            f"Expected a whole checkpoint. Got {source}, which cannot be read "
            f"({_first_fact(error)}). Copy or download it again."
        ) from None
    if not isinstance(checkpoint, Mapping):
        raise ModelError(f"Expected a checkpoint with weights. Got {type(checkpoint)} in {source}.")
    weights = checkpoint.get("state_dict", checkpoint)
    weights = {name.removeprefix("module."): value for name, value in weights.items()}
    _check_architecture(model, weights, source)
    model.load_state_dict(weights)


def _first_fact(error: Exception) -> str:
    """The telling line of torch's long messages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if "GLOBAL" in line or "Unsupported" in line]
    return (telling or lines or [type(error).__name__])[0][:160]


def _check_architecture(model: nn.Module, weights: Mapping[str, Any], source: str) -> None:
    own = model.state_dict()
    missing = [name for name in own if name not in weights]
    unknown = [name for name in weights if name not in own]
    reshaped = [
        f"{name} {tuple(weights[name].shape)} for {tuple(value.shape)}"
        for name, value in own.items()
        if isinstance(weights.get(name), Tensor) and weights[name].shape != value.shape
    ]
    parts = [("missing", missing), ("unknown", unknown), ("of another shape", reshaped)]
    faults = [f"{len(names)} {what} (first: {names[0]})" for what, names in parts if names]
    if faults:
        raise ModelError(
            f"Expected weights of this config's model. Got {source}, which is of another "
            f"architecture: {'; '.join(faults)}. Name the config that it was trained from."
        )
