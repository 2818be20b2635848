"""Small models whose optimum or gradient is known, built from MMPose's own parts."""

from __future__ import annotations

import hpe_art.compat

import numpy as np
import torch
from mmpose.registry import KEYPOINT_CODECS, MODELS
from mmpose.utils import register_all_modules
from torch import nn

import hpe_art.models  # noqa: F401  (registers the networks)
from hpe_art.estimators import PyTorchPoseEstimator

register_all_modules()

JOINTS = 16
FLIP_INDICES = [5, 4, 3, 2, 1, 0, 6, 7, 8, 9, 15, 14, 13, 12, 11, 10]
PREPROCESSOR = dict(
    type="PoseDataPreprocessor",
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    bgr_to_rgb=True,
)
HEATMAP_CODEC = dict(type="MSRAHeatmap", input_size=(32, 32), heatmap_size=(8, 8), sigma=1)
COORDINATE_CODEC = dict(type="RegressionLabel", input_size=(32, 32))


class LinearPose(nn.Module):
    """Coordinates (N, 2, 2) as a linear map of 8 x 8 images: its gradient is its weight."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.data_preprocessor = nn.Identity()
        self.head = nn.Module()
        self.head.decoder = KEYPOINT_CODECS.build(dict(type="RegressionLabel", input_size=(8, 8)))
        self.head.loss_module = MODELS.build(dict(type="MSELoss", use_target_weight=True))
        self.linear = nn.Linear(3 * 8 * 8, 4, bias=False)
        generator = torch.Generator().manual_seed(seed)
        weight = torch.randn(self.linear.weight.shape, generator=generator) / 5000
        self.linear.weight.data.copy_(weight)

    def forward(self, inputs: torch.Tensor, data_samples: None, mode: str) -> torch.Tensor:
        assert mode == "tensor"
        return 0.5 + self.linear(inputs.flatten(1) - 127.5).reshape(-1, 2, 2)


def pose_model(
    backbone: dict, head: dict, neck: dict | None = None, seed: int = 0, **test_cfg: object
) -> nn.Module:
    """A top-down model with random weights and lively batch-norm statistics."""
    torch.manual_seed(seed)
    model = MODELS.build(
        dict(
            type="TopdownPoseEstimator",
            data_preprocessor=PREPROCESSOR,
            backbone=backbone,
            neck=neck,
            head=head,
            test_cfg=dict(flip_test=False, **test_cfg),
        )
    )
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    model.dataset_meta = dict(flip_indices=FLIP_INDICES)
    return model.eval()


def hourglass(codec: dict | None = None, **test_cfg: object) -> nn.Module:
    """Two stacks at 32 x 32, heatmaps of 8 x 8."""
    return pose_model(
        dict(type="StackedHourglass", num_stacks=2, channels=8, depth=1),
        dict(
            type="CPMHead",
            in_channels=JOINTS,
            out_channels=JOINTS,
            num_stages=2,
            deconv_out_channels=None,
            final_layer=None,
            loss=dict(type="KeypointMSELoss", use_target_weight=True, loss_weight=100.0),
            decoder=codec or HEATMAP_CODEC,
        ),
        **test_cfg,
    )


def dlcm(**test_cfg: object) -> nn.Module:
    """Five hourglasses at 32 x 32, each with targets of its own."""
    head = dict(
        type="DLCMHead",
        loss=dict(type="KeypointMSELoss", use_target_weight=True),
        decoder=dict(HEATMAP_CODEC, type="PartHeatmap"),
    )
    return pose_model(dict(type="DLCM", channels=8, depth=1), head, **test_cfg)


def regression(loss: str = "MSELoss", **test_cfg: object) -> nn.Module:
    """ResNet-18 with coordinates, as DeepPose."""
    head = dict(
        type="RegressionHead",
        in_channels=512,
        num_joints=JOINTS,
        loss=dict(type=loss, use_target_weight=True),
        decoder=COORDINATE_CODEC,
    )
    backbone, neck = dict(type="ResNet", depth=18), dict(type="GlobalAveragePooling")
    return pose_model(backbone, head, neck, **test_cfg)


def simple_baseline(**test_cfg: object) -> nn.Module:
    """ResNet-18 with one heatmap output."""
    head = dict(
        type="HeatmapHead",
        in_channels=512,
        out_channels=JOINTS,
        deconv_out_channels=(16, 16, 16),
        deconv_kernel_sizes=(4, 4, 4),
        loss=dict(type="KeypointMSELoss", use_target_weight=True),
        decoder=HEATMAP_CODEC,
    )
    return pose_model(dict(type="ResNet", depth=18), head, **test_cfg)


def mmpose_head(kind: str, codec: dict, loss: dict, **options: object) -> nn.Module:
    """A small convolution with one of MMPose's heads, 32 x 32; features of 8 x 8."""
    head = {"type": kind, "in_channels": 8, "loss": loss, "decoder": codec, **options}
    test_cfg = {"flip_mode": "udp_combined"} if codec.get("heatmap_type") == "combined" else {}
    return pose_model(dict(type="ToyBackbone"), head, **test_cfg)


def headed(name: str) -> nn.Module:
    """A model with the head of that name in `HEADED`."""
    return mmpose_head(**HEADED[name])


