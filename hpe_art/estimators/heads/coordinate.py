"""Heads of plain coordinates.

Shapes: N images, K joints.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from hpe_art.estimators.heads.base import HEADS, HeadAdaptor, index_tensor, loss_per_image
from hpe_art.losses import coordinate_mse


@HEADS.register_module(name="RegressionLabel")
class CoordinateAdaptor(HeadAdaptor):
    """Coordinates (N, K, 2) as fractions of the crop's width and height."""

    flat_at_own_predictions = True

    def unflip(self, output: Tensor, flip_indices: list[int], test_cfg: dict[str, Any]) -> Tensor:
        """As MMPose's `flip_coordinates`."""
        shift = 1.0 / self.input_size[0] if test_cfg.get("shift_coords", True) else 0.0
        output = output.index_select(1, index_tensor(tuple(flip_indices), output.device))
        return torch.stack([1.0 - output[..., 0] - shift, output[..., 1]], dim=-1)

    def decode(self, output: Tensor) -> Tensor:
        """Fractions to crop pixels; the score is 1, as in MMPose's `RegressionLabel`."""
        pixels = output * output.new_tensor(self.input_size)
        return torch.cat([pixels, torch.ones_like(pixels[..., :1])], dim=-1)

    def encode(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Crop pixels to fractions; joints outside the crop have weight 0."""
        size = y.new_tensor(self.input_size)
        points = y[..., :2]
        inside = ((points >= 0) & (points <= size - 1)).all(-1)
        return points / size, (inside & (y[..., 2] > 0)).to(y.dtype)

    def loss(self, index: int, output: Tensor, target: tuple[Tensor, Tensor]) -> Tensor:
        """`MSELoss` at once; other losses image by image."""
        module = self.module(index)
        points, weights = target
        if type(module).__name__ == "MSELoss" and module.use_target_weight:
            return coordinate_mse(output, points, weights) * module.loss_weight
        return loss_per_image(module, output, points, weights[..., None])
