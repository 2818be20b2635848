"""What is timed: a network at a size, a batch of images, and the loss that all share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.estimators.loading import load_config

Array = NDArray[np.float32]

SIZES = {
    "bundled hourglass": "hourglass.py",
    "2-stack hourglass": "mpii/hourglass.py",
    "8-stack hourglass": "mpii/hourglass_8stack.py",
    "ResNet-50 heatmap": "mpii/resnet_heatmap.py",
    "DeepPose": "mpii/deeppose.py",
}
"""Networks by name, and their configs; all but the bundled one at the paper's scale."""


@dataclass(frozen=True)
class Case:
    """A network and a batch.

    Attributes:
        name: a key of `SIZES`.
        batch_size: images.
        estimator: the network, with gradients through the model itself, in float32.
        x: (N, 3, H, W) float32, 0 to 255.
        y: (N, K, 3), poses inside the crops.
    """

    name: str
    batch_size: int
    estimator: PyTorchPoseEstimator
    x: Array
    y: Array

    def on_device(self) -> tuple[Tensor, Tensor]:
        """X and y as tensors where the network is."""
        device = self.estimator.device
        return torch.as_tensor(self.x, device=device), torch.as_tensor(self.y, device=device)

    def with_precision(self, precision: Any, compile: bool) -> PyTorchPoseEstimator:
        """Another estimator of the same model."""
        return PyTorchPoseEstimator(
            self.estimator.model,
            precision=precision,
            compile=compile,
            device_type="cpu" if self.estimator.device.type == "cpu" else "gpu",
        )


def build_case(name: str, batch_size: int, configs: Path, device: str, seed: int = 0) -> Case:
    """A case with random images; weights are random too where none are bundled.

    Args:
        name: a key of `SIZES`.
        batch_size: images.
        configs: folder of the configs.
        device: "cpu", or "gpu" for where there is one.
        seed: of images, poses and weights.

    Raises:
        ModelError: a config cannot be used.
    """
    torch.manual_seed(seed)
    cfg = load_config(configs / SIZES[name])
    estimator = PyTorchPoseEstimator.from_config(cfg, device_type=device)
    random = np.random.default_rng(seed)
    _, height, width = estimator.input_shape
    x = random.integers(0, 256, (batch_size, *estimator.input_shape)).astype(np.float32)
    points = random.uniform(0.2, 0.8, (batch_size, 16, 2)) * (width, height)
    y = np.concatenate([points, np.ones((batch_size, 16, 1))], axis=-1).astype(np.float32)
    return Case(name, batch_size, estimator, x, y)
