"""Heads of heatmaps.

Shapes: N images, K joints, H x W heatmap cells.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from hpe_art.estimators.heads.base import (
    HEADS,
    HeadAdaptor,
    Part,
    check_flip_mode,
    loss_per_image,
    unflipped_maps,
)
from hpe_art.heatmaps import decode_heatmaps, encode_heatmaps, expected_distances
from hpe_art.losses import heatmap_mse


@HEADS.register_module(name=["MSRAHeatmap", "UDPHeatmap", "MegviiHeatmap", "PartHeatmap"])
class HeatmapAdaptor(HeadAdaptor):
    """Heatmaps (N, K, H, W), of one stage or many.

    MMPose's `MSRAHeatmap` and `PartHeatmap` are encoded and decoded on the device; the other
    heatmap codecs through their own NumPy code, image by image.
    """

    has_cells = True

    def __init__(self, head: nn.Module) -> None:
        super().__init__(head)
        codec = self.codec
        self.on_device = (
            type(codec).__name__ in ("MSRAHeatmap", "PartHeatmap")
            and float(codec.sigma * 3).is_integer()
        )

    def unflip(self, output: Tensor, flip_indices: list[int], test_cfg: dict[str, Any]) -> Tensor:
        """As MMPose's `flip_heatmaps`."""
        check_flip_mode(test_cfg, "heatmap")
        return unflipped_maps(output, flip_indices, test_cfg)

    def decode(self, output: Tensor) -> Tensor:
        """Maximum of each heatmap, refined as the codec does."""
        if self.on_device:
            blur = _blur(self.codec) if self.codec.unbiased else None
            return decode_heatmaps(output, _factor(self.codec, output), blur)
        decoded = [self.codec.decode(image) for image in output.detach().cpu().numpy()]
        poses = np.stack([np.dstack([points, scores])[0] for points, scores in decoded])
        return torch.as_tensor(poses, dtype=torch.float32, device=output.device)

    def encode(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Gaussians around the joints, peak 1; joints off the map have weight 0."""
        if self.on_device:
            codec = self.codec
            factor = _factor(codec, y)
            return encode_heatmaps(y, factor, codec.heatmap_size, codec.sigma, codec.unbiased)
        return _encoded(self.codec, y)

    def targets(self, y: Tensor, count: int) -> list[tuple[Tensor, Tensor]]:
        """Those of each level by its own codec, where the head has several (`level_codecs`)."""
        if not self._level_codecs:
            return super().targets(y, count)
        known = [_encoded(codec, y) for codec in self._level_codecs]
        return [known[level] for level in self._levels]

    def loss(self, index: int, output: Tensor, target: tuple[Tensor, Tensor]) -> Tensor:
        """`KeypointMSELoss` at once; other losses image by image."""
        module = self.module(index)
        if type(module).__name__ == "KeypointMSELoss" and not module.skip_empty_channel:
            return heatmap_mse(output, *target) * module.loss_weight
        return loss_per_image(module, output, *target)

    def distances(self, output: Tensor, y: Tensor) -> Tensor:
        """Averaged over a sharpened heatmap."""
        return expected_distances(output, y[..., :2], _factor(self.codec, output))

    def parts(self, output: Tensor) -> list[Part]:
        """The cells that `decode` puts a maximum at, before it is refined."""
        rows, columns = (torch.arange(size, device=output.device) for size in output.shape[2:])
        grid = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=-1)
        return [Part(output.flatten(2), grid.reshape(-1, 2) * _factor(self.codec, output))]


def _encoded(codec: Any, y: Tensor) -> tuple[Tensor, Tensor]:
    """By a codec of MMPose's, image by image."""
    encoded = [
        codec.encode(pose[None, :, :2], (pose[None, :, 2] > 0).astype(np.float32))
        for pose in y.detach().cpu().numpy()
    ]
    targets = np.stack([e["heatmaps"] for e in encoded])
    weights = np.concatenate([e["keypoint_weights"] for e in encoded])
    return torch.as_tensor(targets).to(y), torch.as_tensor(weights).to(y)


def _blur(codec: Any) -> Tensor:
    """The kernel that MMPose's `gaussian_blur` has from OpenCV."""
    return torch.from_numpy(cv2.getGaussianKernel(codec.blur_kernel_size, 0)[:, 0])


def _factor(codec: Any, like: Tensor) -> Tensor:
    return torch.as_tensor(codec.scale_factor, dtype=like.dtype, device=like.device)
