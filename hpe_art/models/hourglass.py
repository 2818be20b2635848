"""Stacked hourglass of Newell et al. 2016 (arXiv:1603.06937), as an MMPose backbone.

Shapes: N images, C channels, K joints, S stacks; the maps have a quarter of the input's size.

    image (N, 3, H, W) -> stem -> features (N, C, H/4, W/4)
    S times: hourglass -> residuals -> 1x1 -> heatmaps (N, K, H/4, W/4)
             features + 1x1(its own) + 1x1(heatmaps) -> features of the next stack

Unlike MMPose's `HourglassNet`, which passes features only, the *predicted heatmaps* are mapped
back and added between stacks (section 3.2): the point of intermediate supervision.

From the authors' Torch code (`hg.lua`), where the paper leaves it open: the widths of the stem,
nearest-neighbour upsampling, a sum of three for what is passed on.

Deviations:

- predictions start near zero (`prediction`);
- one residual between each hourglass and its 1x1 layer, as the published number of parameters
  asks for; `hg.lua` as it is today has none there.
"""

from __future__ import annotations

import hpe_art.compat  # noqa: F401  (before mmpose)

import torch
from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor, nn


class Residual(nn.Module):
    """Pre-activation bottleneck of half width (figure 4, left): BN-ReLU-conv, three times.

    Where the numbers of channels differ, the skip is a 1x1 convolution.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        half = out_channels // 2
        self.body = nn.Sequential(
            *norm_relu_conv(in_channels, half, 1),
            *norm_relu_conv(half, half, 3),
            *norm_relu_conv(half, out_channels, 1),
        )
        same = in_channels == out_channels
        self.skip = nn.Identity() if same else nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) -> (N, out_channels, H, W)."""
        return self.skip(x) + self.body(x)


def norm_relu_conv(in_channels: int, out_channels: int, kernel: int) -> list[nn.Module]:
    """Batch norm, ReLU and a convolution that keeps the size."""
    convolution = nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2)
    return [nn.BatchNorm2d(in_channels), nn.ReLU(inplace=True), convolution]


def conv_norm_relu(channels: int) -> nn.Sequential:
    """A 1x1 convolution, batch norm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(channels, channels, 1), nn.BatchNorm2d(channels), nn.ReLU(inplace=True)
    )


def prediction(channels: int, num_joints: int) -> nn.Conv2d:
    """Starts near zero, as most cells of a heatmap are: training then starts much faster."""
    predict = nn.Conv2d(channels, num_joints, 1)
    nn.init.normal_(predict.weight, std=0.001)
    predict.bias = nn.Parameter(torch.zeros(num_joints))
    return predict


def residuals(channels: int, count: int) -> nn.Sequential:
    """`count` residuals in a row, the width kept."""
    return nn.Sequential(*(Residual(channels, channels) for _ in range(count)))


class Hourglass(nn.Module):
    """One hourglass (figure 3): pooled `depth` times and back, with a skip at every scale."""

    def __init__(self, depth: int, channels: int, num_residuals: int) -> None:
        super().__init__()
        self.skip = residuals(channels, num_residuals)
        self.down = nn.Sequential(nn.MaxPool2d(2), residuals(channels, num_residuals))
        inner = Hourglass(depth - 1, channels, num_residuals) if depth > 1 else None
        self.inner = inner or residuals(channels, num_residuals)
        up = nn.Upsample(scale_factor=2, mode="nearest")
        self.up = nn.Sequential(residuals(channels, num_residuals), up)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W), divisible by 2**depth -> (N, C, H, W)."""
        return self.skip(x) + self.up(self.inner(self.down(x)))


def check_sizes(**sizes: int) -> None:
    """Raises ValueError unless all sizes are positive and `channels` is a multiple of 4."""
    if min(sizes.values()) < 1 or sizes["channels"] % 4:
        raise ValueError(f"Expected positive sizes and channels divisible by 4. Got {sizes}.")


