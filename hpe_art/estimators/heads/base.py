"""What one family of MMPose heads puts out, seen from an attack: its loss, flip and decoding.

Shapes: N images, K joints. The adaptors read the head's own codec and loss modules; they do not
change the head.

To attack another family of heads, write a `HeadAdaptor` and register it in `HEADS` under the name
of its codec, or of the head where its outputs are not what the codec suggests.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import lru_cache
from typing import Any

import torch
from mmengine.registry import Registry
from torch import Tensor, nn

HEADS = Registry("head adaptor", scope="hpe_art")

# They have the codec of plain coordinates, and put out deviations or heatmaps beside them.
_WITH_MORE_THAN_COORDINATES = ("RLEHead", "IntegralRegressionHead", "DSNTHead")


class HeadAdaptor(ABC):
    """One output of a head: how it is flipped, decoded, and compared with poses."""

    has_cells = False
    """Whether outputs are heatmaps; then `cells` says where theirs are."""
    flat_at_own_predictions = False
    """Whether encoding what was decoded gives the output itself, where a loss has its minimum."""

    def __init__(self, head: nn.Module) -> None:
        self.codec: Any = head.decoder
        self.loss_module: Any = head.loss_module
        self._attack_targets: Any = getattr(head, "attack_targets", None)
        self._output_flip_indices: Any = getattr(head, "output_flip_indices", None)
        levels = getattr(head, "level_indices", None) or ()
        # MSPN and RSN train each level towards Gaussians of its own size.
        self.only_last = self._attack_targets is None and len(set(levels)) > 1

    @abstractmethod
    def unflip(self, output: Tensor, flip_indices: list[int], test_cfg: dict[str, Any]) -> Tensor:
        """The output for a mirrored image, brought back to the frame of the image itself."""

    @abstractmethod
    def decode(self, output: Tensor) -> Tensor:
        """The output as poses (N, K, 3): x, y in crop pixels, score."""

    @abstractmethod
    def encode(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Poses (N, K, 3) as the target of an output, and the weight (N, K) of each joint."""

    @abstractmethod
    def loss(self, index: int, output: Tensor, target: tuple[Tensor, Tensor]) -> Tensor:
        """The head's own training loss of output number `index`, per image: (N,)."""

    def distances(self, output: Tensor, y: Tensor) -> Tensor:
        """How far each joint lies from y, in crop pixels, with a gradient: (N, K).

        Only `PoseClassifierView` and the loss "distance" need it.
        """
        raise NotImplementedError(
            f"Expected an adaptor with distances(output, y). Got {type(self).__name__}: add it."
        )

    def cells(self, output: Tensor) -> Tensor | None:
        """Where the cells of heatmaps are, (H * W, 2) in crop pixels, row by row.

        None, as here, for outputs that are coordinates.
        """
        return None

    def targets(self, y: Tensor, count: int) -> list[tuple[Tensor, Tensor]]:
        """What each of `count` outputs is trained towards: its target and weights.

        The same for all, unless the head says otherwise: `attack_targets(y)` of a head gives one
        (target, weights) for each of its outputs.
        """
        if self._attack_targets is None:
            return [self.encode(y)] * count
        targets = list(self._attack_targets(y))
        if len(targets) != count:
            raise ValueError(
                f"Expected attack_targets of the head to give {count} targets, one for each "
                f"output. Got {len(targets)}."
            )
        return targets

    def flip_indices(self, index: int, joints: list[int]) -> list[int]:
        """Which channel of output number `index` is the mirror of which.

        That of the dataset's joints, unless the head has `output_flip_indices`, a list for each
        output.
        """
        return joints if self._output_flip_indices is None else self._output_flip_indices[index]

    def module(self, index: int) -> Any:
        """The loss module of output number `index`; heads have one, or one for each."""
        modules = self.loss_module
        return modules[index] if isinstance(modules, nn.ModuleList) else modules


def loss_per_image(module: nn.Module, output: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Any MMPose loss module, image by image: (N,). Exact, but N calls."""
    images = zip(output.split(1), target.split(1), weights.split(1), strict=True)
    return torch.stack([module(*image) for image in images])


def head_adaptor(head: nn.Module) -> HeadAdaptor:
    """The adaptor of an MMPose head: that registered for the head itself, else for its codec.

    Raises:
        ValueError: no adaptor for this head (the message lists the names there are ones for).
    """
    codec = getattr(head, "decoder", None)
    own, name = type(head).__name__, type(codec).__name__
    combined = getattr(codec, "heatmap_type", "gaussian") == "combined"
    known = HEADS.module_dict
    by_codec = None if combined or own in _WITH_MORE_THAN_COORDINATES else known.get(name)
    adaptor = known.get(own, by_codec)
    if adaptor is None or not hasattr(head, "loss_module"):
        raise ValueError(
            f"Expected a head of heatmaps or of plain coordinates, with a codec out of "
            f"{sorted(known)}. "
            f"Got {own} with {name}{' of offsets' if combined else ''}: "
            "register a HeadAdaptor for it in hpe_art.estimators.heads.HEADS."
        )
    found: HeadAdaptor = adaptor(head)
    return found


@lru_cache
def index_tensor(joints: tuple[int, ...], device: torch.device) -> Tensor:
    """On the device once: a list would be sent there in each pass, which waits for it."""
    with torch.inference_mode(False):
        return torch.tensor(joints, device=device)
