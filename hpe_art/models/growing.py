"""Starts a deep stack of hourglasses from a trained shallow one, without changing what it says."""

from __future__ import annotations

import hpe_art.compat  # noqa: F401  (before mmengine loads a checkpoint)

import torch
from mmengine.registry import WEIGHT_INITIALIZERS
from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor, nn


@WEIGHT_INITIALIZERS.register_module()
class GrownInit:
    """Copies the stacks there are, and the last of them into each further one.

    The 1x1 convolutions that would carry its output into a further stack start at zero. So each
    further stack first repeats the last trained one on the same features, and the network first
    predicts what the shallow one did (function-preserving growth: Chen et al. 2016, Net2Net,
    arXiv:1511.05641). Training a grown network takes a fraction of the epochs from scratch.

    Goes with `StackedHourglass` and `DLCM`, whose parameters are named alike. Where a prediction
    has more maps than the trained one, the first are copied.

    Args:
        checkpoint: weights of a `StackedHourglass` of the same width and depth; a path, or a name
            with one of MMEngine's prefixes.

    Raises:
        ValueError: the checkpoint holds no stacks of that width and depth.

    Example:
        >>> backbone = dict(
        ...     type="StackedHourglass", num_stacks=8, channels=64,
        ...     init_cfg=dict(type="GrownInit", checkpoint="zoo://hourglass"))
    """

    def __init__(self, checkpoint: str) -> None:
        self.checkpoint = checkpoint

    def __call__(self, module: nn.Module) -> None:
        """Fills the backbone `module` in place."""
        loaded = CheckpointLoader.load_checkpoint(self.checkpoint, "cpu", logger="silent")
        weights = loaded.get("state_dict", loaded)
        trained = {name.removeprefix("backbone."): value for name, value in weights.items()}
        stacks = {int(name.split(".")[1]) for name in trained if name.startswith("hourglasses.")}
        with torch.no_grad():
            for name, value in module.state_dict().items():
                source = _source(name, max(stacks, default=0))
                if source in trained:
                    self._copy(name, value, trained[source])
                elif name.startswith("merge_"):
                    value.zero_()
                elif not name.startswith("recall."):
                    raise ValueError(
                        f"Expected {self.checkpoint} to hold a stacked hourglass of the same "
                        f"depth. Got no {source} in it."
                    )

    def _copy(self, name: str, value: Tensor, trained: Tensor) -> None:
        if value.shape == trained.shape:
            value.copy_(trained)
        elif name.startswith("predictions.") and value.shape[1:] == trained.shape[1:]:
            value[: len(trained)] = trained
        elif name.startswith("merge_heatmaps.") and len(value) == len(trained):
            value.zero_()
            value[:, : trained.shape[1]] = trained
        else:
            raise ValueError(
                f"Expected {self.checkpoint} to hold a stacked hourglass of the same width. "
                f"Got {name} of shape {tuple(trained.shape)} for {tuple(value.shape)}."
            )


def _source(name: str, last: int) -> str:
    """Name of the trained parameter that `name` starts as."""
    part, *rest = name.split(".")
    if part in ("hourglasses", "predictions"):
        rest[0] = str(min(int(rest[0]), last))
    return ".".join([part, *rest])
