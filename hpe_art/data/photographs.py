"""One photograph without annotations, as a top-down model sees it, and the way back into it.

Pixels of photographs are (H, W, 3) uint8, blue first, as MMPose's `LoadImage` has them; those of
crops (3, h, w), as the pipeline packs them. Points are x, y; pixel centres are whole numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hpe_art.compat  # noqa: F401  (before mmpose)

import cv2
import numpy as np
from mmengine.config import Config
from mmengine.dataset import Compose
from mmpose.utils import register_all_modules
from numpy.typing import NDArray

from hpe_art.data.annotations import DataError
from hpe_art.data.images import image_fault
from hpe_art.data.test_sets import CONVERTER, CROPPING
from hpe_art.errors import usable

Array = NDArray[np.float32]
Pixels = NDArray[np.uint8]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Photograph:
    """A photograph, and the box (x1, y1, x2, y2) of the person in it, in its pixels."""

    path: Path
    pixels: Pixels
    box: Box

    @property
    def longer_side(self) -> float:
        """Of the box, in pixels of the photograph: what distances are measured by."""
        return max(self.box[2] - self.box[0], self.box[3] - self.box[1])


def read_photograph(path: str | Path, box: Sequence[float] | None = None) -> Photograph:
    """Reads a photograph in 8 bits and three colours, turned as its EXIF data says.

    Args:
        path: of the file.
        box: x1, y1, x2, y2 of the person, in pixels; default the whole image.

    Raises:
        DataError: no such file, no image, or a box that does not lie in it; the message says so.
    """
    if not Path(path).is_file():
        raise DataError(f"Expected a photograph. Got {path}, which does not exist.")
    fault = image_fault(path)
    pixels: Any = None if fault else cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        reason = fault or "OpenCV does not read its format"
        raise DataError(f"Expected a photograph. Got {path}, which cannot be read: {reason}.")
    height, width = pixels.shape[:2]
    if box is None:
        return Photograph(Path(path), pixels, (0.0, 0.0, float(width), float(height)))
    x1, y1, x2, y2 = map(float, box)
    if not (0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height):
        raise DataError(
            f"Expected a box x1 y1 x2 y2 with x1 < x2 and y1 < y2 within {path}, which is "
            f"{width} x {height} pixels. Got {x1:g} {y1:g} {x2:g} {y2:g}."
        )
    return Photograph(Path(path), pixels, (x1, y1, x2, y2))


@dataclass(frozen=True)
class PhotographCrop:
    """The box of a photograph as the pipeline of a config crops it."""

    photograph: Photograph
    x: Array  # (3, h, w), 0 to 255, channels as packed
    matrix: NDArray[np.float64]  # (2, 3), takes pixels of the photograph to those of the crop

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.x.shape[2], self.x.shape[1]

    @property
    def magnification(self) -> float:
        """Length of a pixel of the photograph, in pixels of the crop."""
        return math.sqrt(abs(float(np.linalg.det(self.matrix[:, :2]))))

    @property
    def shows(self) -> NDArray[np.bool_]:
        """(h, w), which pixels of the crop show the photograph; the others are padding."""
        ones = np.ones(self.photograph.pixels.shape[:2], np.uint8)
        return cv2.warpAffine(ones, self.matrix, self.size, flags=cv2.INTER_NEAREST) > 0

    @property
    def window(self) -> tuple[int, int, int, int]:
        """The part x1, y1, x2, y2 of the photograph that the crop shows, ends excluded."""
        height, width = self.photograph.pixels.shape[:2]
        right, bottom = np.subtract(self.size, 0.5)
        corners = self.to_photograph(np.array([[-0.5, -0.5], [right, bottom]], np.float32))
        (x1, y1), (x2, y2) = corners.round().astype(int).tolist()
        return max(x1, 0), max(y1, 0), min(x2 + 1, width), min(y2 + 1, height)

    def to_photograph(self, poses: Array) -> Array:
        """Poses (..., 2 or 3) from pixels of the crop to those of the photograph."""
        back: Any = cv2.invertAffineTransform(self.matrix)
        return _moved(poses, back)

    def to_crop(self, poses: Array) -> Array:
        """Poses (..., 2 or 3) from pixels of the photograph to those of the crop."""
        return _moved(poses, self.matrix)

    def put_back(self, perturbation: Array, eps: float) -> Pixels:
        """The photograph with a perturbation of the crop, in whole grey levels.

        Each pixel that the crop shows takes the perturbation of the pixel of the crop next to it:
        what is resampled more smoothly loses some of its size (docs/demo.md). All others stay.

        Args:
            perturbation: (3, h, w), in grey levels, channels blue first.
            eps: by which a pixel may change at most.

        Returns:
            (H, W, 3).
        """
        clean = self.photograph.pixels
        change = cv2.warpAffine(
            np.ascontiguousarray(perturbation.transpose(1, 2, 0), np.float32),
            self.matrix,
            clean.shape[1::-1],
            flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
        )
        most = math.floor(eps)  # the next whole grey level may be beyond eps
        return np.clip(clean + np.clip(np.rint(change), -most, most), 0, 255).astype(np.uint8)


def crop_photograph(photograph: Photograph, cfg: Config, meta: Mapping[str, Any]) -> PhotographCrop:
    """Crops a photograph by the test pipeline of a config.

    Args:
        photograph: with its box.
        cfg: of a top-down model.
        meta: MMPose's description of its joints.

    Raises:
        DataError: the config has no pipeline that crops a person.

    Source: `mmpose.apis.inference_topdown` of MMPose 1.3.2, for what the pipeline is given.
    """
    register_all_modules()
    height, width = photograph.pixels.shape[:2]
    # Where three corners go tells the map, whichever way the pipeline takes.
    corners = np.array([[[0, 0], [width, 0], [0, height]]], np.float32)
    with usable(CROPPING, DataError):
        packed = _packed(photograph, corners, cfg, meta)
        truth = packed["data_samples"].gt_instances
    if "transformed_keypoints" not in truth:
        raise DataError(f"Expected {CROPPING}. Got data samples with {sorted(truth.keys())}.")
    ends = np.asarray(truth.transformed_keypoints, np.float32)[0, :, :2]
    matrix: Any = cv2.getAffineTransform(corners[0], ends)
    return PhotographCrop(photograph, packed["inputs"].numpy().astype(np.float32), matrix)


def _packed(photograph: Photograph, points: Array, cfg: Config, meta: Mapping[str, Any]) -> Any:
    """What the test pipeline makes of a photograph with points (1, n, 2) for joints."""
    pipeline = Compose(cfg.test_dataloader.dataset.get("pipeline"))
    # The points are no joints.
    pipeline.transforms = [t for t in pipeline.transforms if type(t).__name__ != CONVERTER]
    for step in pipeline.transforms:
        if hasattr(step, "pack_transformed"):
            step.pack_transformed = True
    return pipeline(
        {
            **meta,
            "img": photograph.pixels,
            "bbox": np.array([photograph.box], np.float32),
            "bbox_score": np.ones(1, np.float32),
            "keypoints": points,
            "keypoints_visible": np.ones(points.shape[:2], np.float32),
        }
    )


def _moved(poses: Array, matrix: NDArray[np.float64]) -> Array:
    """Poses whose points an affine map has moved; what is behind x and y stays."""
    points = poses[..., :2].astype(np.float64) @ matrix[:, :2].T + matrix[:, 2]
    return np.concatenate([points, poses[..., 2:]], axis=-1).astype(np.float32)
