"""Deeply learned compositional model (DLCM, Tang et al. 2018): MMPose codec, backbone and head.

Shapes: N images, C channels, S hourglasses; the maps have a quarter of the input's size. There are
16 MPII joints, 12 bones (two joints each) and 6 limbs (two bones each).

    image -> stem -> joints -> bones -> limbs -> bones -> joints
                     16 maps   28       22       28       16

Five hourglasses climb from joints to limbs and back (figure 4). Bones and limbs carry the 16
joints' maps as well. On the way down a level sees its own maps from the way up, joined to the
features.

Deviations:

- predictions start near zero, as in `hourglass.py`;
- the 1x1 that joins features and recalled maps starts as the identity on the features;
- parts with an unlabelled joint do not count for the loss, since where they are is not known.
"""

from __future__ import annotations

from typing import Any

import hpe_art.compat  # noqa: F401  (before mmpose)

import numpy as np
import torch
from mmpose.codecs import MSRAHeatmap
from mmpose.models.heads import CPMHead
from mmpose.registry import KEYPOINT_CODECS, MODELS
from torch import Tensor, nn

from hpe_art.heatmaps import encode_bones, encode_heatmaps
from hpe_art.models.hourglass import Stacks, check_sizes
from hpe_art.skeleton import MPII

#: Joint to joint.
BONES: tuple[tuple[int, int], ...] = (
    (0, 1), (1, 2), (3, 4), (4, 5), (2, 6), (3, 6), (7, 8), (8, 9), (10, 11), (11, 12), (13, 14),
    (14, 15),
)  # fmt: skip

#: Bone and bone: right leg, left leg, waist, head-neck, right arm, left arm.
LIMBS: tuple[tuple[int, int], ...] = ((0, 1), (2, 3), (4, 5), (6, 7), (8, 9), (10, 11))

_JOINTS = range(len(MPII.joints))
_BONES = range(_JOINTS.stop, _JOINTS.stop + len(BONES))
_LIMBS = range(_BONES.stop, _BONES.stop + len(LIMBS))
#: Channels of `PartHeatmap` that each semantic level predicts, from the lowest.
LEVELS: tuple[list[int], ...] = ([*_JOINTS], [*_JOINTS, *_BONES], [*_JOINTS, *_LIMBS])


@KEYPOINT_CODECS.register_module()
class PartHeatmap(MSRAHeatmap):
    """Encodes joints, bones and limbs; decodes joints, as `MSRAHeatmap` does.

    Its arguments are the same; `sigma`, in cells, is a third of a whole number.

    Raises:
        ValueError: `sigma` is not as said, or, on encoding, other joints than MPII's 16.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not float(3 * self.sigma).is_integer():
            raise ValueError(f"Expected sigma to be a third of a whole number. Got {self.sigma}.")

    def encode(
        self, keypoints: np.ndarray, keypoints_visible: np.ndarray | None = None
    ) -> dict[str, Any]:
        """`heatmaps` (34, H, W) and `keypoint_weights` (1, 34) for one person (1, 16, 2)."""
        if keypoints_visible is None:
            keypoints_visible = np.ones(keypoints.shape[:2], dtype=np.float32)
        y = torch.from_numpy(np.dstack([keypoints, keypoints_visible]).astype(np.float32))
        heatmaps, weights = self.encode_poses(y)
        return dict(heatmaps=heatmaps[0].numpy(), keypoint_weights=weights.numpy())

    def encode_poses(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Heatmaps (N, 34, H, W) of joints, bones and limbs, and weights (N, 34), on y's device.

        A limb is the larger of its two bones in each cell; a part counts where all its joints do.
        y is (N, 16, 3), crop pixels and visibility.

        Raises:
            ValueError: other joints than MPII's 16.
        """
        if y.shape[1] != len(MPII.joints):
            raise ValueError(
                f"Expected the {len(MPII.joints)} joints of MPII, whose bones and limbs are known. "
                f"Got {y.shape[1]} joints."
            )
        factor = torch.as_tensor(self.scale_factor, dtype=y.dtype, device=y.device)
        grid = (factor, tuple(self.heatmap_size), self.sigma, self.unbiased)
        joints, joint_weights = encode_heatmaps(y, *grid)
        bones, bone_weights = encode_bones(y, BONES, *grid)
        first, second = (list(halves) for halves in zip(*LIMBS, strict=True))
        limb_weights = bone_weights[:, first] * bone_weights[:, second]
        limbs = torch.maximum(bones[:, first], bones[:, second]) * limb_weights[..., None, None]
        heatmaps = torch.cat([joints, bones, limbs], dim=1)
        return heatmaps, torch.cat([joint_weights, bone_weights, limb_weights], dim=1)


