"""Attention hourglass of Chu et al. 2017 (arXiv:1702.07432), as an MMPose backbone.

Shapes: N images, C channels, K joints, S stacks; the maps have a quarter of the input's size.

    image (N, 3, H, W) -> stem -> features (N, C, H/4, W/4)
    S times: hourglass with hourglass residual units as skips
             -> 1x1-BN-ReLU -> features -> 1x1-BN-ReLU -> times attention of the whole body
             -> first half of the stacks:  1x1 -> heatmaps (N, K, H/4, W/4)
                second half: per joint, times attention of its own -> 1x1 -> its heatmap
             stack's input + 1x1(features) + 1x1(heatmaps) -> input of the next stack

From the paper (figure 2 has the whole): hourglass residual units on the side branches; attention
as three steps of mean field in a conditional random field (CRF), instead of a softmax; whole-body
attention in every stack, part attention in stacks 5 to 8; attention of several resolutions, if
asked for.
From the authors' Torch code, where the paper leaves it open: the stem, the two 1x1 layers after
the hourglass, what is passed on between stacks (features *before* attention), an 11x11 kernel.

Deviations:

- one hourglass residual unit on every skip, as the paper says; the Torch code has 3, 2, 1, 1
  units from the finest skip to the coarsest, and the first of each is a plain residual;
- the last stack is as wide as the others; in the Torch code its last layers have 2 C channels;
- features are passed on by a plain 1x1, as in `hourglass.py`; in the Torch code BN-ReLU follows;
- multi-resolution attention is off unless asked for: the Torch code has none;
- predictions start near zero, as in `hourglass.py`.
"""

from __future__ import annotations

import hpe_art.compat  # noqa: F401  (before mmpose)

import torch
from mmpose.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

from hpe_art.models.hourglass import (
    Residual,
    Stacks,
    check_sizes,
    conv_norm_relu,
    norm_relu_conv,
    prediction,
)


