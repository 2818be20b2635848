"""What one family of MMPose heads puts out, seen from an attack: its loss, flip and decoding.

Shapes: N images, K joints. The adaptors read the head's own codec and loss modules; they do not
change the head.

To attack another family of heads, write a `HeadAdaptor` and register it in `HEADS` under the name
of its codec, or of the head where its outputs are not what the codec suggests.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from mmengine.registry import Registry
from torch import Tensor, nn

HEADS = Registry("head adaptor", scope="hpe_art")
ANY_OTHER = "any other head"
"""Name of the adaptor of heads that are registered neither themselves nor by their codec."""


class Part(NamedTuple):
    """What an output says of each place: of the cells of heatmaps, or along one axis.

    Attributes:
        values: (N, K, L), so scaled that peaks are about 1; the joint is put at the largest.
        places: (L, D), in crop pixels, or (N, K, L, D) where they are of each joint's own.
        axes: which of x and y the D are.
    """

    values: Tensor
    places: Tensor
    axes: slice = slice(0, 2)


class HeadAdaptor(ABC):
    """One output of a head: how it is flipped, decoded, and compared with poses."""

    has_cells = False
    """Whether outputs are distributions over places; then `parts` gives them."""
    flat_at_own_predictions = False
    """Whether encoding what was decoded gives the output itself, where a loss has its minimum."""
    keeps_nothing = True
    """Whether nothing of a pass stays on it, so that several threads may use it at once."""

    def __init__(self, head: nn.Module) -> None:
        self.codec: Any = head.decoder
        self.loss_module: Any = getattr(head, "loss_module", None)
        self._attack_targets: Any = getattr(head, "attack_targets", None)
        self._output_flip_indices: Any = getattr(head, "output_flip_indices", None)
        # MSPN and RSN train each level towards Gaussians of its own size, which the config knows.
        self._levels = list(getattr(head, "level_indices", None) or ())
        self._level_codecs: list[Any] = list(getattr(head, "level_codecs", None) or ())
        known = self._attack_targets is not None or bool(self._level_codecs)
        self.only_last = not known and len(set(self._levels)) > 1

    @property
    def input_size(self) -> tuple[int, int]:
        """(W, H) of the crops."""
        width, height = self.codec.input_size
        return int(width), int(height)

    def outputs(self, raw: Any) -> list[Tensor]:
        """What the head puts out, as one tensor (N, K, ...) for each output; the last is scored."""
        return list(raw) if isinstance(raw, (list, tuple)) else [raw]

    @abstractmethod
    def unflip(self, output: Tensor, flip_indices: list[int], test_cfg: dict[str, Any]) -> Tensor:
        """The output for a mirrored image, brought back to the frame of the image itself."""

    def joined(
        self, own: list[Tensor], mirrored: list[Tensor], joints: list[int], test_cfg: dict[str, Any]
    ) -> list[Tensor]:
        """The outputs for images and for their mirrors as those that are scored: their mean."""
        return [
            (one + self.unflip(other, self.flip_indices(i, joints), test_cfg)) * 0.5
            for i, (one, other) in enumerate(zip(own, mirrored, strict=True))
        ]

    def chosen(self, output: Tensor, joints: list[int]) -> Tensor:
        """Of some joints only, where a model does not put out all (`output_keypoint_indices`)."""
        return output[:, joints]

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
        """How far each joint lies from y, in crop pixels, with the gradient of `decode`: (N, K).

        Rounded off below a pixel, so that there is a gradient at 0.
        """
        points = self.decode(output)[..., :2]
        return ((points - y[..., :2]).square().sum(-1) + 1).sqrt() - 1

    def parts(self, output: Tensor) -> list[Part]:
        """What the output says of each place; none, as here, for outputs that are coordinates."""
        return []

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


def unflipped_maps(maps: Tensor, flip_indices: list[int], test_cfg: dict[str, Any]) -> Tensor:
    """Maps (N, K, ..., W) for a mirrored image, brought back, as MMPose's `flip_heatmaps`."""
    maps = maps.index_select(1, index_tensor(tuple(flip_indices), maps.device)).flip(-1)
    if test_cfg.get("shift_heatmap", False):
        maps = torch.cat([maps[..., :1], maps[..., :-1]], dim=-1)
    return maps


def check_flip_mode(test_cfg: dict[str, Any], expected: str) -> None:
    """Raises a ValueError unless the config flips as these outputs want to be."""
    mode = test_cfg.get("flip_mode", "heatmap")
    if mode != expected:
        raise ValueError(f"Expected flip_mode {expected!r}. Got {mode!r}.")


def loss_per_image(module: nn.Module, output: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Any MMPose loss module, image by image: (N,). Exact, but N calls."""
    images = zip(output.split(1), target.split(1), weights.split(1), strict=True)
    return torch.stack([module(*image) for image in images])


def head_adaptor(head: nn.Module) -> HeadAdaptor:
    """The adaptor of an MMPose head.

    That registered for the head itself, for a class it is derived from, or for its codec; and for
    all other heads, as well as those with a `predict` or `loss` of their own, the generic one.

    Raises:
        ValueError: no adaptor for this head, which lacks a codec, or `predict` and `loss` (the
            message lists the names there are ones for).
    """
    head = pose_head(head)
    codec = getattr(head, "decoder", None)
    name = type(codec).__name__ + (" of offsets" if _has_offsets(codec) else "")
    known = HEADS.module_dict
    adaptor = known.get(type(head).__name__)
    if adaptor is None and hasattr(head, "loss_module") and not _has_own_code(head):
        parents = [known[kind.__name__] for kind in type(head).__mro__ if kind.__name__ in known]
        adaptor = parents[0] if parents else known.get(name)
    methods = (getattr(head, method, None) for method in ("predict", "loss"))
    if adaptor is None and codec is not None and all(map(callable, methods)):
        adaptor = known[ANY_OTHER]
    if adaptor is None:
        raise ValueError(
            "Expected a head with a decoder, predict() and loss(), as MMPose's have, or one of the "
            f"heads or codecs {', '.join(sorted(set(known) - {ANY_OTHER}))}. "
            f"Got {type(head).__name__} with {name}: "
            "register a HeadAdaptor for it in hpe_art.estimators.heads.HEADS."
        )
    found: HeadAdaptor = adaptor(head)
    return found


def _has_own_code(head: nn.Module) -> bool:
    """Whether a head predicts, or is trained, by code that is neither MMPose's nor ours."""
    if hasattr(head, "attack_targets"):  # made for us
        return False
    methods = [getattr(type(head), name, None) for name in ("predict", "loss")]
    packages = [method.__module__.partition(".")[0] for method in methods if method]
    return not {"mmpose", "hpe_art"}.issuperset(packages)


def pose_head(head: nn.Module) -> nn.Module:
    """The head of the pose, where another says which joints can be seen (`VisPredictHead`).

    Only the pose is scored, so only the pose is attacked.
    """
    found: nn.Module = getattr(head, "pose_head", head)
    return found


def _has_offsets(codec: Any) -> bool:
    return getattr(codec, "heatmap_type", "gaussian") == "combined"


@lru_cache
def index_tensor(joints: tuple[int, ...], device: torch.device) -> Tensor:
    """On the device once: a list would be sent there in each pass, which waits for it."""
    with torch.inference_mode(False):
        return torch.tensor(joints, device=device)
