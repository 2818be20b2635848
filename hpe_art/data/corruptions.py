"""Corruptions of photographs, before people are cropped: noise, blur, weather, digital artefacts.

Those of ImageNet-C (Hendrycks & Dietterich 2019, arXiv:1903.12261), made by `imagecorruptions`, on
whole photographs as in AdvMix (Wang et al. 2021, arXiv:2105.06152).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hpe_art.compat  # noqa: F401  (before mmpose)

import numpy as np
from mmcv.transforms import BaseTransform
from mmpose.registry import TRANSFORMS

from hpe_art.errors import UserError

KINDS = {
    "noise": ("gaussian_noise", "shot_noise", "impulse_noise"),
    "blur": ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
    "weather": ("snow", "frost", "fog", "brightness"),
    "digital": ("contrast", "elastic_transform", "pixelate", "jpeg_compression"),
}
CORRUPTIONS = tuple(name for names in KINDS.values() for name in names)
SEVERITIES = (1, 2, 3, 4, 5)
SMALLEST = 32
"""Pixels of the shorter side."""
SEEDED = ("impulse_noise", "glass_blur")
"""Those that take a seed of their own instead of NumPy's global one."""


def corruptions_named(names: Iterable[str]) -> tuple[str, ...]:
    """Corruptions by their names or those of their kinds, in the usual order; all for none."""
    asked = set(names) or set(CORRUPTIONS)
    if unknown := asked - set(CORRUPTIONS) - set(KINDS):
        known = ", ".join([*CORRUPTIONS, *KINDS])
        raise UserError(f"Expected corruptions out of {known}. Got {', '.join(sorted(unknown))}.")
    return tuple(name for kind, each in KINDS.items() for name in each if {kind, name} & asked)


@TRANSFORMS.register_module()
class CorruptImage(BaseTransform):
    """Corrupts `img`, (H, W, 3) BGR, uint8; place it behind `LoadImage`.

    What is drawn depends on the seed, the corruption and the name of the image alone: everybody in
    a photograph sees the same weather, in every run.

    Args:
        name: out of `CORRUPTIONS`.
        severity: 1 to 5.
        seed: of what is drawn.

    Raises:
        UserError: there is no such corruption or severity; the package is missing; or, with an
            image, it is smaller than 32 pixels.
    """

    def __init__(self, name: str, severity: int = 3, seed: int = 0) -> None:
        if name not in CORRUPTIONS:
            raise UserError(f"Expected a corruption out of {', '.join(CORRUPTIONS)}. Got {name}.")
        if severity not in SEVERITIES:
            raise UserError(f"Expected a severity of 1 to 5. Got {severity}.")
        try:
            from imagecorruptions import corrupt
        except ImportError as error:
            raise UserError(
                "Expected the package that corrupts images. Got none: "
                f"pip install hpe-art[corruptions] ({error})."
            ) from None
        self.corrupt, self.name, self.severity, self.seed = corrupt, name, severity, seed

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """The sample with its image corrupted."""
        image, path = results["img"], Path(str(results.get("img_path", "")))
        if min(image.shape[:2]) < SMALLEST:
            raise UserError(
                f"Expected images of {SMALLEST} pixels at least to corrupt. Got {path} of "
                f"{image.shape[1]}x{image.shape[0]}."
            )
        about = f"{self.seed}/{self.name}/{self.severity}/{path.name}"
        drawn = int.from_bytes(hashlib.sha256(about.encode()).digest()[:4], "big")
        own = {"seed": drawn} if self.name in SEEDED else {}
        with _drawing_from(drawn):
            rgb = np.ascontiguousarray(image[..., ::-1])
            found = self.corrupt(rgb, self.severity, corruption_name=self.name, **own)
        results["img"] = np.ascontiguousarray(found[..., ::-1])
        return results


@contextmanager
def _drawing_from(seed: int) -> Iterator[None]:
    """NumPy's global state from a seed, and as it was afterwards."""
    state = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(state)