def stem(channels: int) -> nn.Sequential:
    """Image (N, 3, H, W) -> features (N, channels, H/4, W/4), section 3.1."""
    return nn.Sequential(
        nn.Conv2d(3, channels // 4, 7, stride=2, padding=3),
        nn.BatchNorm2d(channels // 4),
        nn.ReLU(inplace=True),
        Residual(channels // 4, channels // 2),
        nn.MaxPool2d(2),
        Residual(channels // 2, channels // 2),
        Residual(channels // 2, channels),
    )


def hourglass_stack(depth: int, channels: int, num_residuals: int) -> nn.Sequential:
    """An hourglass and the layers before its prediction (figure 4, right)."""
    return nn.Sequential(
        Hourglass(depth, channels, num_residuals),
        residuals(channels, num_residuals),
        *conv_norm_relu(channels),
    )


class Stacks(BaseModule):
    """Stacks in a row: to the input of each, 1x1 layers add its features and maps for the next.

    A subclass makes all at once with `fill`; or `depth`, `stem`, the layers with `merge`, and a
    `stack` of its own.
    """

    depth: int  # poolings in each hourglass
    stem: nn.Module

    def fill(self, maps: list[int], channels: int, depth: int, num_residuals: int) -> None:
        """Makes hourglasses, for each number in `maps` one that predicts so many."""
        self.depth = depth
        self.stem = stem(channels)
        self.hourglasses = nn.ModuleList(
            hourglass_stack(depth, channels, num_residuals) for _ in maps
        )
        self.predictions = nn.ModuleList(prediction(channels, count) for count in maps)
        self.merge(channels, maps)

    def merge(self, channels: int, maps: list[int]) -> None:
        """Makes the layers between stacks that predict so many maps each."""
        self.merge_features = nn.ModuleList(nn.Conv2d(channels, channels, 1) for _ in maps[:-1])
        self.merge_heatmaps = nn.ModuleList(nn.Conv2d(count, channels, 1) for count in maps[:-1])

    def recalled(self, number: int, x: Tensor, maps: list[Tensor]) -> Tensor:
        """What stack `number` takes, of its input and the maps so far."""
        return x

    def stack(self, number: int, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features and maps of stack `number`."""
        features = self.hourglasses[number](x)
        return features, self.predictions[number](features)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Normalised images (N, 3, H, W) -> S tensors (N, ., H/4, W/4); the last is the prediction.

        Raises:
            ValueError: H or W is not divisible by 4 * 2**depth.
        """
        step = 4 * 2**self.depth
        if x.shape[-2] % step or x.shape[-1] % step:
            raise ValueError(
                f"Expected height and width divisible by {step}. Got {tuple(x.shape[-2:])}."
            )
        x = self.stem(x)
        maps: list[Tensor] = []
        for number in range(len(self.merge_features) + 1):
            x = self.recalled(number, x, maps)
            features, predicted = self.stack(number, x)
            maps.append(predicted)
            if number < len(self.merge_features):
                x = x + self.merge_features[number](features)
                x = x + self.merge_heatmaps[number](predicted)
        return maps


@MODELS.register_module()
class StackedHourglass(Stacks):
    """The whole network; its outputs are the heatmaps of every stack, (N, K, H/4, W/4).

    Goes with MMPose's `CPMHead(num_stages=num_stacks, deconv_out_channels=None,
    final_layer=None)`, which adds the loss of every stack and the codec, and no layer.

    Args:
        num_joints: K.
        num_stacks: S; 2 and 8 in the paper.
        channels: width of the hourglasses; 256 in the paper. The stem has a quarter and a half.
        depth: poolings in each hourglass; 4 in the paper.
        num_residuals: residuals at each place; 1 in the published 8-stack network.
    Raises:
        ValueError: one of the sizes is not positive, or `channels` is no multiple of 4.
    """

    def __init__(
        self,
        num_joints: int = 16,
        num_stacks: int = 2,
        channels: int = 256,
        depth: int = 4,
        num_residuals: int = 1,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        sizes = dict(num_joints=num_joints, num_stacks=num_stacks, channels=channels)
        check_sizes(**sizes, depth=depth, num_residuals=num_residuals)
        self.fill([num_joints] * num_stacks, channels, depth, num_residuals)
