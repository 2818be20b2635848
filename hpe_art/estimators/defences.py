"""ART's preprocessing defences by name, set for the crops that MMPose packs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from art.defences.preprocessor import (
    FeatureSqueezing,
    GaussianAugmentation,
    JpegCompression,
    TotalVarMin,
)
from art.defences.preprocessor.preprocessor import Preprocessor, PreprocessorPyTorch
from torch import Tensor
from torch.nn.functional import pad

RANGE = (0.0, 255.0)


class OnPhotographs(Preprocessor):
    """A NumPy defence for images (N, H, W, 3), red first, put to crops (N, 3, H, W).

    JPEG treats red and blue differently, and total variation takes the last axis for the colours.
    `bgr` says whether the crops have blue first.
    """

    def __init__(self, defence: Preprocessor, bgr: bool) -> None:
        super().__init__(apply_fit=defence.apply_fit, apply_predict=defence.apply_predict)
        self.defence = defence
        self.bgr = bgr

    def __call__(self, x: np.ndarray, y: Any = None) -> tuple[np.ndarray, Any]:
        """The crops as the defence leaves them, float32."""
        channels = slice(None, None, -1) if self.bgr else slice(None)
        photographs = x.transpose(0, 2, 3, 1)[..., channels]
        seen, y = self.defence(np.ascontiguousarray(photographs), y)
        packed = seen[..., channels].transpose(0, 3, 1, 2)
        return np.ascontiguousarray(packed, dtype=np.float32), y


class MedianSmoothing(PreprocessorPyTorch):
    """ART's `SpatialSmoothing` of 3 x 3 windows, with its own gradient.

    ART's in NumPy passes gradients through as if it were not there, which makes it look stronger
    than it is (docs/defences.md).
    """

    def __init__(self) -> None:
        super().__init__(apply_fit=False, apply_predict=True)

    def forward(self, x: Tensor, y: Any = None) -> tuple[Tensor, Any]:
        """The median of each window of x (N, C, H, W), whose border is repeated."""
        windows = pad(x, (1, 1, 1, 1), mode="replicate").unfold(2, 3, 1).unfold(3, 3, 1)
        return windows.flatten(-2).median(-1).values, y


DEFENCES: dict[str, Callable[[bool], Preprocessor]] = {
    "smoothing": lambda bgr: MedianSmoothing(),
    "jpeg": lambda bgr: OnPhotographs(JpegCompression(clip_values=RANGE, quality=50), bgr),
    "squeezing": lambda bgr: FeatureSqueezing(clip_values=RANGE, bit_depth=4),
    "gaussian": lambda bgr: GaussianAugmentation(
        sigma=8.0, augmentation=False, apply_predict=True, clip_values=RANGE
    ),
    "total-variation": lambda bgr: OnPhotographs(
        TotalVarMin(max_iter=5, lamb=0.05, clip_values=RANGE), bgr
    ),
}
"""By name: a function of whether crops have blue first."""


class NumpyDefences(torch.autograd.Function):
    """NumPy preprocessing defences in a graph of PyTorch, with the gradient that ART estimates."""

    @staticmethod
    def forward(ctx: Any, pixels: Tensor, estimator: Any) -> Tensor:
        """Pixels (N, 3, H, W) as the estimator's defences leave them."""
        ctx.estimator, ctx.pixels = estimator, pixels.detach().cpu().numpy()
        seen, _ = estimator._apply_preprocessing(ctx.pixels, None, fit=False)
        return torch.tensor(seen).to(pixels)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """Back through the defences, as ART does it."""
        gradient = gradients[0].cpu().numpy()
        found = ctx.estimator._apply_preprocessing_gradient(ctx.pixels, gradient)
        return torch.as_tensor(found).to(gradients[0]), None
