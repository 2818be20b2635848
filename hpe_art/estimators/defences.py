"""ART's preprocessing defences by name, set for grey levels and channels first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from art.defences.preprocessor import (
    FeatureSqueezing,
    GaussianAugmentation,
    JpegCompression,
    SpatialSmoothing,
    TotalVarMin,
)

RANGE = (0.0, 255.0)

DEFENCES: dict[str, Callable[[], Any]] = {
    "smoothing": lambda: SpatialSmoothing(window_size=3, channels_first=True, clip_values=RANGE),
    "jpeg": lambda: JpegCompression(clip_values=RANGE, quality=50, channels_first=True),
    "squeezing": lambda: FeatureSqueezing(clip_values=RANGE, bit_depth=4),
    "gaussian": lambda: GaussianAugmentation(
        sigma=8.0, augmentation=False, apply_predict=True, clip_values=RANGE
    ),
    "total-variation": lambda: TotalVarMin(max_iter=5, lamb=0.05, clip_values=RANGE),
}
