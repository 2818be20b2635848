"""Heads of residual log-likelihood estimation (RLE): coordinates and their deviations.

Shapes: N images, K joints.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from hpe_art.estimators.heads.base import HEADS, loss_per_image
from hpe_art.estimators.heads.coordinate import CoordinateAdaptor


@HEADS.register_module(name="RLEHead")
class ResidualAdaptor(CoordinateAdaptor):
    """Outputs (N, K, 6): coordinates, raw deviations, and these as shares of 0 to 1.

    The shares stand beside the raw ones since MMPose averages them, not the raw ones, over an image
    and its mirror.
    """

    flat_at_own_predictions = False

    def outputs(self, raw: Any) -> list[Tensor]:
        """One."""
        return [torch.cat([raw, raw[..., 2:].sigmoid()], dim=-1)]

    def unflip(self, output: Tensor, flip_indices: list[int], test_cfg: dict[str, Any]) -> Tensor:
        """As MMPose's `flip_coordinates`, which swaps the joints' deviations too."""
        points = super().unflip(output[..., :2], flip_indices, test_cfg)
        return torch.cat([points, output[:, flip_indices, 2:]], dim=-1)

    def decode(self, output: Tensor) -> Tensor:
        """Fractions to crop pixels; the score is 1 minus the mean deviation."""
        poses = super().decode(output[..., :2])
        poses[..., 2] = 1 - output[..., 4:].mean(-1)
        return poses

    def loss(self, index: int, output: Tensor, target: tuple[Tensor, Tensor]) -> Tensor:
        """`RLELoss` at once, or a loss of coordinates."""
        module, (points, weights) = self.module(index), target
        if type(module).__name__ != "RLELoss":
            return loss_per_image(module, output[..., :2], points, weights[..., None])
        return _rle_loss(module, output[..., :2], output[..., 2:4], points, weights)


def _rle_loss(module: Any, points: Tensor, raw: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """`RLELoss` of each image (N,), summed over joints and axes.

    Source: Li et al. 2021, arXiv:2107.11291, equation 7; MMPose `regression_loss.py`.
    """
    sigma = raw.sigmoid()
    error = (points - target) / (sigma + 1e-9)
    density = module.flow_model.log_prob(error.reshape(-1, 2)).reshape(*error.shape[:2], 1)
    loss = sigma.log() - density
    if module.residual and module.q_distribution == "laplace":
        loss = loss + (2 * sigma).log() + error.abs()
    elif module.residual:
        loss = loss + (sigma * math.sqrt(2 * math.pi)).log() + 0.5 * error.square()
    if module.use_target_weight:
        loss = loss * weights[..., None]
    return loss.sum((1, 2))
