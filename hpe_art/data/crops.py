"""The people of a test set as a top-down model sees them: crops, poses, and the way back.

Shapes: N people, K joints; crops are H x W pixels. Poses are (N, K, 3): x, y, visibility.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import hpe_art.compat  # noqa: F401  (before mmpose)

import numpy as np
from mmengine.config import Config
from mmengine.dataset import Compose
from mmpose.registry import DATASETS
from mmpose.utils import register_all_modules
from numpy.typing import NDArray
from PIL import Image

from hpe_art.data.pixels import PixelFile

Array = NDArray[np.float32]

logger = logging.getLogger(__name__)


class DataError(ValueError):
    """A test set cannot be used; the message names what and the mend."""


@dataclass(frozen=True)
class Crops:
    """People cropped by MMPose's own pipeline.

    Attributes:
        x: (N, 3, H, W) uint8, channels as packed (BGR for MMPose's `LoadImage`); read from a file
            where it is sliced.
        y: (N, K, 3), true poses in crop pixels.
        truth: (N, K, 3), true poses in image pixels, as the metric takes them.
        head_size: (N,), in image pixels; NaN where the set has no head boxes.
        center: (N, 2), of the crop in the image.
        scale: (N, 2), its width and height in image pixels.
        index: (N,), place in the test set.
        donors: (M, K, 3), poses of the whole test set, each in its own crop's pixels.
        ann_file: where the annotations are from.
        skipped: names of the images left out because they cannot be read.
    """

    x: PixelFile | NDArray[np.uint8]
    y: Array
    truth: Array
    head_size: Array
    center: Array
    scale: Array
    index: NDArray[np.int64]
    donors: Array
    ann_file: str
    skipped: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.x)

    def first(self, count: int) -> Crops:
        """The first people alone; the donors are the same."""
        names = ("x", "y", "truth", "head_size", "center", "scale", "index")
        return replace(self, **{name: getattr(self, name)[:count] for name in names})

    def to_image(self, poses: Array) -> Array:
        """Crop pixels to image pixels, by each person's own metadata.

        Args:
            poses: (N, ..., K, 3), in crop pixels of person n.

        Returns:
            The same shape, in image pixels; the third column is kept.

        Source: `TopdownPoseEstimator.add_pred_to_datasample` of MMPose 1.3.2.
        """
        middle = (len(self), *[1] * (poses.ndim - 2), 2)
        size = np.asarray(self.x.shape[:-3:-1], np.float32)
        scale, center = self.scale.reshape(middle), self.center.reshape(middle)
        moved = poses[..., :2] / size * scale + center - 0.5 * scale
        return np.concatenate([moved, poses[..., 2:]], axis=-1).astype(np.float32)


def load_crops(
    cfg: Config,
    num_samples: int | None = None,
    skip_unreadable: bool = False,
    default_samples: int | None = None,
    with_donors: bool = True,
) -> Crops:
    """Crops the first people of a config's test set.

    Args:
        cfg: config of a top-down model; `test_dataloader.dataset` is used as it is.
        num_samples: how many people; they must be there.
        skip_unreadable: leave out images that are missing or truncated instead of raising.
        default_samples: how many at most where `num_samples` is None; default all.
        with_donors: fill `donors`, which takes a look at everybody in the set.

    Raises:
        DataError: the annotations cannot be loaded, or an image cannot be read (it is named).
    """
    dataset = build_test_set(cfg)
    total = len(dataset)
    if num_samples is not None and not 1 <= num_samples <= total:
        raise DataError(f"Expected 1 to {total} people (--num-samples). Got {num_samples}.")
    infos = [dataset.get_data_info(i) for i in range(total)]
    chosen, skipped = _readable(infos[: num_samples or default_samples], skip_unreadable)
    rows: list[dict[str, Any]] = []

    def crops() -> Iterator[NDArray[np.uint8]]:
        for i in chosen:
            sample = dataset[i]
            rows.append(_row(sample["data_samples"], infos[i]))
            yield sample["inputs"].numpy()

    x = PixelFile(crops())
    gathered = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    return Crops(
        x=x,
        **gathered,
        index=np.asarray(chosen, np.int64),
        donors=_donors(dataset) if with_donors else np.zeros((0, 0, 3), np.float32),
        ann_file=str(dataset.ann_file),
        skipped=tuple(skipped),
    )


def _row(sample: Any, info: dict[str, Any]) -> dict[str, Array]:
    """What `Crops` holds of one person, but for the pixels."""
    truth, meta = sample.gt_instances, sample.metainfo
    return {
        "y": _pose(truth.transformed_keypoints, truth.keypoints_visible)[0],
        "truth": _pose(truth.keypoints, truth.keypoints_visible)[0],
        "head_size": np.float32(np.ravel(info.get("head_size", np.nan))[0]),
        "center": np.asarray(meta["input_center"], np.float32),
        "scale": np.asarray(meta["input_scale"], np.float32),
    }


def build_test_set(cfg: Config) -> Any:
    """The dataset of `cfg.test_dataloader`, its pipeline made to pack the poses in the crop.

    Raises:
        DataError: MMPose cannot load it; its own words are in the message.
    """
    register_all_modules()
    settings = cfg.test_dataloader.dataset.copy()
    settings["pipeline"] = [
        {**step, "pack_transformed": True} if step["type"] == "PackPoseInputs" else step
        for step in settings["pipeline"]
    ]
    if settings.get("bbox_file"):
        logger.warning(
            "%s are detections without poses: people and their boxes are those of the annotations.",
            settings.pop("bbox_file"),
        )
    try:
        return DATASETS.build(settings)
    except (AssertionError, OSError, KeyError, ValueError, TypeError, IndexError) as error:
        raise DataError(
            f"Expected a test set that MMPose can load. Got {type(error).__name__}: {error}. "
            "Name yours with --data-root, --ann-file and --headbox-file."
        ) from error


def _pose(points: Any, visible: Any) -> Array:
    visible = np.asarray(visible, np.float32).reshape(1, -1, 1)
    return np.concatenate([np.asarray(points, np.float32)[..., :2], visible], axis=-1)


def _readable(infos: list[dict], skip: bool) -> tuple[list[int], list[str]]:
    faults: dict[int, str] = {}
    for i, info in enumerate(infos):
        try:
            with Image.open(info["img_path"]) as image:
                # OpenCV fills the missing end of a truncated file with grey and says nothing.
                image.load()
        except (OSError, SyntaxError, ValueError) as error:
            faults[i] = f"{info['img_path']} ({error})"
    if faults and not skip:
        first = next(iter(faults.values()))
        raise DataError(
            f"Expected readable images. Got {len(faults)} that are not, first {first}. "
            "Mend them, or leave them out with --skip-unreadable."
        )
    kept = [i for i in range(len(infos)) if i not in faults]
    if not kept:
        raise DataError("Expected at least one readable image. Got none.")
    return kept, [Path(infos[i]["img_path"]).name for i in faults]


def _donors(dataset: Any) -> Array:
    """Poses of the whole set, each in its own crop: the test pipeline over a blank image."""
    steps = [t for t in dataset.pipeline.transforms if type(t).__name__ != "LoadImage"]
    pipeline = Compose(steps)
    blank = np.zeros((8, 8, 3), np.uint8)
    poses = []
    for i in range(len(dataset)):
        info = {**dataset.get_data_info(i), "img": blank, "img_shape": (8, 8), "ori_shape": (8, 8)}
        truth = pipeline(info)["data_samples"].gt_instances
        poses.append(_pose(truth.transformed_keypoints, truth.keypoints_visible))
    return np.concatenate(poses)
