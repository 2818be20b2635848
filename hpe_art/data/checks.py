"""The check of MMPose's datasets: whose annotations, images and places in them cannot be used."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import hpe_art.compat  # noqa: F401  (before mmpose)

import cv2
import numpy as np
from mmpose.datasets import MpiiDataset
from mmpose.datasets.datasets.base import BaseCocoStyleDataset
from mmpose.registry import DATASETS
from numpy.typing import NDArray

from hpe_art.data.annotations import (
    DataError,
    Fault,
    coco_faults,
    mpii_faults,
    read_json,
    read_mpii,
    usable_coco,
    usable_mpii,
)
from hpe_art.data.images import Reader, Reading, opencv, read_images
from hpe_art.data.mpii.head_boxes import read_head_boxes


def can_wait(settings: Mapping[str, Any]) -> bool:
    """Whether a dataset of MMPose, by its config, can be built without reading annotations."""
    kind = settings.get("type")
    kind = DATASETS.get(kind) if isinstance(kind, str) else kind
    return isinstance(kind, type) and issubclass(kind, BaseCocoStyleDataset)


def unloaded(settings: Mapping[str, Any]) -> Any:
    """A dataset of MMPose from its config, with its annotations unread where that can be had."""
    return DATASETS.build({**settings, "lazy_init": True} if can_wait(settings) else dict(settings))


def format_of(dataset: Any) -> str | None:
    """In which format a dataset reads its annotations: "mpii", "coco", or another one: None."""
    readers = [
        getattr(type(dataset), name, None) for name in ("_load_annotations", "parse_data_info")
    ]
    for name, base in (("mpii", MpiiDataset), ("coco", BaseCocoStyleDataset)):
        if readers == [base._load_annotations, base.parse_data_info]:
            return name
    return None


def people_faults(dataset: Any, joints: int | None = None) -> dict[int, Fault]:
    """Who of a dataset cannot be used, as its annotations say, by the place in its file.

    Each is to have so many joints; default as many as the dataset's metainfo has. Those of other
    formats than MPII's and COCO's are left to MMPose; DataError if a file is none, or has nobody.
    """
    file, kind = getattr(dataset, "ann_file", ""), format_of(dataset)
    if kind is None or not Path(file).is_file():  # MMPose says so
        return {}
    joints = joints or int(dataset.metainfo["num_keypoints"])
    if kind == "coco":
        content = read_json(file)
        faults, people = coco_faults(content, joints), content["annotations"]
    else:
        boxes = getattr(dataset, "headbox_file", None)
        heads = read_head_boxes(boxes, file) if boxes and Path(boxes).is_file() else None
        people = read_mpii(file)
        faults = mpii_faults(people, joints, heads)
    if not people:
        raise DataError(f"Expected people in {file}. Got none.")
    return faults


@contextmanager
def usable_file(dataset: Any, faults: Mapping[int, Fault]) -> Iterator[None]:
    """Inside, the dataset's annotations are those of the people who can be used."""
    if not faults:
        yield
        return
    original, content = dataset.ann_file, usable_content(dataset, faults)
    with TemporaryDirectory(prefix="hpe-art-") as folder:
        dataset.ann_file = str(Path(folder, "people.json"))
        Path(dataset.ann_file).write_text(json.dumps(content))
        try:
            yield
        finally:
            dataset.ann_file = original


def usable_content(dataset: Any, faults: Mapping[int, Fault]) -> Any:
    """What the dataset's file of annotations would hold of the people who can be used.

    DataError if there are none.
    """
    content = read_json(dataset.ann_file)
    content = (usable_mpii if isinstance(content, list) else usable_coco)(content, faults)
    if not (content if isinstance(content, list) else content["annotations"]):
        raise DataError(
            f"Expected people who can be used in {dataset.ann_file}. Got none of {len(faults)}, "
            f"first {first_of(faults)}."
        )
    return content


def load(dataset: Any, faults: Mapping[int, Fault]) -> None:
    """Loads the people who can be used of a dataset that was built without; says nothing."""
    with redirect_stdout(io.StringIO()), usable_file(dataset, faults):  # COCO's reader speaks
        dataset.full_init()


