"""The network's own training loss, per image, and its parts.

Shapes: N images, K joints, H x W heatmap cells.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from hpe_art.errors import UserError
from hpe_art.losses.base import L1, LOSSES, TRAINING


@LOSSES.register_module(name=TRAINING)
def training_loss(outputs: list[Tensor], y: Tensor, head: Any) -> Tensor:
    """The network's own training loss, summed over the outputs: (N,)."""
    targets = head.targets(y, len(outputs))
    pairs = enumerate(zip(outputs, targets, strict=True))
    return torch.stack([head.loss(i, output, target) for i, (output, target) in pairs]).sum(0)


@LOSSES.register_module(name=L1)
def l1_loss(outputs: list[Tensor], y: Tensor, head: Any) -> Tensor:
    """Mean absolute error of the last output's coordinates, as fractions of the crop: (N,).

    For heads of coordinates; of RLE's it leaves out the deviations. Its mean over images is
    MMPose's `L1Loss`, by the weights that the head's own targets have.

    Raises:
        UserError: a head of heatmaps, or along axes.

    Source: MMPose `regression_loss.py`.
    """
    if head.parts(outputs[-1]):
        raise UserError(
            "Expected a head of coordinates for the loss l1. Got one of heatmaps or SimCC: take "
            "the loss distance."
        )
    _, weights = head.targets(y, len(outputs))[-1]
    points, size = head.decode(outputs[-1])[..., :2], y.new_tensor(head.input_size)
    return ((points - y[..., :2]) / size * weights[..., None]).abs().flatten(1).mean(1)


def heatmap_mse(output: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Per-image squared error of heatmaps, weighted by joint.

    Args:
        output: (N, K, H, W), predicted heatmaps.
        target: (N, K, H, W), true heatmaps, peak 1.
        weights: (N, K); 0 ignores the joint.

    Returns:
        (N,), mean over joints and cells. Its mean over images is MMPose's `KeypointMSELoss`.

    Raises:
        ValueError: shapes that differ (the message prints both).

    Source: Newell et al. 2016, arXiv:1603.06937, section 3.2; MMPose `heatmap_loss.py`.
    """
    _check_shapes(output, target, weights)
    return ((output - target).square() * weights[..., None, None]).flatten(1).mean(1)


def coordinate_mse(output: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Per-image squared error of coordinates, weighted by joint.

    Args:
        output: (N, K, 2), predicted coordinates as fractions of the crop.
        target: (N, K, 2), true ones.
        weights: (N, K); 0 ignores the joint.

    Returns:
        (N,), mean over joints and axes. Its mean over images is MMPose's `MSELoss`.

    Raises:
        ValueError: shapes that differ (the message prints both).

    Source: Toshev and Szegedy 2014 (DeepPose), equation 2; MMPose `regression_loss.py`.
    """
    _check_shapes(output, target, weights)
    weights = weights[..., None]
    return (output * weights - target * weights).square().flatten(1).mean(1)


def pose_error(poses: Tensor, y: Tensor) -> Tensor:
    """How far the joints lie from where they should be, per image.

    Args:
        poses: (N, K, 3), predicted: x, y in crop pixels, score (not looked at).
        y: (N, K, 3), true or target poses; joints whose third value is 0 do not count.

    Returns:
        (N,), mean distance in crop pixels over the joints that count; 0 if none does.

    Raises:
        ValueError: shapes that differ (the message prints both).
    """
    if poses.shape != y.shape:
        raise ValueError(
            f"Expected poses and y of one shape (N, K, 3). "
            f"Got {tuple(poses.shape)} and {tuple(y.shape)}."
        )
    counts = y[..., 2] > 0
    distances = (poses[..., :2] - y[..., :2]).norm(dim=-1).masked_fill(~counts, 0.0)
    return distances.sum(1) / counts.sum(1).clamp(min=1)


def _check_shapes(output: Tensor, target: Tensor, weights: Tensor) -> None:
    if output.shape != target.shape or weights.shape != output.shape[:2]:
        raise ValueError(
            "Expected output and target of one shape (N, K, ...) and weights of shape (N, K). "
            f"Got {tuple(output.shape)}, {tuple(target.shape)} and {tuple(weights.shape)}."
        )
