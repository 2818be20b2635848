"""The check of a folder of people in the format of MPII or COCO: every file, everybody."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import hpe_art.compat  # noqa: F401  (before mmpose)

import numpy as np
from mmpose.utils import register_all_modules
from numpy.typing import NDArray

from hpe_art.data.annotations import DataError, count_joints, read_json
from hpe_art.data.checks import format_of, load, look_at, people_faults, unloaded
from hpe_art.errors import usable
from hpe_art.skeleton import Skeleton

COCO_JOINTS = 17


class Annotated(NamedTuple):
    """A person as MMPose's dataset gives it; pixels are those of the image, counted from 0."""

    number: int  # MPII: place in the file, from 0; COCO: the id of the annotation
    image: Path
    pose: NDArray[np.float32]  # (K, 3), x, y, and 0 where a joint is not labelled
    box: NDArray[np.float32]  # x1, y1, x2, y2, which the pipeline pads and crops
    head_box: NDArray[np.float32] | None  # the same, of MPII's people who are scored
    skeleton: Skeleton | None  # None where the dataset's description has another number of joints


class FileCheck(NamedTuple):
    """What is wrong with the people of one file of annotations."""

    file: Path
    people: int
    faults: list[str]  # of people and images, in words
    notes: list[str]  # what is left out, or doubtful, and nothing wrong
    usable: Iterable[Annotated] = ()  # everybody else, read when asked for


def check_folder(
    root: str | Path,
    ann_file: str | None = None,
    headbox_file: str | None = None,
    image_prefix: str | None = None,
) -> Iterator[FileCheck]:
    """Checks each file of annotations in a folder, ROOT/annotations/*.json, and its images.

    Args:
        root: the folder; the other paths, where relative, join it.
        ann_file: the only file to check.
        headbox_file: MPII's head boxes; default those beside it, with `gt` in the name.
        image_prefix: folder of the images; default `images`, or the split that COCO's names end in.
    Raises:
        DataError: there is nothing to check in it.
    """
    register_all_modules()
    root = Path(root).expanduser().absolute()
    files = [root / ann_file] if ann_file else sorted((root / "annotations").glob("*.json"))
    if not files:
        raise DataError(
            f"Expected annotations (*.json) in {root / 'annotations'}. Got none: name the file "
            "with --ann-file."
        )
    for file in files:
        try:
            content = read_json(file)
            if kind := _kind_of(content):
                images = _images(root, file, image_prefix)
                boxes = root / headbox_file if headbox_file else _boxes_beside(file)
                yield _checked(file, kind, content, images, boxes)
            else:
                yield FileCheck(file, 0, [], ["left out: no people with joints: not checked"])
        except DataError as error:
            yield FileCheck(file, 0, [str(error)], [])


def _kind_of(content: Any) -> str | None:
    """The format of annotations; None for detections, captions and the like."""
    if isinstance(content, list):
        first = content[0] if content else None
        return None if isinstance(first, dict) and "score" in first else "MpiiDataset"
    if isinstance(content, dict) and isinstance(content.get("annotations"), list):
        people = [one for one in content["annotations"] if isinstance(one, dict)]
        return "CocoDataset" if not people or any("keypoints" in one for one in people) else None
    return "CocoDataset"


def _images(root: Path, file: Path, prefix: str | None) -> Path:
    split = root / file.stem.rpartition("_")[2]
    usual = split if not (root / "images").is_dir() and split.is_dir() else root / "images"
    folder = root / prefix if prefix else usual
    if not folder.is_dir():
        raise DataError(f"Expected a folder of images (--image-prefix). Got {folder}: not there.")
    return folder


def _boxes_beside(file: Path) -> Path | None:
    """`mpii_gt_val.mat` of `mpii_val.json`; `lsp_gt_val_2.mat` of `lsp_val_2.json`."""
    words = file.stem.split("_")
    names = ["_".join([*words[:i], "gt", *words[i:]]) for i in range(1, len(words))]
    found = [path for name in names if (path := file.with_name(f"{name}.mat")).is_file()]
    return found[0] if found else None


def _checked(file: Path, kind: str, content: Any, images: Path, boxes: Path | None) -> FileCheck:
    settings: dict[str, Any] = dict(type=kind, ann_file=str(file), data_prefix={"img": str(images)})
    joints = None
    if kind == "MpiiDataset" and boxes:
        settings.update(headbox_file=str(boxes), test_mode=True)
    if kind == "CocoDataset":
        joints = count_joints(content) or COCO_JOINTS
    dataset = unloaded(settings)
    faults = people_faults(dataset, joints)
    wrong = [str(fault) for fault in faults.values() if fault.stops]
    notes = [f"left out: {fault}" for fault in faults.values() if not fault.stops]
    people = len(content if kind == "MpiiDataset" else content["annotations"])
    rest: Iterable[Annotated] = ()
    left = people - sum(place >= 0 for place in faults)
    if not left and not wrong:
        wrong = ["nobody has a labelled joint"]
    if left:
        with usable("people that MMPose can load", DataError):
            load(dataset, faults)
        # MPII's people keep their places, and others stand in for them.
        held = set(faults) if kind == "MpiiDataset" else set()
        shown = [i for i in range(len(dataset)) if i not in held]
        seen = look_at(dataset, shown)
        wrong += [f"image {path}: {fault}" for path, fault in seen.unread.items()]
        wrong += [str(fault) for fault in seen.away.values()]
        notes += [f"doubtful: {fault}" for fault in seen.doubtful.values()]
        rest = _usable(dataset, (i for i in shown if i not in seen.away), seen.unread)
    return FileCheck(file, people, wrong, notes, rest)


def _usable(dataset: Any, places: Iterable[int], unread: Container[str]) -> Iterator[Annotated]:
    known = Skeleton.from_metainfo(dataset.metainfo)
    boxes = getattr(dataset, "headbox_dict", {}).get("headboxes_src")
    # Of MPII's people MMPose's dataset has the box counted from 0, the joints from 1.
    first = 1 if format_of(dataset) == "mpii" else 0
    for place in places:
        info = dataset.get_data_info(place)
        if info["img_path"] in unread:
            continue
        points, seen = np.squeeze(info["keypoints"], 0), np.ravel(info["keypoints_visible"])
        yield Annotated(
            number=info["id"],
            image=Path(info["img_path"]),
            pose=np.column_stack([points - first, seen]).astype(np.float32),
            box=np.ravel(info["bbox"]),
            head_box=None if boxes is None else np.float32(boxes[..., place]).ravel() - first,
            skeleton=known if len(known.joints) == len(points) else None,
        )
