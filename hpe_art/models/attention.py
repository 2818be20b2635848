"""Attention maps of Chu et al. 2017 (arXiv:1702.07432), by a conditional random field (CRF).

Shapes: N images, C channels; features and maps are (N, ., H, W).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Attention(nn.Module):
    """Attention maps as the mean field of a conditional random field.

    With U = conv3x3(features) and Q_0 = U, `iterations` times Q_i = sigmoid(K * Q_{i-1} + U);
    the kernel K is the same in every step. Each map has a U and a K of its own.

    Args:
        channels: of the features.
        maps: 1 for the whole body, or one per joint.
        kernel_size: of K; odd.
        iterations: steps of the mean field.
    """

    def __init__(self, channels: int, maps: int, kernel_size: int, iterations: int) -> None:
        super().__init__()
        self.iterations = iterations
        self.unary = nn.Conv2d(channels, maps, 3, padding=1)
        self.kernel = nn.Conv2d(maps, maps, kernel_size, padding=kernel_size // 2, groups=maps)

    def forward(self, features: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, maps, H, W) in (0, 1)."""
        unary = attention = self.unary(features)
        for _ in range(self.iterations):
            attention = torch.sigmoid(self.kernel(attention) + unary)
        return attention


class MultiResolutionAttention(nn.Module):
    """One map from the features of each resolution, enlarged to the finest and summed.

    Args:
        depth: number of resolutions.
        channels: of the features, at every resolution.
        **crf: `kernel_size` and `iterations` of `Attention`.
    """

    def __init__(self, depth: int, channels: int, **crf: int) -> None:
        super().__init__()
        self.attentions = nn.ModuleList(Attention(channels, 1, **crf) for _ in range(depth))

    def forward(self, upward: list[Tensor]) -> Tensor:
        """What `NestedHourglass` gives -> (N, 1, H, W) in (0, depth)."""
        size = upward[-1].shape[-2:]
        maps = [
            F.interpolate(attention(features), size, mode="nearest")
            for attention, features in zip(self.attentions, upward, strict=True)
        ]
        return torch.stack(maps).sum(0)
