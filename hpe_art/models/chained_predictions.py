"""Chained predictions of Gkioxari et al. 2016 (arXiv:1605.02346), as an MMPose head.

Shapes: N images, C channels of the backbone, D hidden channels, K joints.

    features (N, C, h, w) -> 1x1 -> h_0 (N, D, h, w)
    y_t = deception_t(h_t)                                             (N, 1, 4h, 4w)
    h_t = ReLU(W_t h_{t-1} + sum over i < t of e_it(y_i)),  t = 1 ... K-1

The joints come one after the other, in the data set's order, and each sees all before it. It is
the predictions that are fed back, in training too, never the ground truth. W_t, e_it and
deception_t are convolutional networks of their own for each joint and each pair of joints ("untied
weights").

As in the PyTorch code used by Jain et al. (2019): D = 64 after a ResNet-34; h_0 without a ReLU;
W = 3x3-BN; e = 1x1 followed by twice 3x3/2-BN; deception = 1x1 to D/2 channels, two doublings that
each sum transposed convolutions of kernels 2, 4 and 6, then 3x3 to one channel; mean squared error
on Gaussian heatmaps, where Gkioxari et al. take the cross entropy of a softmax over cells.

Deviations:

- BN-ReLU after each doubling: that code builds the BN and does not use it, which leaves a deception
  linear;
- the kernel size of W and e is an option there, and 3 here;
- predictions start near zero, as in `hourglass.py`.
"""

from __future__ import annotations

from typing import Any

import hpe_art.compat  # noqa: F401  (before mmpose)

import torch
from mmpose.models.heads import HeatmapHead
from mmpose.registry import MODELS
from torch import Tensor, nn


class MultiScaleDeconvolution(nn.Module):
    """Doubles height and width: the sum of transposed convolutions, then BN-ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scales = nn.ModuleList(
            nn.ConvTranspose2d(channels, channels, kernel, stride=2, padding=kernel // 2 - 1)
            for kernel in (2, 4, 6)
        )
        self.norm_relu = nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU(inplace=True))

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, h, w) -> (N, channels, 2h, 2w)."""
        return self.norm_relu(torch.stack([scale(x) for scale in self.scales]).sum(0))


def _deception(hidden: int) -> nn.Sequential:
    """(N, hidden, h, w) -> heatmap of one joint (N, 1, 4h, 4w)."""
    half = hidden // 2
    predict = nn.Conv2d(half, 1, 3, padding=1)
    nn.init.normal_(predict.weight, std=0.001)
    predict.bias = nn.Parameter(torch.zeros(1))
    doublings = (MultiScaleDeconvolution(half) for _ in range(2))
    return nn.Sequential(nn.Conv2d(hidden, half, 1), *doublings, predict)


def _feedback(hidden: int, targets: int) -> nn.Sequential:
    """Heatmap of one joint (N, 1, 4h, 4w) -> what later joints hear (N, targets, hidden, h, w)."""
    # One network per target: groups keep them apart, and all run at once.
    width = targets * hidden
    return nn.Sequential(
        nn.Conv2d(1, width, 1),
        nn.Conv2d(width, width, 3, stride=2, padding=1, groups=targets),
        nn.BatchNorm2d(width),
        nn.Conv2d(width, width, 3, stride=2, padding=1, groups=targets),
        nn.BatchNorm2d(width),
        nn.Unflatten(1, (targets, hidden)),
    )


@MODELS.register_module()
class ChainedPredictionsHead(HeatmapHead):
    """Predicts the joints' heatmaps in a chain; loss, codec and flip test are MMPose's.

    `in_channels`, 512 after a ResNet-34, `out_channels` and `hidden_channels` are C, K and D;
    `kwargs` are `loss`, `decoder` and `init_cfg` of MMPose's `HeatmapHead`.

    Raises:
        ValueError: one of the sizes is not positive, or `hidden_channels` is odd.
    """

    def __init__(
        self, in_channels: int, out_channels: int = 16, hidden_channels: int = 64, **kwargs: Any
    ) -> None:
        sizes = dict(
            in_channels=in_channels, out_channels=out_channels, hidden_channels=hidden_channels
        )
        if min(sizes.values()) < 1 or hidden_channels % 2:
            raise ValueError(f"Expected positive sizes and even hidden_channels. Got {sizes}.")
        super().__init__(
            in_channels, out_channels, deconv_out_channels=None, final_layer=None, **kwargs
        )
        hidden, later = hidden_channels, range(out_channels - 1, 0, -1)
        self.first = nn.Conv2d(in_channels, hidden, 1)
        self.transitions = nn.ModuleList(
            nn.Sequential(nn.Conv2d(hidden, hidden, 3, padding=1), nn.BatchNorm2d(hidden))
            for _ in later
        )
        self.feedbacks = nn.ModuleList(_feedback(hidden, targets) for targets in later)
        self.deceptions = nn.ModuleList(_deception(hidden) for _ in range(out_channels))

    @property
    def default_init_cfg(self) -> list[dict]:
        """None: MMPose's, weights of size 0.001, would let nothing through the chain."""
        return []

    def forward(self, feats: tuple[Tensor, ...]) -> Tensor:
        """The last features, (N, C, h, w) -> heatmaps (N, K, 4h, 4w), one joint after the other."""
        state = self.first(feats[-1])
        heatmaps = [self.deceptions[0](state)]
        # To each joint from the last predicted one on, the sum of what it hears: (N, ., D, h, w).
        heard = state.new_zeros(len(state), self.out_channels, *state.shape[1:])
        for transition, feedback, deception in zip(
            self.transitions, self.feedbacks, self.deceptions[1:], strict=True
        ):
            heard = heard[:, 1:] + feedback(heatmaps[-1])
            state = torch.relu(transition(state) + heard[:, 0])
            heatmaps.append(deception(state))
        return torch.cat(heatmaps, dim=1)