def stop(faults: Mapping[int, Fault], dataset: Any, mend: str = "") -> None:
    """DataError if there is a fault that stops a run; it names the first, and a further mend."""
    wrong = {place: fault for place, fault in faults.items() if fault.stops}
    if wrong:
        file = getattr(dataset, "bbox_file", None) or getattr(dataset, "ann_file", "the data set")
        raise DataError(
            f"Expected people who can be used in {file}. "
            f"Got {len(wrong)} who cannot, first {first_of(wrong)}. "
            f"Mend them (`hpe-art check-data` names them all){mend}."
        )


def first_of(faults: Mapping[int, Fault]) -> Fault:
    """The first fault in the order of the file."""
    return faults[min(faults, key=abs)]


def reader_of(dataset: Any) -> Reader:
    """The reader of images of a dataset's pipeline; OpenCV's where it has none of MMCV's."""
    steps = getattr(getattr(dataset, "pipeline", None), "transforms", ())
    step = next((one for one in steps if hasattr(one, "imdecode_backend")), None)
    if step is None:
        return opencv

    def read(path: str) -> Any:
        try:
            return step({"img_path": path})["img"]
        except (AssertionError, cv2.error):  # MMCV's words for a decoder that gives nothing
            return None

    return read


class Seen(NamedTuple):
    """What came of reading the images of people."""

    unread: dict[str, str]  # why an image cannot be read, by its path
    away: dict[int, Fault]  # who is not in the image, by the place in the dataset
    doubtful: dict[int, Fault]  # who has joints outside of it, likewise

    def check(self, dataset: Any, mend: str = "") -> None:
        """DataError if anybody cannot be used; it names the first."""
        if self.unread:
            path, fault = next(iter(self.unread.items()))
            raise DataError(
                f"Expected readable images. Got {len(self.unread)} that are not, first {path} "
                f"({fault}). Mend them{mend}."
            )
        stop(self.away, dataset, mend)


def look_at(dataset: Any, places: Iterable[int]) -> Seen:
    """Reads the images of people of a loaded dataset, as its pipeline does."""
    infos = {i: dataset.get_data_info(i) for i in places}
    readings = read_images((info["img_path"] for info in infos.values()), reader_of(dataset))
    away, doubtful = {}, {}
    for i, info in infos.items():
        reading = readings[str(info["img_path"])]
        who = info.get("id", i), Path(info["img_path"]).name
        if reading.fault is not None:
            continue
        if what := place_fault(info, reading):
            away[i] = Fault(*who, what)
        elif outside := int((~joints_inside(info, reading)).sum()):
            size = f"{reading.width} x {reading.height}"
            what = f"{outside} of its joints lie outside the image of {size} pixels"
            doubtful[i] = Fault(*who, what, stops=False)
    unread = {path: one.fault for path, one in readings.items() if one.fault}
    return Seen(unread, away, doubtful)


def joints_inside(info: Mapping[str, Any], image: Reading) -> NDArray[np.bool_]:
    """Of each labelled joint, by MMPose's `data_info`, whether it lies in the image."""
    if "keypoints" not in info or "keypoints_visible" not in info:
        return np.ones(0, bool)
    points = np.reshape(info["keypoints"], (-1, np.shape(info["keypoints"])[-1]))[:, :2]
    points = points[np.reshape(info["keypoints_visible"], (len(points), -1))[:, 0] > 0]
    inside = (points >= 0) & (points <= (image.width, image.height))
    return np.asarray(inside.all(axis=1))


def place_fault(info: Mapping[str, Any], image: Reading) -> str | None:
    """What is wrong with a person's place in the image, by MMPose's `data_info`; None if nothing.

    Also of detections, and in formats whose annotations are not checked.
    """
    size = image.width, image.height
    where = f"outside the image of {image.width} x {image.height} pixels"
    if "bbox" in info:
        box = np.reshape(info["bbox"], (-1, 4))[0]
        if not np.isfinite(box).all() or (box[2:] <= box[:2]).any():
            return f"its box is {box.tolist()} for x1 < x2 and y1 < y2"
        if (box[:2] >= size).any() or (box[2:] <= 0).any():
            return f"its box lies {where}"
    if "keypoints" in info and "keypoints_visible" in info:
        points = np.reshape(info["keypoints"], (-1, np.shape(info["keypoints"])[-1]))[:, :2]
        if not np.isfinite(points).all():
            return "a joint is at no finite place"
        inside = joints_inside(info, image)
        if len(inside) and not inside.any():
            return f"all its joints lie {where}"
    return None