def up_and_down(num_levels: int) -> list[int]:
    """Semantic level of each hourglass: 0, 1, ..., the highest, ..., 1, 0.

    Raises:
        ValueError: there are 1 to 3 levels (joints, bones, limbs).
    """
    if num_levels not in range(1, len(LEVELS) + 1):
        raise ValueError(
            f"Expected num_levels from 1 to {len(LEVELS)} (joints, bones, limbs). "
            f"Got {num_levels!r}."
        )
    return [*range(num_levels), *range(num_levels - 2, -1, -1)]


def _recall(channels: int, count: int) -> nn.Conv2d:
    """At first the features pass as they are, and the recalled maps count for nothing."""
    convolution = nn.Conv2d(channels + count, channels, 1)
    nn.init.dirac_(convolution.weight)
    convolution.bias = nn.Parameter(torch.zeros(channels))
    return convolution


@MODELS.register_module()
class DLCM(Stacks):
    """The hourglasses; the outputs are the maps of each, bottom-up and then top-down.

    They are (N, 16 | 28 | 22, H/4, W/4). Goes with `DLCMHead` of as many levels.

    Args:
        num_levels: semantic levels: joints, bones, limbs; 3 in the paper, hence 5 hourglasses.
        channels, depth, num_residuals: as in `StackedHourglass`; 256, 4 and 1 in the paper.
    Raises:
        ValueError: `num_levels` is not 1 to 3, another size is not positive, or `channels` is no
            multiple of 4.
    """

    def __init__(
        self,
        num_levels: int = 3,
        channels: int = 256,
        depth: int = 4,
        num_residuals: int = 1,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.levels = up_and_down(num_levels)
        check_sizes(channels=channels, depth=depth, num_residuals=num_residuals)
        maps = [len(LEVELS[level]) for level in self.levels]
        self.fill(maps, channels, depth, num_residuals)
        self.recall = nn.ModuleList(_recall(channels, count) for count in maps[num_levels:])

    def recalled(self, number: int, x: Tensor, maps: list[Tensor]) -> Tensor:
        """On the way down, joined with the maps of its level from the way up."""
        down = number - len(self.levels) // 2 - 1
        if down < 0:
            return x
        return self.recall[down](torch.cat([x, maps[self.levels[number]]], dim=1))


@MODELS.register_module()
class DLCMHead(CPMHead):
    """Compares each output of `DLCM`, of as many levels, with the targets of its level.

    It predicts from the last one. `loss` is one for all outputs, `decoder` a `PartHeatmap` codec.

    Raises:
        ValueError: `num_levels` is not 1 to 3, or the codec is another.
    """

    def __init__(
        self,
        num_levels: int = 3,
        loss: dict | None = None,
        decoder: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        levels = up_and_down(num_levels)
        super().__init__(
            in_channels=len(_JOINTS),
            out_channels=len(_JOINTS),
            num_stages=len(levels),
            deconv_out_channels=None,
            final_layer=None,
            loss=loss or dict(type="KeypointMSELoss", use_target_weight=True),
            decoder=decoder,
            init_cfg=init_cfg,
        )
        self._channels = [LEVELS[level] for level in levels]
        if not hasattr(self.decoder, "encode_poses"):
            raise ValueError(
                "Expected the decoder to be a PartHeatmap codec, which knows bones and limbs. "
                f"Got {type(self.decoder).__name__}."
            )

    def attack_targets(self, y: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Target and weights of each output for poses y (N, 16, 3) in crop pixels."""
        return self._by_output(*self.decoder.encode_poses(y))

    @property
    def output_flip_indices(self) -> list[list[int]]:
        """For each output, the channel that shows the mirror image of each channel's part."""
        return [[channels.index(_MIRROR[c]) for c in channels] for channels in self._channels]

    def loss(
        self, feats: list[Tensor], batch_data_samples: list[Any], train_cfg: dict | None = None
    ) -> dict[str, Tensor]:
        """Sum of the outputs' losses, as `CPMHead` names it."""
        heatmaps = torch.stack([sample.gt_fields.heatmaps for sample in batch_data_samples])
        labels = [sample.gt_instance_labels for sample in batch_data_samples]
        weights = torch.cat([one.keypoint_weights for one in labels])
        targets = self._by_output(heatmaps, weights)
        outputs = zip(self.forward(feats), targets, strict=True)
        return dict(loss_kpt=sum(self.loss_module(maps, *target) for maps, target in outputs))

    def _by_output(self, heatmaps: Tensor, weights: Tensor) -> list[tuple[Tensor, Tensor]]:
        return [(heatmaps[:, own], weights[:, own]) for own in self._channels]


def _mirrored(parts: tuple[tuple[int, int], ...], mirror: list[int]) -> list[int]:
    """Where a mirror puts each part, given where it puts the two halves of each."""
    places = {frozenset(part): place for place, part in enumerate(parts)}
    return [places[frozenset(mirror[half] for half in part)] for part in parts]


_bones = _mirrored(BONES, list(MPII.flip_indices))
_limbs = _mirrored(LIMBS, _bones)
_MIRROR = [*MPII.flip_indices, *(_BONES[k] for k in _bones), *(_LIMBS[k] for k in _limbs)]
