"""The scored function: from pixels to the raw outputs that are decoded into poses.

What is attacked is what is scored, so this is the one way through a model, for predictions and
for gradients alike.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from hpe_art.estimators.heads import HeadAdaptor
from hpe_art.estimators.heads.base import pose_head

_LOCKS: WeakKeyDictionary[nn.Module, Any] = WeakKeyDictionary()
"""One for each model, whichever estimators and threads share it."""
if hasattr(os, "register_at_fork"):
    # Whoever held one when the process forked is not there to give it back.
    os.register_at_fork(after_in_child=_LOCKS.clear)


def scored_outputs(
    model: nn.Module,
    head: HeadAdaptor,
    pixels: Tensor,
    flip_test: bool,
    test_cfg: dict[str, Any],
    dtype: torch.dtype,
) -> list[Tensor]:
    """Raw outputs for pixels; the last is the scored one.

    Args:
        model: MMPose `TopdownPoseEstimator`.
        head: the adaptor of its head.
        pixels: (N, 3, H, W), 0 to 255, as its pipeline packs them.
        flip_test: average with the outputs for the mirrored image, brought back.
        test_cfg: the model's: how the mirrored heatmaps are brought back, and, where not all joints
            are put out, which (`output_keypoint_indices`).
        dtype: of the weights that the images meet first.
    """
    images = normalised(model, pixels).to(dtype)
    outputs = head.outputs(forward(model, images))
    if flip_test:
        meta: Any = getattr(model, "metainfo", None) or model.dataset_meta
        joints = list(meta["flip_indices"])
        mirrored = head.outputs(forward(model, images.flip(-1)))
        outputs = head.joined(outputs, mirrored, joints, test_cfg)
    chosen = test_cfg.get("output_keypoint_indices")
    return outputs if chosen is None else [head.chosen(one, list(chosen)) for one in outputs]


def forward(model: nn.Module, images: Tensor) -> Any:
    """What the head puts out for normalised images: tensors, in whatever structure."""
    # The faster format for convolutions; the weights keep theirs.
    images = images.contiguous(memory_format=torch.channels_last)
    raw = model(images, None, mode="tensor")
    head: Any = getattr(model, "head", model)
    return raw if pose_head(head) is head else raw[0]


def raw_outputs(model: nn.Module, images: Tensor) -> list[Tensor]:
    """The same as a plain list of all tensors."""
    return list(tree_leaves(forward(model, images)))


def normalised(model: nn.Module, pixels: Tensor) -> Tensor:
    """What MMPose's data preprocessor does, kept differentiable and in the dtype of the pixels."""
    preprocessor: Any = model.data_preprocessor
    if packs_bgr(model):
        pixels = pixels.flip(1)
    if getattr(preprocessor, "_enable_normalize", False):
        mean, std = preprocessor.mean.to(pixels), preprocessor.std.to(pixels)
        pixels = (pixels - mean) / std
    return pixels


def packs_bgr(model: nn.Module) -> bool:
    """Whether the model's pipeline packs blue first, as MMPose's `LoadImage` does by default."""
    return bool(getattr(model.data_preprocessor, "_channel_conversion", False))


def has_hooks(model: nn.Module) -> bool:
    """Whether a user's functions are called in its passes."""
    return any(
        one._forward_hooks
        or one._forward_pre_hooks
        or one._backward_hooks
        or one._backward_pre_hooks
        for one in model.modules()
    )


@contextmanager
def alone(model: nn.Module) -> Iterator[None]:
    """The model for this thread alone, outside of inference mode and autocast.

    Whether gradients are recorded stays as it is.
    """
    recorded, device = torch.is_grad_enabled(), next(model.parameters()).device.type
    with (
        _LOCKS.setdefault(model, RLock()),
        torch.inference_mode(False),
        torch.set_grad_enabled(recorded),
        torch.autocast(device, enabled=False),
    ):
        yield


@contextmanager
def eval_mode(model: nn.Module) -> Iterator[None]:
    """The model alone and in eval mode, and afterwards each module in the mode it was in."""
    with alone(model):
        modes = [(module, module.training) for module in model.modules()]
        try:
            model.eval()
            yield
        finally:
            for module, mode in modes:
                module.training = mode


@contextmanager
def frozen(model: nn.Module) -> Iterator[None]:
    """No weight asks for a gradient; what is computed meanwhile never gives it one.

    Other threads are to be kept out, by `eval_mode`.
    """
    asked = [parameter for parameter in model.parameters() if parameter.requires_grad]
    for parameter in asked:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in asked:
            parameter.requires_grad_(True)
