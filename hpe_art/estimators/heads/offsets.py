"""Heads of UDP's combined targets: a map of each joint's disc, and offsets to the joint.

Shapes: N images, K joints, H x W heatmap cells.
"""

from __future__ import annotations

from typing import Any

import cv2
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad

from hpe_art.estimators.heads.base import (
    HEADS,
    Part,
    check_flip_mode,
    loss_per_image,
    unflipped_maps,
)
from hpe_art.estimators.heads.heatmap import HeatmapAdaptor
from hpe_art.heatmaps import sharpened


@HEADS.register_module(name="UDPHeatmap of offsets")
class OffsetAdaptor(HeatmapAdaptor):
    """Outputs (N, K, 3, H, W): the map, and offsets in x and y; the codec encodes and decodes."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__(head)
        self.on_device = False

    def outputs(self, raw: Any) -> list[Tensor]:
        """With the three maps of a joint together."""
        return [one.unflatten(1, (-1, 3)) for one in super().outputs(raw)]

    def unflip(self, output: Tensor, flip_indices: list[int], test_cfg: dict[str, Any]) -> Tensor:
        """As MMPose's `flip_heatmaps` with its mode "udp_combined"."""
        check_flip_mode(test_cfg, "udp_combined")
        signs = output.new_tensor([1.0, -1.0, 1.0])[:, None, None]
        return unflipped_maps(output, flip_indices, test_cfg) * signs

    def decode(self, output: Tensor) -> Tensor:
        """By the codec, image by image."""
        return super().decode(output.flatten(1, 2))

    def encode(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Discs and offsets."""
        targets, weights = super().encode(y)
        return targets.unflatten(1, (-1, 3)), weights

    def loss(self, index: int, output: Tensor, target: tuple[Tensor, Tensor]) -> Tensor:
        """`CombinedTargetMSELoss`, image by image."""
        maps, weights = target
        flat = output.flatten(1, 2), maps.flatten(1, 2), weights
        return loss_per_image(self.module(index), *flat)

    def distances(self, output: Tensor, y: Tensor) -> Tensor:
        """Averaged over the sharpened maps, of the places that the offsets say."""
        (part,) = self.parts(output)
        apart = torch.linalg.vector_norm(part.places - y[..., None, :2], dim=-1)
        return (sharpened(part.values) * apart).sum(-1)

    def parts(self, output: Tensor) -> list[Part]:
        """The cells of the maps, blurred as the codec does, at the places that the offsets say."""
        codec, (width, height) = self.codec, self.codec.heatmap_size
        size, radius = 2 * codec.blur_kernel_size + 1, codec.radius_factor * max(width, height)
        kernel = torch.from_numpy(cv2.getGaussianKernel(size, 0)[:, 0]).to(output)
        rows, columns = (torch.arange(n, device=output.device) for n in (height, width))
        cells = torch.stack(torch.meshgrid(columns, rows, indexing="xy"))
        steps = output.new_tensor(self.input_size) / output.new_tensor([width - 1, height - 1])
        places = (cells + radius * output[:, :, 1:]).flatten(3).mT * steps
        return [Part(_blurred(output[:, :, 0], kernel).flatten(2), places)]


def _blurred(maps: Tensor, kernel: Tensor) -> Tensor:
    """As OpenCV's Gaussian blur, whose border is reflected."""
    margin, joints = len(kernel) // 2, maps.shape[1]
    weights = kernel.expand(joints, 1, 1, -1)
    for _ in range(2):  # along the rows, then along the columns
        maps = conv2d(pad(maps, (margin, margin, 0, 0), mode="reflect"), weights, groups=joints).mT
    return maps
