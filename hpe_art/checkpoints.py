"""The one reader of checkpoints: what they hold of a model, if it can be trusted."""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import hpe_art.compat  # noqa: F401  (before mmengine loads a checkpoint)

import torch
from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor, nn

from hpe_art import zoo
from hpe_art.errors import ModelError

WEIGHTS = "weights:"
"""Before the name of a checkpoint: MMEngine gets its weights alone, whatever its format."""

EMA = "ema_state_dict"
"""Of MMEngine's EMAHook, which puts the mean into "state_dict" and what was trained in here."""

CONTAINERS = ("state_dict", "model", EMA)
"""Under which name weights are kept; the first that is there counts, as in MMPose's tools.

Under another name they are found where nothing else could be meant."""

WRAPPERS = re.compile(r"^(module\.|_orig_mod\.)+|(?<=\.)_orig_mod\.")
"""What parallel training and torch.compile, also of a part, put into the names of weights."""


def read_weights(source: str) -> dict[str, Tensor]:
    """The weights and buffers of a checkpoint by their names in the model, on the CPU.

    Args:
        source: path, http or https URL, or a name with another of MMEngine's prefixes.
    Raises:
        ModelError: it is missing, cannot be reached, is damaged, holds no weights or some that are
            not finite in float32, or would run code on loading (it is refused; nothing is run).
    """
    weights = load_file(source)
    if isinstance(weights, dict):
        inner = [name for name, value in weights.items() if isinstance(value, Mapping)]
        flat = any(isinstance(value, Tensor) for value in weights.values())
        alone = inner[0] if len(inner) == 1 and not flat else None
        kept = next((name for name in CONTAINERS if name in weights), alone)
        weights = weights[kept] if kept else weights
        if kept == EMA and isinstance(weights, Mapping):
            weights = {name: value for name, value in weights.items() if name != "steps"}
    if not isinstance(weights, Mapping):
        raise ModelError(
            f"Expected a checkpoint with weights. Got a {type(weights).__name__} in {source}."
        )
    weights = {WRAPPERS.sub("", str(name)): value for name, value in weights.items()}
    for name, value in weights.items():
        _check_finite(name, value, source)
    return weights


def load_file(source: str) -> Any:
    """What a checkpoint holds, on the CPU; ModelError as for `read_weights`."""
    try:
        return CheckpointLoader.load_checkpoint(source, map_location="cpu", logger="silent")
    except zoo.ZooError as error:
        raise ModelError(str(error)) from None
    except FileNotFoundError:
        fault = "is a folder" if Path(source).is_dir() else "does not exist"
        raise ModelError(
            f"Expected a checkpoint. Got {source}, which {fault}. Name another, or train the "
            "network with tools/train.py."
        ) from None
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"Expected a checkpoint of weights. Got {source}, which holds something that could "
            f"run code, or is damaged: it is refused and nothing was run "
            f"({_first_fact(error)}). Save the weights alone: torch.save(model.state_dict(), ...)."
        ) from None
    except Exception as error:  # whatever a damaged file, or one of MMEngine's prefixes, leads to
        remote, fact = source.startswith(("http://", "https://")), _first_fact(error)
        if remote and isinstance(error, OSError):
            raise ModelError(
                f"Expected a checkpoint. Got {source}, which cannot be reached ({fact}): download "
                "it and give its path."
            ) from None
        again = f"Remove its copy in {torch.hub.get_dir()}/checkpoints, and do it again."
        raise ModelError(
            f"Expected a whole checkpoint. Got {source}, which cannot be read ({fact}). "
            f"{again if remote else 'Copy or download it again.'}"
        ) from None


def _first_fact(error: Exception) -> str:
    """The telling line of torch's long messages."""
    lines = [line.strip(" <>") for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if "GLOBAL" in line or "Unsupported" in line]
    return (telling or lines or [type(error).__name__])[0][:160]


def count_not_finite(value: Any) -> int:
    """How many values of a weight or buffer are no finite numbers in float32, as models have it."""
    return int((~torch.isfinite(value.float())).sum()) if _is_floating(value) else 0


def _is_floating(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point()


def _check_finite(name: str, value: Any, source: str) -> None:
    if count := count_not_finite(value):
        raise ModelError(
            f"Expected finite weights. Got {name} with {count} values that are not numbers in "
            f"{source}: its training diverged, or it is damaged. Name an earlier checkpoint."
        )


def check_types(own: Mapping[str, Any], weights: Mapping[str, Any], source: str) -> None:
    """Sees that weights, from `source`, are floating where a model's own are.

    PyTorch would copy whole or complex numbers, such as the levels of a quantised network.

    Raises:
        ModelError: some are not.
    """
    for name, value in weights.items():
        if _is_floating(own.get(name)) and isinstance(value, Tensor) and not _is_floating(value):
            raise ModelError(
                f"Expected floating weights. Got {name} in {value.dtype} in {source}: save those "
                "of the network before it was quantised."
            )


def check_backbone(backbone: nn.Module, weights: dict[str, Tensor], source: str) -> None:
    """Sees that the state dict of a whole model, from `source`, fills its backbone.

    Raises:
        ModelError: some are missing, or have other shapes or types.
    """
    own = {f"backbone.{name}": value for name, value in backbone.state_dict().items()}
    check_types(own, weights, source)
    wanted = {name: value.shape for name, value in own.items()}
    unfit = [n for n, shape in wanted.items() if n not in weights or weights[n].shape != shape]
    if unfit:
        raise ModelError(
            f"Expected {source} to hold all {len(wanted)} weights of the backbone, a "
            f"{type(backbone).__name__}. Got {len(wanted) - len(unfit)} of them; {unfit[0]} is "
            "missing, or of another shape."
        )


@CheckpointLoader.register_scheme(prefixes=WEIGHTS, force=True)
def _weights_alone(filename: str, map_location: Any = None) -> dict[str, Any]:
    return {"state_dict": read_weights(filename.removeprefix(WEIGHTS))}
