"""The targets of DLCM (Tang et al. 2018) as an MMPose codec: joints, bones, limbs.

Shapes: 16 MPII joints, 12 bones (two joints each), 6 limbs (two bones each), H x W cells.
"""

from __future__ import annotations

from typing import Any

import hpe_art.compat  # noqa: F401  (before mmpose)

import numpy as np
import torch
from mmpose.codecs import MSRAHeatmap
from mmpose.registry import KEYPOINT_CODECS
from torch import Tensor

from hpe_art.heatmaps import encode_bones, encode_heatmaps
from hpe_art.skeleton import MPII

#: The bones of DLCM (Tang et al. 2018): joint to joint.
BONES: tuple[tuple[int, int], ...] = (
    (0, 1), (1, 2), (3, 4), (4, 5), (2, 6), (3, 6), (7, 8), (8, 9), (10, 11), (11, 12), (13, 14),
    (14, 15),
)  # fmt: skip

#: The limbs of DLCM, two bones each: right leg, left leg, waist, head-neck, right arm, left arm.
LIMBS: tuple[tuple[int, int], ...] = ((0, 1), (2, 3), (4, 5), (6, 7), (8, 9), (10, 11))


@KEYPOINT_CODECS.register_module()
class PartHeatmap(MSRAHeatmap):
    """Encodes joints, bones and limbs; decodes joints, as `MSRAHeatmap` does.

    Args:
        input_size: (W, H) of the crop in pixels.
        heatmap_size: (W, H) of the heatmaps in cells.
        sigma: in cells, a third of a whole number.
        **kwargs: `unbiased` and `blur_kernel_size` of `MSRAHeatmap`.

    Raises:
        ValueError: `sigma` is not as said, or, on encoding, other joints than MPII's 16.
    """

    def __init__(
        self,
        input_size: tuple[int, int],
        heatmap_size: tuple[int, int],
        sigma: float,
        **kwargs: Any,
    ) -> None:
        if not float(3 * sigma).is_integer():
            raise ValueError(f"Expected sigma to be a third of a whole number. Got {sigma}.")
        super().__init__(input_size, heatmap_size, sigma, **kwargs)

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
