"""The people of a test set as a top-down model sees them: crops, poses, and the way back.

Shapes: N people, K joints; crops are H x W pixels. Poses are (N, K, 3): x, y, visibility.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import hpe_art.compat  # noqa: F401  (before mmpose)

import numpy as np
from mmengine.config import Config
from mmengine.dataset import Compose
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray

from hpe_art.data.annotations import DataError
from hpe_art.data.detections import Annotated
from hpe_art.data.test_sets import CONVERTER, CROPPING, annotated_people, choose_people, parts_of
from hpe_art.errors import usable
from hpe_art.files import shown_name
from hpe_art.metrics import PeopleTruth
from hpe_art.skeleton import converted_metainfo

Array = NDArray[np.float32]
BLANK = np.zeros((8, 8, 3), np.uint8)
OF_PIXELS = ("LoadImage", "CorruptImage")
"""Steps of a pipeline that say nothing of people."""

IN_PLACE = ("fill", "itemset", "partition", "put", "resize", "setfield", "setflags", "sort")
"""Methods of arrays that would change what is read, and not what is read from."""


class Images(NDArrayOperatorsMixin):
    """Crops (N, 3, H, W) of people of a dataset: an array that its pipeline reads when it is used.

    As packed: uint8, or float32 where the pipeline reads images as such.
    """

    ndim = 4

    def __init__(self, dataset: Any, index: NDArray[np.int64]) -> None:
        self.dataset, self.index = dataset, index
        first = dataset[int(index[0]) if len(index) else 0]["inputs"].numpy()
        self.shape, self.dtype = (len(index), *first.shape), first.dtype

    def __len__(self) -> int:
        return len(self.index)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self[:] if dtype is None else self[:].astype(dtype)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **more: Any) -> Any:
        read = (one[:] if isinstance(one, Images) else one for one in inputs)
        return getattr(ufunc, method)(*read, **more)

    def __getattr__(self, name: str) -> Any:
        """What else an array has, of all of them: `mean`, `transpose`, `size` and so on."""
        if name.startswith("_") or name in IN_PLACE or not hasattr(np.ndarray, name):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self[:], name)

    def __getitem__(self, chosen: Any) -> NDArray[Any]:
        people, *within = chosen if isinstance(chosen, tuple) else (chosen,)
        numbers = self.index[people]
        read = np.empty((numbers.size, *self.shape[1:]), self.dtype)
        for row, i in enumerate(numbers.flat):
            read[row] = self.dataset[int(i)]["inputs"].numpy()
        found = read.reshape(*numbers.shape, *self.shape[1:])
        return found[(slice(None),) * numbers.ndim + tuple(within)] if within else found


@dataclass(frozen=True)
class People:
    """Some people of a test set, cropped by MMPose's own pipeline."""

    dataset: Any  # MMPose's, with its pipeline
    index: NDArray[np.int64]  # (N,), place of each in it
    y: Array  # (N, K, 3), true poses in crop pixels
    truth: PeopleTruth  # true poses in image pixels, and what metrics measure them by
    center: Array  # (N, 2), of the crop in the image
    scale: Array  # (N, 2), its width and height in image pixels
    size: tuple[int, int]  # width and height of the crop in pixels
    skipped: tuple[str, ...] = ()  # names of the images left out because they cannot be read
    left_out: tuple[str, ...] = ()  # the other people who cannot be used, and why

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, rows: Any) -> People:
        """Those of some rows."""
        names = ("index", "y", "truth", "center", "scale")
        return replace(self, **{name: getattr(self, name)[rows] for name in names})

    @property
    def x(self) -> Images:
        """(N, 3, H, W), channels as packed (BGR for MMPose's `LoadImage`), read on demand."""
        return Images(self.dataset, self.index)

    @property
    def ann_files(self) -> list[str]:
        """Where the annotations are from: one file, or those of all sets that are combined."""
        return [str(getattr(one, "ann_file", "")) for one in parts_of(self.dataset)]

    @property
    def ann_file(self) -> str:
        """The same in words."""
        return ", ".join(self.ann_files)

    @property
    def image_names(self) -> dict[int, str]:
        """The image file of each person, by place: its path in the folder of images, as a name."""
        parts = parts_of(self.dataset)
        roots = [root for one in parts if (root := getattr(one, "data_prefix", {}).get("img"))]
        paths = {i: str(self.dataset.get_data_info(i)["img_path"]) for i in self.index.tolist()}
        return {i: shown_name(path, roots) for i, path in paths.items()}

    @cached_property
    def metainfo(self) -> dict[str, Any]:
        """MMPose's description of the joints, as the test pipeline leaves them.

        DataError if there is none of as many joints.
        """
        found, place = dict(self.dataset.metainfo), int(self.index[0])
        before = self.dataset.get_data_info(place)["keypoints"].shape[1]
        if found["num_keypoints"] == before:
            for step in self.dataset.pipeline.transforms:
                if type(step).__name__ == CONVERTER:
                    found = converted_metainfo(found, step.mapping, step.num_keypoints)
        if found["num_keypoints"] != self.y.shape[1]:
            raise DataError(
                f"Expected metainfo of the {self.y.shape[1]} joints that the test pipeline packs. "
                f"Got that of {found['num_keypoints']}: give the dataset a metainfo of its own."
            )
        return found

    @property
    def flip_indices(self) -> list[int]:
        """Which joint is the mirror of which, as the pipeline packs it and so MMPose takes it."""
        packed = _Blank(self.dataset)(int(self.index[0])).metainfo.get("flip_indices") or ()
        known = list(packed) if len(packed) == self.y.shape[1] else self.metainfo["flip_indices"]
        return [int(joint) for joint in known]

    def to_image(self, poses: Array) -> Array:
        """Poses (N, ..., K, 3) from crop to image pixels by each one's metadata; visibility stays.

        Source: `TopdownPoseEstimator.add_pred_to_datasample` of MMPose 1.3.2.
        """
        middle = (len(self), *[1] * (poses.ndim - 2), 2)
        size = np.asarray(self.size, np.float32)
        scale, center = self.scale.reshape(middle), self.center.reshape(middle)
        moved = poses[..., :2] / size * scale + center - 0.5 * scale
        return np.concatenate([moved, poses[..., 2:]], axis=-1).astype(np.float32)

    def samples(self) -> list[Any]:
        """MMPose's data samples without predictions, for its evaluators."""
        blank = _Blank(self.dataset)
        return [blank(int(i)) for i in self.index]


