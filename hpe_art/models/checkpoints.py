"""What a checkpoint holds, and what of a network it lacks."""

from __future__ import annotations

import pickle

import hpe_art.compat  # noqa: F401  (before mmengine loads a checkpoint)

from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor, nn


def read_weights(checkpoint: str) -> dict[str, Tensor]:
    """The state dict of a checkpoint: a path, or a name with one of MMEngine's prefixes.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it cannot be read, or holds more than weights.
    """
    try:
        loaded = CheckpointLoader.load_checkpoint(checkpoint, "cpu", logger="silent")
        weights: dict[str, Tensor] = loaded.get("state_dict", loaded)
        return {name.removeprefix("module."): value for name, value in weights.items()}
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, AttributeError) as error:
        raise ValueError(
            f"Expected a whole checkpoint of weights alone. Got {checkpoint}, which cannot be read "
            f"({type(error).__name__})."
        ) from error


def check_backbone(backbone: nn.Module, weights: dict[str, Tensor], source: str) -> None:
    """Sees that the state dict of a whole model, from `source`, fills its backbone.

    Raises:
        ValueError: some are missing or have other shapes.
    """
    wanted = {f"backbone.{name}": value.shape for name, value in backbone.state_dict().items()}
    unfit = [n for n, shape in wanted.items() if n not in weights or weights[n].shape != shape]
    if unfit:
        raise ValueError(
            f"Expected {source} to hold all {len(wanted)} weights of the backbone, a "
            f"{type(backbone).__name__}. Got {len(wanted) - len(unfit)} of them; {unfit[0]} is "
            "missing, or of another shape."
        )
