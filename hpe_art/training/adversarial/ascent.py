"""The inner maximum of adversarial training: signed steps on normalised images, as a batch is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

LEVELS = 255.0
"""The largest grey level."""
Loss = Callable[[Tensor], Tensor]
"""A scalar for normalised images (N, 3, H, W)."""


@dataclass
class Ball:
    """The images that may be shown instead of a batch: within eps grey levels, and real pixels.

    Attributes:
        clean: normalised images (N, 3, H, W).
        level: a grey level in their unit, (3, 1, 1) or a scalar.
        low, high: bounds of each value.
    """

    clean: Tensor
    level: Tensor
    low: Tensor
    high: Tensor

    @classmethod
    def around(cls, images: Tensor, preprocessor: nn.Module, eps: float) -> Ball:
        """That of a batch which a `PoseDataPreprocessor` normalised."""
        mean = getattr(preprocessor, "mean", torch.zeros(1)).to(images)
        std = getattr(preprocessor, "std", torch.ones(1)).to(images)
        black, white, level = -mean / std, (LEVELS - mean) / std, 1 / std
        low = torch.maximum(images - eps * level, black)
        high = torch.minimum(images + eps * level, white)
        return cls(images, level, low, high)

    def clipped(self, images: Tensor) -> Tensor:
        """The nearest images of the ball."""
        return torch.minimum(torch.maximum(images, self.low), self.high)

    def random(self, eps: float) -> Tensor:
        """Uniform within eps grey levels, then clipped."""
        noise = torch.empty_like(self.clean).uniform_(-eps, eps)
        return self.clipped(self.clean + noise * self.level)

    def ascended(self, images: Tensor, loss: Loss, eps_step: float, max_iter: int) -> Tensor:
        """Images after signed steps of eps_step grey levels each (Madry et al. 2018, section 2.1).

        `loss` is told nothing of parameters: their gradients are neither computed nor changed.
        """
        for _ in range(max_iter):
            images = images.detach().requires_grad_()
            value = loss(images)
            # Of its size only the sign is taken: at one, half precision does not round it to zero.
            value = value / value.detach().abs().clamp(min=1e-30)
            (gradient,) = torch.autograd.grad(value, images)
            images = self.clipped(images.detach() + eps_step * self.level * gradient.sign())
        return images.detach()


def total(model: Any, losses: dict[str, Tensor]) -> Tensor:
    """What MMEngine minimises, of the losses of a model."""
    value: Tensor = model.parse_losses(losses)[0]
    return value


@contextmanager
def statistics_kept(model: nn.Module, kept: bool = True) -> Iterator[None]:
    """Batches are normalised by their own statistics, and running ones stay; or as usual."""
    layers = [m for m in model.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]
    for layer in layers if kept else ():
        layer.track_running_stats = False
    try:
        yield
    finally:
        for layer in layers:
            layer.track_running_stats = True
