"""The pieces of one step of the gradient-sign family, on tensors and without a look at the host.

Shapes: N images of (3, H, W). A radius is a number, or a tensor that broadcasts with the images;
for norms 1 and 2 one number for each image. Norms and projections are those of ART 1.20.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

Radius = float | Tensor


def direction(gradient: Tensor, norm: float) -> Tensor:
    """The step of norm 1 along which a linear function with this gradient grows the most.

    Args:
        gradient: (N, 3, H, W); NaN counts as 0.
        norm: numpy.inf (signs), 1 (the one largest value) or 2 (the gradient's own direction).

    Returns:
        (N, 3, H, W); 0 where the gradient is.
    """
    gradient = torch.nan_to_num(gradient)  # infinity becomes the largest number
    if norm == np.inf:
        return gradient.sign()
    flat = gradient.flatten(1)
    if norm == 1:
        largest = flat.abs().argmax(1, keepdim=True)
        signs = flat.gather(1, largest).sign()
        return torch.zeros_like(flat).scatter_(1, largest, signs).view_as(gradient)
    flat = flat / _length(flat, np.inf)  # or the squares of the largest numbers are infinite
    return (flat / _length(flat, 2)).view_as(gradient)


def accumulate(momentum: Tensor, gradient: Tensor, decay: float) -> Tensor:
    """Momentum after one more gradient, which is first scaled to L1 norm 1.

    Source: Dong et al. 2018, "Boosting Adversarial Attacks with Momentum", equation 6.
    """
    gradient = torch.nan_to_num(gradient)
    return decay * momentum + (gradient.flatten(1) / _length(gradient.flatten(1), 1)).view_as(
        gradient
    )


def project(perturbation: Tensor, radius: Radius, norm: float) -> Tensor:
    """The perturbation inside the ball: clipped for norm inf, scaled down for 1 and 2."""
    if norm == np.inf:
        return torch.clamp(perturbation, -radius, radius)  # type: ignore[arg-type]
    flat = perturbation.flatten(1)
    per_image = radius.reshape(-1, 1) if isinstance(radius, Tensor) else radius
    shrink = torch.clamp(per_image / _length(flat, norm), max=1.0)
    return (flat * shrink).view_as(perturbation)


def clipped(
    images: Tensor, clip_values: Sequence[Any] | None, clean: Tensor | None = None
) -> Tensor:
    """The images within an ART estimator's range of pixels, if it has one.

    Where the clean image is outside of it they may be so too, lest they leave their ball.
    """
    if clip_values is None:
        return images
    if clean is None and np.ndim(clip_values[0]) == 0:
        return images.clamp(*map(float, clip_values))
    low, high = (torch.as_tensor(end).to(images) for end in clip_values)
    if clean is not None:
        low, high = torch.minimum(low, clean), torch.maximum(high, clean)
    return images.clamp(low, high)


def _length(flat: Tensor, norm: float) -> Tensor:
    """(N, 1), infinite instead of 0, so that 0 divided by it stays 0."""
    length = torch.linalg.vector_norm(flat, ord=norm, dim=1, keepdim=True)
    return length.masked_fill(length == 0, torch.inf)