class Attention(nn.Module):
    """Attention maps as the mean field of a CRF.

    With U = conv3x3(features) and Q_0 = U, `iterations` times Q_i = sigmoid(K * Q_{i-1} + U);
    the kernel K, of odd size, is the same in every step. Each map has a U and a K of its own.
    """

    def __init__(self, channels: int, maps: int, kernel_size: int, iterations: int) -> None:
        super().__init__()
        self.iterations = iterations
        self.unary = nn.Conv2d(channels, maps, 3, padding=1)
        self.kernel = nn.Conv2d(maps, maps, kernel_size, padding=kernel_size // 2, groups=maps)

    def forward(self, features: Tensor) -> Tensor:
        """(N, channels, H, W) -> (N, maps, H, W) in (0, 1)."""
        unary = attention = self.unary(features)
        for _ in range(self.iterations):
            attention = torch.sigmoid(self.kernel(attention) + unary)
        return attention


class MultiResolutionAttention(nn.Module):
    """One map from the features of each resolution, enlarged to the finest and summed.

    `crf` is `kernel_size` and `iterations` of `Attention`, here and below.
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


class HourglassResidual(Residual):
    """Hourglass residual unit: a residual plus a branch that sees at half the resolution.

    Identity, bottleneck and BN-ReLU-pool-conv3x3-BN-ReLU-conv3x3-upsample are summed; height and
    width must be even.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels)
        self.pooled = nn.Sequential(
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(channels, channels, 3, padding=1),
            *norm_relu_conv(channels, channels, 3),
            nn.Upsample(scale_factor=2, mode="nearest"),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        return super().forward(x) + self.pooled(x)


class NestedHourglass(nn.Module):
    """One hourglass with hourglass residual units as skips, that shows its way up."""

    def __init__(self, depth: int, channels: int) -> None:
        super().__init__()
        scales = range(depth)
        self.skips = nn.ModuleList(HourglassResidual(channels) for _ in scales)
        self.downs = nn.ModuleList(
            nn.Sequential(nn.MaxPool2d(2), Residual(channels, channels)) for _ in scales
        )
        self.bottom = Residual(channels, channels)
        self.ups = nn.ModuleList(
            nn.Sequential(Residual(channels, channels), nn.Upsample(scale_factor=2, mode="nearest"))
            for _ in scales
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, C, H, W) -> `depth` tensors, coarse to fine; the last one, (N, C, H, W), is final."""
        skipped = []
        for skip, down in zip(self.skips, self.downs, strict=True):
            skipped.append(skip(x))
            x = down(x)
        x = self.bottom(x)
        upward = []
        for up in self.ups:
            x = skipped.pop() + up(x)
            upward.append(x)
        return upward


class PartPrediction(nn.Module):
    """Heatmaps of features that are attended to for each joint on its own."""

    def __init__(self, channels: int, num_joints: int, **crf: int) -> None:
        super().__init__()
        self.attention = Attention(channels, num_joints, **crf)
        self.predict = prediction(channels, num_joints)

    def forward(self, features: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, K, H, W)."""
        # A 1x1 convolution mixes channels and Q_k is the same for all of them, so
        # w_k . (features Q_k) + b_k = (w_k . features) Q_k + b_k: no K copies of the features.
        bias = self.predict.get_parameter("bias")
        unbiased = F.conv2d(features, self.predict.weight)
        return unbiased * self.attention(features) + bias[:, None, None]


class AttentionStack(nn.Module):
    """One stack: hourglass, attention of the whole body, prediction by `predict`."""

    def __init__(
        self, predict: nn.Module, depth: int, channels: int, multi_resolution: bool, **crf: int
    ) -> None:
        super().__init__()
        self.hourglass = NestedHourglass(depth, channels)
        several = MultiResolutionAttention(depth, channels, **crf) if multi_resolution else None
        self.resolutions = several
        self.features = conv_norm_relu(channels)
        self.attended = conv_norm_relu(channels)
        self.attention = Attention(channels, 1, **crf)
        self.predict = predict

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, C, H, W) -> features (N, C, H, W) before attention, heatmaps (N, K, H, W)."""
        upward = self.hourglass(x)
        features = upward[-1]
        if self.resolutions is not None:
            features = features * self.resolutions(upward)
        features = self.features(features)
        attended = self.attended(features)
        return features, self.predict(attended * self.attention(attended))


@MODELS.register_module()
class AttentionHourglass(Stacks):
    """The whole network; its outputs are the heatmaps of every stack, (N, K, H/4, W/4).

    Goes with MMPose's `CPMHead(num_stages=num_stacks, deconv_out_channels=None,
    final_layer=None)`, which adds the loss of every stack and the codec, and no layer.

    A forward hook on an `Attention` sees its maps, `stacks[i].attention` being the whole body's
    and `stacks[i].predict.attention`, in the second half, the joints'.

    Args:
        num_joints, channels, depth: as in `StackedHourglass`, and as large in the paper.
        num_stacks: S; 8 in the paper. All but the first `num_stacks // 2` have part attention.
        kernel_size: of the CRF's kernel; 11 in the authors' training script.
        iterations: steps of the mean field; 3 in the paper.
        multi_resolution: multiplies the hourglass's output with the sum of attention maps that
            are made at each resolution of its way up, before everything else.
    Raises:
        ValueError: one of the sizes is not positive, `channels` is no multiple of 4, or
            `kernel_size` is even.
    """

    def __init__(
        self,
        num_joints: int = 16,
        num_stacks: int = 8,
        channels: int = 256,
        depth: int = 4,
        kernel_size: int = 11,
        iterations: int = 3,
        multi_resolution: bool = False,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        crf = dict(kernel_size=kernel_size, iterations=iterations)
        sizes = dict(num_joints=num_joints, num_stacks=num_stacks, channels=channels, depth=depth)
        check_sizes(**sizes, **crf)
        if kernel_size % 2 == 0:
            raise ValueError(f"Expected an odd kernel_size. Got {crf}.")
        self.depth = depth
        self.stem = _stem(channels)
        whole = num_stacks // 2
        predictions: list[nn.Module] = [prediction(channels, num_joints) for _ in range(whole)]
        for _ in range(whole, num_stacks):
            predictions.append(PartPrediction(channels, num_joints, **crf))
        self.stacks = nn.ModuleList(
            AttentionStack(predict, depth, channels, multi_resolution, **crf)
            for predict in predictions
        )
        self.merge(channels, [num_joints] * num_stacks)

    def stack(self, number: int, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features and heatmaps of stack `number`."""
        return self.stacks[number](x)


def _stem(channels: int) -> nn.Sequential:
    quarter, half = channels // 4, channels // 2
    return nn.Sequential(
        nn.Conv2d(3, quarter, 7, padding=3),
        nn.BatchNorm2d(quarter),
        nn.ReLU(inplace=True),
        Residual(quarter, quarter),
        nn.MaxPool2d(2),
        Residual(quarter, quarter),
        Residual(quarter, half),
        nn.MaxPool2d(2),
        Residual(half, half),
        Residual(half, half),
        Residual(half, channels),
    )
