"""Heads of SimCC: a distribution along each axis (SimCC, RTMCC, RTMW).

Shapes: N images, K joints, X and Y bins along the width and the height.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import kl_div

from hpe_art.estimators.heads.base import HEADS, HeadAdaptor, Part, index_tensor
from hpe_art.heatmaps import sharpened

USUAL_BETA = 10.0
"""Of RTMPose's loss, with which its outputs have peaks of about 1."""


@HEADS.register_module(name="SimCCLabel")
class SimccAdaptor(HeadAdaptor):
    """Both axes in one tensor (N, K, X + Y), x first.

    Encoded and decoded on the device; with `use_dark` decoded by the codec, image by image.
    """

    has_cells = True

    def __init__(self, head: nn.Module) -> None:
        super().__init__(head)
        split = self.codec.simcc_split_ratio
        # As the heads do: cut off, not rounded.
        self._bins = [int(size * split) for size in self.codec.input_size]

    def outputs(self, raw: Any) -> list[Tensor]:
        """One, of both axes."""
        return [torch.cat(tuple(raw), dim=-1)]

    def unflip(self, output: Tensor, flip_indices: list[int], test_cfg: dict[str, Any]) -> Tensor:
        """As MMPose's `flip_vectors`."""
        output = output.index_select(1, index_tensor(tuple(flip_indices), output.device))
        x, y = self._axes(output)
        return torch.cat([x.flip(-1), y], dim=-1)

    def decode(self, output: Tensor) -> Tensor:
        """The largest bin of each axis; the score is the smaller of both maxima."""
        axes = self._axes(output)
        if self.codec.use_dark:
            return self._decoded_by_codec(axes)
        scores, bins = zip(*(axis.max(-1) for axis in axes), strict=True)
        score = torch.minimum(*scores)
        places = torch.stack(bins, dim=-1).to(output.dtype)
        # MMPose puts joints without a positive maximum at bin -1.
        places = torch.where((score > 0)[..., None], places, -torch.ones_like(places))
        return torch.cat([places / self.codec.simcc_split_ratio, score[..., None]], dim=-1)

    def encode(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Gaussians around the joints' bins, or smoothed one-hot labels, as the codec has them."""
        codec = self.codec
        bins = (y[..., :2] * codec.simcc_split_ratio).round().trunc()
        sizes = bins.new_tensor(self._bins)
        gaussian = codec.smoothing_type == "gaussian"
        reach = bins.new_tensor(codec.sigma * 3) if gaussian else bins.new_zeros(2)
        touches = ((bins - reach < sizes) & (bins + reach + float(gaussian) >= 0)).all(-1)
        weights = (touches & (y[..., 2] > 0)).to(y.dtype)
        axes = [self._label(bins[..., axis], axis) for axis in (0, 1)]
        return torch.cat(axes, dim=-1) * weights[..., None], weights

    def loss(self, index: int, output: Tensor, target: tuple[Tensor, Tensor]) -> Tensor:
        """`KLDiscretLoss` at once; other losses image by image."""
        module, (labels, weights) = self.module(index), target
        if type(module).__name__ == "KLDiscretLoss":
            pairs = zip(self._axes(output), self._axes(labels), strict=True)
            return _kl_loss(module, list(pairs), weights)
        parts = zip(*(x.split(1) for x in (output, labels, weights)), strict=True)
        return torch.stack([module(self._axes(o), self._axes(t), w) for o, t, w in parts])

    def distances(self, output: Tensor, y: Tensor) -> Tensor:
        """From the mean squares along both sharpened axes."""
        axes = zip(self._axes(output), y[..., :2].unbind(-1), strict=True)
        squares = [self._spread(values, place) for values, place in axes]
        return (squares[0] + squares[1] + 1).sqrt() - 1

    def parts(self, output: Tensor) -> list[Part]:
        """Both axes."""
        beta = getattr(self.loss_module, "beta", USUAL_BETA)
        return [
            Part(values * (beta / USUAL_BETA), self._places(values)[:, None], slice(axis, axis + 1))
            for axis, values in enumerate(self._axes(output))
        ]

    def _axes(self, output: Tensor) -> tuple[Tensor, Tensor]:
        x, y = output.split(self._bins, dim=-1)
        return x, y

    def _places(self, values: Tensor) -> Tensor:
        bins = torch.arange(values.shape[-1], device=values.device, dtype=values.dtype)
        return bins / self.codec.simcc_split_ratio

    def _label(self, bins: Tensor, axis: int) -> Tensor:
        codec, size = self.codec, self._bins[axis]
        offsets = torch.arange(size, device=bins.device) - bins[..., None]
        if codec.smoothing_type == "standard":
            rest = codec.label_smooth_weight
            return torch.where(offsets == 0, 1.0 - rest, rest / (size - 1)).to(bins.dtype)
        sigma = float(codec.sigma[axis])
        peak = sigma * np.sqrt(2 * np.pi) if codec.normalize else 1.0
        return torch.exp(-offsets.square() / (2 * sigma**2)) / peak

    def _spread(self, values: Tensor, place: Tensor) -> Tensor:
        return (sharpened(values) * (self._places(values) - place[..., None]).square()).sum(-1)

    def _decoded_by_codec(self, axes: tuple[Tensor, Tensor]) -> Tensor:
        # A copy, since the codec works in place.
        x, y = (axis.detach().float().cpu().numpy().copy() for axis in axes)
        poses = []
        for one_x, one_y in zip(x, y, strict=True):
            points, scores = self.codec.decode(one_x[None], one_y[None])
            scores = scores[0] if isinstance(scores, tuple) else scores
            poses.append(np.dstack([points, scores])[0])
        return torch.as_tensor(np.stack(poses), dtype=axes[0].dtype, device=axes[0].device)


def _kl_loss(module: Any, pairs: list[tuple[Tensor, Tensor]], weights: Tensor) -> Tensor:
    """`KLDiscretLoss` of each image: its mean over bins, summed over axes, mean over joints."""
    joints = torch.stack([_divergence(module, *pair) for pair in pairs]).sum(0)
    if module.use_target_weight:
        joints = joints * weights
    if module.mask is not None:
        factors = joints.new_ones(joints.shape[1])
        factors[list(module.mask)] = module.mask_weight
        joints = joints * factors
    return joints.mean(1)


def _divergence(module: Any, output: Tensor, label: Tensor) -> Tensor:
    if module.label_softmax:
        label = (label * module.label_beta).softmax(-1)
    return kl_div((output * module.beta).log_softmax(-1), label, reduction="none").mean(-1)
