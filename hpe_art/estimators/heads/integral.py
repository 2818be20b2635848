"""Heads of integral regression: the mean of a heatmap, and the heatmap (IPR, DSNT).

Shapes: N images, K joints, H x W heatmap cells.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from hpe_art.estimators.heads.base import HEADS, loss_per_image, unflipped_maps
from hpe_art.estimators.heads.coordinate import CoordinateAdaptor
from hpe_art.heatmaps import encode_heatmaps


@HEADS.register_module(name=["IntegralRegressionHead", "DSNTHead"])
class IntegralAdaptor(CoordinateAdaptor):
    """Outputs (N, K, 2 + H * W): coordinates as fractions, and the heatmap they are the mean of."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__(head)
        self._with_maps = type(self.loss_module).__name__ == "MultipleLossWrapper"
        self.flat_at_own_predictions = not self._with_maps
        # A head may drop the second loss from an epoch on; attacks come after training.
        self._only_points = getattr(head, "lambda_t", -1) > 0
        self._width: Any = head.heatmap_size[0]  # type: ignore[index]

    @property
    def input_size(self) -> tuple[int, int]:
        """(W, H); the codec of both has one of coordinates inside."""
        width, height = getattr(self.codec, "keypoint_codec", self.codec).input_size
        return int(width), int(height)

    def outputs(self, raw: Any) -> list[Tensor]:
        """One."""
        points, maps = raw
        return [torch.cat([points, maps.flatten(2)], dim=-1)]

    def unflip(self, output: Tensor, flip_indices: list[int], test_cfg: dict[str, Any]) -> Tensor:
        """As MMPose's `flip_coordinates` and `flip_heatmaps`."""
        points = super().unflip(output[..., :2], flip_indices, test_cfg)
        maps = unflipped_maps(self._maps(output), flip_indices, test_cfg)
        return torch.cat([points, maps.flatten(2)], dim=-1)

    def decode(self, output: Tensor) -> Tensor:
        """Of the coordinates."""
        return super().decode(output[..., :2])

    def encode(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Of the coordinates, and Gaussians where the loss asks for them."""
        points, weights = super().encode(y)
        if not self._with_maps:
            return points, weights
        codec = self.codec.heatmap_codec
        factor = torch.as_tensor(codec.scale_factor, dtype=y.dtype, device=y.device)
        maps, _ = encode_heatmaps(y, factor, codec.heatmap_size, codec.sigma, codec.unbiased)
        maps = maps.flatten(2)
        if self.codec.normalize:
            maps = maps / (maps.sum(-1, keepdim=True) + 1e-24)
        return torch.cat([points, maps], dim=-1), weights

    def loss(self, index: int, output: Tensor, target: tuple[Tensor, Tensor]) -> Tensor:
        """Of the coordinates, and of the heatmaps where the head adds it; image by image."""
        module, (wanted, weights) = self.module(index), target
        points, goals = output[..., :2], wanted[..., :2]
        if not self._with_maps:
            return super().loss(index, points, (goals, weights))
        modules = module.loss_modules
        losses = loss_per_image(modules[0], points, goals, weights)
        if self._only_points:
            return losses
        maps, gaussians = self._maps(output), self._maps(wanted)
        return losses + loss_per_image(modules[1], maps, gaussians, weights)

    def _maps(self, output: Tensor) -> Tensor:
        """The heatmaps (N, K, H, W) of an output, or of a target."""
        return output[..., 2:].unflatten(-1, (-1, int(self._width)))
