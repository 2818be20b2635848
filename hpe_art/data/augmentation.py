"""Training augmentation that MMPose lacks."""

from typing import Any

import hpe_art.compat  # noqa: F401  (before mmpose)

import numpy as np
from mmcv.transforms import BaseTransform
from mmpose.registry import TRANSFORMS


@TRANSFORMS.register_module()
class RandomChannelGain(BaseTransform):
    """Multiplies each colour channel of `img`, (H, W, C), 0 to 255, by a gain of its own.

    The gains are uniform between low and high; ValueError unless 0 <= low <= high.

    Source: Newell et al. 2016's training code; 0.6 to 1.4 in Jain et al. 2019.
    """

    def __init__(self, low: float = 0.6, high: float = 1.4) -> None:
        if not 0 <= low <= high:
            raise ValueError(f"Expected 0 <= low <= high. Got {low} and {high}.")
        self.low, self.high = low, high

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Brightens and darkens; what passes 255 is clipped."""
        image = results["img"]
        gains = np.random.uniform(self.low, self.high, image.shape[-1])
        results["img"] = (image * gains).round().clip(0, 255).astype(image.dtype)
        return results
