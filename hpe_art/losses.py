"""Per-image attack losses: pure functions on tensors. Larger is worse for the network.

Shapes: N images, K joints, H x W heatmap cells. No loss carries a sign for targeted attacks
(ART flips it) and none averages over images, so gradients do not depend on the batch.

What an attack climbs is a function `(outputs, y, head) -> (N,)`, registered by name in `LOSSES`:
the raw outputs that it is put on, as a list; the poses y (N, K, 3) on the device; and the adaptor
of the head, with its `targets`, `loss` and `distances` (`hpe_art.estimators.heads.base`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from mmengine.registry import Registry
from torch import Tensor

from hpe_art.registries import registered

PoseLoss = Callable[[list[Tensor], Tensor, Any], Tensor]

LOSSES = Registry("loss", scope="hpe_art")
TRAINING = "training"
DISTANCE = "distance"


def loss_function(loss: str | PoseLoss) -> PoseLoss:
    """A loss by its name in `LOSSES`, or the function itself.

    Raises:
        ValueError: no function, and no name that is registered.
    """
    found: PoseLoss = loss if callable(loss) else registered(LOSSES, loss)
    return found


def loss_name(loss: str | PoseLoss) -> str:
    """The name of a loss for the record; of a function its own."""
    return loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)


@LOSSES.register_module(name=TRAINING)
def training_loss(outputs: list[Tensor], y: Tensor, head: Any) -> Tensor:
    """The network's own training loss, summed over the outputs: (N,)."""
    targets = head.targets(y, len(outputs))
    pairs = enumerate(zip(outputs, targets, strict=True))
    return torch.stack([head.loss(i, output, target) for i, (output, target) in pairs]).sum(0)


@LOSSES.register_module(name=DISTANCE)
def distance_loss(outputs: list[Tensor], y: Tensor, head: Any) -> Tensor:
    """How far the last output puts the joints from y: (N,), the mean in crop pixels.

    Over the labelled joints; 0 if there is none. See `heatmaps.expected_distances`.
    """
    labelled = y[..., 2] > 0
    distances = head.distances(outputs[-1], y).masked_fill(~labelled, 0.0)
    mean: Tensor = distances.sum(1) / labelled.sum(1).clamp(min=1)
    return mean


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
