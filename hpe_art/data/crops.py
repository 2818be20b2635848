"""Crops of people as a data set of its own, which MMPose crops again to exactly themselves.

One image for each person, called by the person's place in the test set; annotations in the format
of the data set that the people are from.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from hpe_art.data.mpii import writer
from hpe_art.data.people import People
from hpe_art.files import write_whole
from hpe_art.skeleton import MPII

SPLIT = "val"
USUAL_PADDING = 1.25
"""Of MMPose's `GetBBoxCenterScale`."""
MPII_LIFT, MPII_UNIT = 15.0, 200.0
"""`MpiiDataset` moves centres by this share of a box, whose unit is so many pixels."""
HEAD_SHARE = 0.6
"""Of the head box's diagonal, which is the head size of PCKh."""


def crop_name(person: int) -> str:
    """The file name of a person's crop."""
    return f"{person:05d}.png"


def write_annotations(people: People, folder: Path) -> None:
    """Writes what MMPose's own loaders read of crops of these people.

    Args:
        people: of a `MpiiDataset`, with its joints; others are written in COCO's format.
        folder: that of the folders of images; gets `annotations/mpii_val.json` and, where head
            sizes are known, `mpii_gt_val.mat`; or `annotations/person_keypoints_val.json`.
    """
    kinds = [kind.__name__ for kind in type(people.dataset).__mro__]
    if "MpiiDataset" in kinds and people.y.shape[1] == len(MPII.joints):
        writer.write_annotations(folder, SPLIT, _mpii_entries(people))
    else:
        path = folder / "annotations" / f"person_keypoints_{SPLIT}.json"
        write_whole(path, json.dumps(_coco(people)) + "\n")


def _crop_scale(people: People) -> Any:
    """(N, 1), image pixels for each pixel of the crop."""
    return (people.scale[:, :1] / people.size[0]).astype(np.float64)


def _padding(dataset: Any) -> float:
    found = [getattr(step, "padding", None) for step in dataset.pipeline.transforms]
    return float(next((one for one in found if one is not None), USUAL_PADDING))


def _whole(people: People) -> tuple[Any, Any]:
    """Centre and size of the box that is cropped to the crop itself, without padding."""
    steps = people.dataset.pipeline.transforms
    udp = any(getattr(step, "use_udp", False) for step in steps)
    size = np.asarray(people.size, np.float64) - (1 if udp else 0)
    return size / 2, size / _padding(people.dataset)


def _mpii_entries(people: People) -> list[dict[str, Any]]:
    centre, box = _whole(people)
    side = float(box.min())
    # Undoes what `MpiiDataset` does to centres.
    centre = centre + 1 - [0, MPII_LIFT / MPII_UNIT * side]
    labelled = people.y[..., 2] > 0
    # `MpiiPCKAccuracy` adds 1 to predictions and takes joints as they are stored.
    shift = 1 - 1 / _crop_scale(people)[:, None]
    points = np.where(labelled[..., None], people.y[..., :2] + shift, -1)
    entries = [
        {
            "image": crop_name(person),
            "joints": np.round(pose, 3).tolist(),
            "joints_vis": seen.astype(int).tolist(),
            "center": np.round(centre, 4).tolist(),
            "scale": side / MPII_UNIT,
        }
        for person, pose, seen in zip(people.index.tolist(), points, labelled, strict=True)
    ]
    if people.truth.head_size is not None:
        sizes = people.truth.head_size / _crop_scale(people)[:, 0]
        for entry, length in zip(entries, sizes / HEAD_SHARE / np.sqrt(2), strict=True):
            entry["head_box"] = [0.0, 0.0, length, length]  # only its diagonal is looked at
    return entries


def _coco(people: People) -> dict[str, Any]:
    centre, box = _whole(people)
    (width, height), truth = people.size, people.truth
    areas = np.prod(people.scale, axis=1) if truth.area is None else truth.area
    areas = areas / _crop_scale(people)[:, 0] ** 2
    images, entries = [], []
    for person, pose, area in zip(people.index.tolist(), people.y, areas.tolist(), strict=True):
        seen = pose[:, 2] > 0
        points = np.where(seen[:, None], pose[:, :2], 0).astype(np.float64)
        flat = np.column_stack([np.round(points, 3), 2 * seen]).ravel()
        number = person + 1
        image = {"id": number, "file_name": crop_name(person), "width": width, "height": height}
        images.append(image)
        entries.append(
            {
                "id": number,
                "image_id": number,
                "category_id": 1,
                "iscrowd": 0,
                "area": area,
                "bbox": [*(centre - box / 2).tolist(), *box.tolist()],
                "num_keypoints": int(seen.sum()),
                "keypoints": flat.tolist(),
            }
        )
    names = list(people.metainfo["keypoint_id2name"].values())
    category = {"id": 1, "name": "person", "keypoints": names, "skeleton": []}
    return {"images": images, "annotations": entries, "categories": [category]}