@MODELS.register_module(force=True)
class ToyBackbone(nn.Module):
    """Features (N, 8, 8, 8) of images of 32 x 32."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 8, 5, 4, 2), nn.BatchNorm2d(8), nn.Tanh())

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor]:
        return (self.layers(images),)


SIMCC_CODEC = dict(type="SimCCLabel", input_size=(32, 32), sigma=2.0, simcc_split_ratio=2.0)
SIMCC_LOSS = dict(type="KLDiscretLoss", use_target_weight=True)
RTM_LOSS = dict(SIMCC_LOSS, beta=10.0, label_softmax=True)
GAU = dict(hidden_dims=16, s=8, expansion_factor=2, dropout_rate=0.0, drop_path=0.0,
           act_fn="SiLU", use_rel_bias=False, pos_enc=False)  # fmt: skip
SIMCC = dict(out_channels=JOINTS, input_size=(32, 32), in_featuremap_size=(8, 8))
INTEGRAL = dict(num_joints=JOINTS, in_featuremap_size=(8, 8), deconv_out_channels=None)
INTEGRAL_CODEC = dict(
    type="IntegralRegressionLabel", input_size=(32, 32), heatmap_size=(8, 8), sigma=1.0
)
PLAIN = dict(out_channels=JOINTS, deconv_out_channels=None)
HEADED = {
    "SimCC": dict(kind="SimCCHead", codec=SIMCC_CODEC, loss=SIMCC_LOSS, **SIMCC),
    "SimCC, one-hot": dict(
        kind="SimCCHead",
        codec=dict(SIMCC_CODEC, smoothing_type="standard", label_smooth_weight=0.1),
        loss=SIMCC_LOSS,
        **SIMCC,
    ),
    "SimCC, DARK": dict(
        kind="SimCCHead", codec=dict(SIMCC_CODEC, use_dark=True), loss=SIMCC_LOSS, **SIMCC
    ),
    "RTMCC": dict(
        kind="RTMCCHead",
        codec=dict(SIMCC_CODEC, normalize=False),
        loss=dict(RTM_LOSS, mask=[0, 3], mask_weight=0.5),
        final_layer_kernel_size=3,
        gau_cfg=GAU,
        **SIMCC,
    ),
    "RLE": dict(
        kind="RLEHead",
        codec=COORDINATE_CODEC,
        loss=dict(type="RLELoss", use_target_weight=True),
        in_channels=8 * 8 * 8,
        num_joints=JOINTS,
    ),
    "RLE, Gaussian": dict(
        kind="RLEHead",
        codec=COORDINATE_CODEC,
        loss=dict(type="RLELoss", use_target_weight=True, q_distribution="gaussian"),
        in_channels=8 * 8 * 8,
        num_joints=JOINTS,
    ),
    "integral": dict(
        kind="IntegralRegressionHead",
        codec=COORDINATE_CODEC,
        loss=dict(type="SmoothL1Loss", use_target_weight=True),
        **INTEGRAL,
    ),
    "DSNT": dict(
        kind="DSNTHead",
        codec=INTEGRAL_CODEC,
        loss=dict(
            type="MultipleLossWrapper",
            losses=[
                dict(type="SmoothL1Loss", use_target_weight=True),
                dict(type="JSDiscretLoss", use_target_weight=True),
            ],
        ),
        **INTEGRAL,
    ),
    "UDP": dict(
        kind="HeatmapHead",
        codec=dict(type="UDPHeatmap", input_size=(32, 32), heatmap_size=(8, 8), sigma=1),
        loss=dict(type="KeypointMSELoss", use_target_weight=True),
        **PLAIN,
    ),
    "UDP, offsets": dict(
        kind="HeatmapHead",
        codec=dict(
            type="UDPHeatmap",
            input_size=(32, 32),
            heatmap_size=(8, 8),
            heatmap_type="combined",
            blur_kernel_size=3,
        ),
        loss=dict(type="CombinedTargetMSELoss", use_target_weight=True),
        **dict(PLAIN, out_channels=3 * JOINTS),
    ),
}
"""MMPose's heads by family, on a toy backbone."""


def wrap(model: nn.Module, **options) -> PyTorchPoseEstimator:
    """The estimator of a model, on the CPU."""
    return PyTorchPoseEstimator(model, device_type="cpu", **options)


def people(count: int, size: int = 32, joints: int = JOINTS, seed: int = 0):
    """Random images (N, 3, S, S) of whole grey levels and poses, some joints off or unlabelled."""
    random = np.random.default_rng(seed)
    x = random.integers(0, 256, (count, 3, size, size)).astype(np.float32)
    points = random.uniform(-0.2 * size, 1.2 * size, (count, joints, 2))
    visible = (random.random((count, joints, 1)) < 0.8).astype(float)
    return x, np.concatenate([points, visible], axis=-1).astype(np.float32)


def data_samples(model: nn.Module, y: np.ndarray) -> list:
    """What MMPose's pipeline would pack for these poses, encoded by the model's own codec."""
    from mmengine.structures import InstanceData, PixelData
    from mmpose.structures import PoseDataSample

    samples = []
    for pose in y:
        encoded = model.head.decoder.encode(pose[None, :, :2].copy(), pose[None, :, 2].copy())
        labels = InstanceData()
        for name in ("keypoint_labels", "keypoint_weights"):
            if name in encoded:
                labels.set_field(torch.as_tensor(encoded[name]).float(), name)
        sample = PoseDataSample(gt_instance_labels=labels)
        if "heatmaps" in encoded:
            sample.gt_fields = PixelData(heatmaps=torch.as_tensor(encoded["heatmaps"]))
        samples.append(sample)
    return samples
