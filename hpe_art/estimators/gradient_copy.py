"""A private copy of a model that finds gradients faster; poses are never scored with it.

What makes it faster: batch norms folded into the convolutions before them, weights in the
channels-last format, bfloat16 where the device has fast units for it, and compilation if asked.
"""

from __future__ import annotations

import copy
import logging
import os
import shutil
from contextlib import AbstractContextManager
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from mmcv.cnn import fuse_conv_bn
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from hpe_art.estimators.network import raw_outputs

Precision = Literal["float32", "folded", "bfloat16", "auto"]
PRECISIONS: tuple[str, ...] = get_args(Precision)
FOLDED_TOLERANCE = 1e-3
"""Largest change of an output by folding, relative to the largest value of that output."""
CPUINFO = Path("/proc/cpuinfo")

logger = logging.getLogger(__name__)
_COMPILERS = (os.environ.get("CXX", "c++"), "g++", "clang++", "cl")
_MATRICES = (nn.modules.conv._ConvNd, nn.Linear)


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether convolutions are much faster in bfloat16 than in float32, by what the device is.

    A GPU of compute capability 8; a processor with AMX, or one of AMD with AVX512-BF16, which are
    about twice as fast in it. On one of Intel with AVX512-BF16 alone every network was slower
    (docs/performance_avx512.md). Nothing is timed: another load would choose otherwise.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device)[0] >= 8
    if device.type != "cpu":
        return False
    facts = _processor()
    return "amx_bf16" in facts or {"avx512_bf16", "AuthenticAMD"} <= facts


def settled(precision: Precision, device: torch.device) -> Precision:
    """What "auto" comes to on a device; the others are what they say."""
    if precision != "auto":
        return precision
    return "bfloat16" if has_fast_bfloat16(device) else "folded"


@lru_cache
def _processor() -> frozenset[str]:
    """What Linux says of the first processor: its maker, what it can do; elsewhere nothing."""
    try:
        return frozenset(CPUINFO.read_text().partition("\n\n")[0].split())
    except OSError:
        return frozenset()


def name_of(dtype: torch.dtype, device: torch.device) -> str:
    """How a device multiplies numbers of a type, for the record."""
    name = str(dtype).removeprefix("torch.")
    # Convolutions of float32 have 10 bits of mantissa there unless PyTorch is told otherwise.
    allowed = device.type == "cuda" and name == "float32" and torch.backends.cudnn.allow_tf32
    return "tf32" if allowed and has_fast_bfloat16(device) else name


class GradientCopy:
    """The copy, in `model`, in eval mode and with frozen weights, and whether it still is one.

    `dtype` is that of its multiplications, and `folded` whether batch norms are folded; not if that
    changed an output. `made_with` is precision and compile.

    The model is left as it is. `precision` and `compile` are those of `PyTorchPoseEstimator`;
    outputs are compared on normalised images, `example` (N, 3, H, W).

    Raises:
        ValueError: there is no compiler to compile with.
    """

    def __init__(
        self, model: nn.Module, precision: Precision, compile: bool, example: Tensor
    ) -> None:
        device = example.device
        if compile and device.type == "cpu" and not any(map(shutil.which, _COMPILERS)):
            raise ValueError(
                "Expected a C++ compiler for compile=True on a CPU. Got none: install g++ or "
                "clang, or leave it out."
            )
        self.made_with = (precision, compile)
        half = settled(precision, device) == "bfloat16"
        self.dtype = torch.bfloat16 if half else example.dtype
        self._state = _state(model)
        self.model, self.folded = _folded(model, example)
        self.model.to(memory_format=torch.channels_last)
        if half:
            self.model.float()  # autocast leaves doubles as they are
            # It would round the frozen weights anew in every pass.
            for module in self.model.modules():
                if isinstance(module, _MATRICES):
                    module.to(torch.bfloat16)
        if compile:
            self.model.forward = _compiled(self.model.forward, device)

    def is_current(self, model: nn.Module) -> bool:
        """Whether the model has the weights and buffers that were copied.

        Changes that PyTorch does not count are not seen: those in place through `.data`, and those
        of a fused optimizer (the estimator's `fit` makes a new copy after it).
        """
        return _state(model) == self._state

    @property
    def gradient_precision(self) -> str:
        """How its gradients are computed, for the record."""
        how = [name_of(self.dtype, next(self.model.parameters()).device)]
        how += ["folded"] if self.folded else []
        how += ["compiled"] if self.made_with[1] else []
        return ", ".join(how)

    def computing(self) -> AbstractContextManager[None]:
        """The precision to pass images in."""
        device = next(self.model.parameters()).device.type
        half = self.dtype == torch.bfloat16
        return torch.autocast(device, torch.bfloat16, enabled=half)


def _compiled(forward: Any, device: torch.device) -> Any:
    if device.type != "cuda":
        return torch.compile(forward)
    graphed = torch.compile(forward, mode="reduce-overhead")

    def kept(*args: Any, **kwargs: Any) -> Any:
        # The next replay writes over what a CUDA graph puts out.
        return tree_map(torch.clone, graphed(*args, **kwargs))

    return kept


def _folded(model: nn.Module, example: Tensor) -> tuple[nn.Module, bool]:
    """A frozen copy in eval mode; folded, unless its outputs for the example then differ."""
    plain, folded = (copy.deepcopy(model).eval().requires_grad_(False) for _ in range(2))
    try:
        # Takes modules to be called in the order in which they were registered.
        fuse_conv_bn(folded).requires_grad_(False)
        with torch.no_grad(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            pairs = zip(raw_outputs(plain, example), raw_outputs(folded, example), strict=True)
            faithful = all(
                (before - after).abs().max() <= FOLDED_TOLERANCE * before.abs().max()
                for before, after in pairs
            )
    except (RuntimeError, TypeError):  # not the same number of channels, or no affine weights
        faithful = False
    if not faithful:
        logger.warning("%s: batch norms cannot be folded; left as they are.", type(model).__name__)
    return (folded, True) if faithful else (plain, False)


def _state(model: nn.Module) -> list[tuple[int, int]]:
    """Where each weight and buffer is, and how often it was changed in place."""
    tensors = chain(model.parameters(), model.buffers())
    return [(t.data_ptr(), 0 if t.is_inference() else t._version) for t in tensors]
