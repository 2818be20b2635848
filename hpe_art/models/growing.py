"""Starts a deep stack of hourglasses from a trained shallow one, without changing what it says."""

from __future__ import annotations

import hpe_art.compat  # noqa: F401  (before mmengine loads a checkpoint)

import torch
from mmengine.registry import WEIGHT_INITIALIZERS
from torch import Tensor, nn

from hpe_art.checkpoints import read_weights


@WEIGHT_INITIALIZERS.register_module()
class GrownInit:
    """Each stack starts as a trained one; further stacks start as the last trained one.

    The 1x1 convolutions that would carry its output into a further stack start at zero. So each
    further stack first repeats the trained one on the same features, and the network first
    predicts what the shallow one did (function-preserving growth: Chen et al. 2016, Net2Net,
    arXiv:1511.05641). Training a grown network takes a fraction of the epochs from scratch.

    Goes with `StackedHourglass`; with `DLCM`, whose parameters have the same names; and with
    `AttentionHourglass`, whose stacks with and without part attention grow each from their own.
    Where a prediction has more maps than the trained one, the first are copied.

    Args:
        checkpoint: weights of a shallower network of the same width and depth (for `DLCM`, of a
            `StackedHourglass`); a path, or a name with one of MMEngine's prefixes.
    Raises:
        ValueError: the checkpoint holds no stacks of that width and depth, or more than there are
            to fill.
    Example:
        >>> backbone = dict(
        ...     type="StackedHourglass", num_stacks=8, channels=64,
        ...     init_cfg=dict(type="GrownInit", checkpoint="zoo://hourglass"))
    """

    def __init__(self, checkpoint: str) -> None:
        self.checkpoint = checkpoint

    def __call__(self, module: nn.Module) -> None:
        """Fills the backbone `module` in place."""
        weights = read_weights(self.checkpoint)
        trained = {name.removeprefix("backbone."): value for name, value in weights.items()}
        deep, shallow = _parts(module.state_dict()), _parts(trained)
        if len(shallow) > len(deep):
            raise ValueError(
                f"Expected {self.checkpoint} to hold at most {len(deep)} stacks. "
                f"Got {len(shallow)}."
            )
        sources = _sources(deep, shallow)
        with torch.no_grad():
            for name, value in module.state_dict().items():
                source = _source(name, sources)
                if source in trained:
                    self._copy(name, value, trained[source])
                elif name.startswith("merge_"):
                    value.zero_()
                elif not name.startswith("recall."):
                    raise ValueError(
                        f"Expected {self.checkpoint} to hold a network of the same kind and "
                        f"depth. Got no {source or name} in it."
                    )

    def _copy(self, name: str, value: Tensor, trained: Tensor) -> None:
        if value.shape == trained.shape:
            value.copy_(trained)
        elif _is_part(trained, value, 0) and name.startswith("predictions."):
            value[: len(trained)] = trained
        elif _is_part(trained, value, 1) and name.startswith("merge_heatmaps."):
            value.zero_()
            value[:, : trained.shape[1]] = trained
        else:
            raise ValueError(
                f"Expected {self.checkpoint} to hold a network of the same kind and width. "
                f"Got {name} of shape {tuple(trained.shape)} for {tuple(value.shape)}."
            )


def _is_part(one: Tensor, other: Tensor, axis: int) -> bool:
    """Whether they differ only in that `one` is shorter along an axis."""
    shapes = [list(one.shape), list(other.shape)]
    return shapes[0].pop(axis) < shapes[1].pop(axis) and shapes[0] == shapes[1]


def _parts(weights: dict[str, Tensor]) -> list[bool]:
    """For each stack whether it has part attention."""
    count = len({n.split(".")[1] for n in weights if n.startswith(("hourglasses.", "stacks."))})
    return [f"stacks.{n}.predict.attention.kernel.weight" in weights for n in range(count)]


def _sources(deep: list[bool], shallow: list[bool]) -> list[int]:
    """For each deep stack the number of the shallow one, of the same kind, that it starts as."""
    sources = []
    for number, kind in enumerate(deep):
        alike = [other for other, its in enumerate(shallow) if its == kind] or [0]
        sources.append(alike[min(deep[:number].count(kind), len(alike) - 1)])
    return sources


def _source(name: str, sources: list[int]) -> str | None:
    """Name of the trained parameter that `name` starts as; None for a way to a repeated stack."""
    part, *rest = name.split(".")
    if part not in ("hourglasses", "predictions", "stacks", "merge_features", "merge_heatmaps"):
        return name
    number = int(rest[0])
    if part.startswith("merge_") and sources[number + 1] == sources[number]:
        return None
    return ".".join([part, str(sources[number]), *rest[1:]])