class _Blank:
    """The dataset's pipeline over a blank image: all that is known but the pixels."""

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset
        steps = [t for t in dataset.pipeline.transforms if type(t).__name__ not in OF_PIXELS]
        for step in steps:
            if hasattr(step, "pack_transformed"):
                step.pack_transformed = True
        self.pipeline = Compose(steps)

    def __call__(self, i: int, **changed: Any) -> Any:
        info = self.dataset.get_data_info(i)
        shape = {key: info.get(key, BLANK.shape[:2]) for key in ("img_shape", "ori_shape")}
        info = {**info, **shape, **changed, "img": BLANK, "dataset": self.dataset}
        with usable(CROPPING, DataError):
            return self.pipeline(info)["data_samples"]


def people_of(dataset: Any, index: Sequence[int], annotated: Annotated | None = None) -> People:
    """Some people of a built dataset, MMPose's in test mode, by their places in it.

    In a set of detections they have the poses of those annotated; that is None in one of
    annotations. DataError if the pipeline does not crop people one by one.
    """
    blank = _Blank(dataset)
    rows = []
    for i in map(int, index):
        info = dataset.get_data_info(i)
        own = {} if annotated is None else annotated.pose_of(info)
        rows.append(_row(blank(i, **own), {**info, **own}))
    gathered = {name: _stacked([row[name] for row in rows]) for name in rows[0]}
    truth = PeopleTruth(**{field.name: gathered.pop(field.name) for field in fields(PeopleTruth)})
    sizes = {tuple(size) for size in gathered.pop("size").tolist()}
    return People(dataset, np.asarray(index, np.int64), truth=truth, size=sizes.pop(), **gathered)


def _row(sample: Any, info: dict[str, Any]) -> dict[str, Any]:
    """What `People` holds of one person."""
    truth, meta = sample.gt_instances, sample.metainfo
    if "transformed_keypoints" not in truth or "input_center" not in meta:
        raise DataError(f"Expected {CROPPING}. Got data samples with {sorted(truth.keys())}.")
    counts = truth.keypoints.shape[1], truth.transformed_keypoints.shape[1]
    if counts[0] != counts[1]:
        raise DataError(
            f"Expected a {CONVERTER} before TopdownAffine in the test pipeline, so that both know "
            f"the same joints. Got {counts[0]} joints, and {counts[1]} in the crop."
        )
    head, area = info.get("head_size"), info.get("area")
    return {
        "y": _pose(truth.transformed_keypoints, truth.keypoints_visible)[0],
        "keypoints": _pose(truth.keypoints, truth.keypoints_visible)[0],
        "head_size": None if head is None else np.float32(np.ravel(head)[0]),
        "bbox": np.asarray(truth.bboxes, np.float32)[0] if "bboxes" in truth else None,
        "area": None if area is None else np.float32(np.ravel(area)[0]),
        "center": np.asarray(meta["input_center"], np.float32),
        "scale": np.asarray(meta["input_scale"], np.float32),
        "size": np.asarray(meta["input_size"], np.int64),
    }


def _pose(points: Any, visible: Any) -> Array:
    points = np.asarray(points, np.float32)
    # MMPose's `KeypointConverter` leaves (1, K, 2).
    seen = np.asarray(visible, np.float32).reshape(1, points.shape[1], -1)[..., :1]
    return np.concatenate([points[..., :2], seen], axis=-1)


def _stacked(values: list[Any]) -> Any:
    return None if any(value is None for value in values) else np.stack(values)


def load_people(
    cfg: Config,
    num_samples: int | None = None,
    skip_unreadable: bool = False,
    default_samples: int | None = None,
    detections: bool = False,
) -> People:
    """The first people of a config's test set.

    Args:
        cfg: config of a top-down model; `test_dataloader.dataset` is used as it is.
        num_samples: how many people; they must be there.
        skip_unreadable: leave out people whose image or annotation cannot be used instead of
            raising.
        default_samples: how many at most where `num_samples` is None; default all.
        detections: those of the config's `bbox_file` instead of the annotated ones.
    Raises:
        DataError: the annotations cannot be loaded, an annotation cannot be used or an image not be
            read (it is named), or no joint is labelled.
    """
    settings = cfg.test_dataloader.dataset
    chosen = choose_people(settings, num_samples, skip_unreadable, default_samples, detections)
    annotated = annotated_people(settings, skip_unreadable) if detections else None
    people = people_of(chosen.dataset, chosen.places, annotated)
    with usable(CROPPING, DataError):
        _ = people.x  # sees that the pipeline reads pixels, too
    if not (people.y[..., 2] > 0).any():
        raise DataError(
            f"Expected people with labelled joints in {people.ann_file}. Got {len(people)} without "
            "any: nothing could be scored."
        )
    return replace(people, skipped=chosen.skipped, left_out=chosen.left_out)
