"""People in COCO's format, as MMPose's `CocoDataset` and `CocoMetric` read it."""

from pathlib import Path
from typing import Any

import numpy as np

from hpe_art.files import json_rows, write_whole

PERSON: dict[str, Any] = {
    "id": 1,
    "name": "person",
    "supercategory": "person",
    "keypoints": [
        "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder",
        "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip",
        "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
    ],
    "skeleton": [
        [16, 14], [14, 12], [17, 15], [15, 13], [12, 13], [6, 12], [7, 13], [6, 7], [6, 8],
        [7, 9], [8, 10], [9, 11], [2, 3], [1, 2], [1, 3], [2, 4], [3, 5], [4, 6], [5, 7],
    ],
}  # fmt: skip
"""COCO's category, with its own names of joints and its bones, which count joints from 1."""


def annotation(
    keypoints: np.ndarray, visibility: np.ndarray, mask: np.ndarray, crowd: bool = False
) -> dict[str, Any]:
    """One person's entry, without the numbers that `write_annotations` gives it.

    Args:
        keypoints: (17, 2) in 0-based pixels.
        visibility: (17,), 2 seen, 1 hidden, 0 not labelled.
        mask: the pixels (H, W) that show the person; at least one.
        crowd: a region whose people are not labelled, and are ignored when poses are scored.

    Source: https://cocodataset.org/#format-data; area, box and run lengths as `pycocotools.mask`
    has them.
    """
    labelled = np.where(crowd, 0, visibility)
    points = np.where(labelled[:, None] > 0, np.round(keypoints, 1), 0)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = columns[0], rows[0], columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1
    placed = zip(points.tolist(), labelled.tolist(), strict=True)
    return {
        "category_id": PERSON["id"],
        "iscrowd": int(crowd),
        "area": int(mask.sum()),
        "bbox": [int(v) for v in box],
        "num_keypoints": int(np.count_nonzero(labelled)),
        "keypoints": [v for (x, y), flag in placed for v in (x, y, flag)],
        "segmentation": {"size": list(mask.shape), "counts": _run_lengths(mask)},
    }


def _run_lengths(mask: np.ndarray) -> list[int]:
    """Lengths of the runs of 0 and 1 in turn, down the columns; the first is of 0."""
    flat = mask.T.ravel()
    starts = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff(np.concatenate([[0], starts, [flat.size]])).tolist()
    return [0, *runs] if flat[0] else runs


def write_annotations(
    folder: Path, split: str, pictures: list[tuple[str, list[dict[str, Any]]]]
) -> None:
    """Write `annotations/person_keypoints_{split}.json`.

    Pictures are file names with entries of `annotation`, all of one size. One without entries is
    allowed, but not the first.
    """
    images: list[dict[str, Any]] = []
    entries: list[dict[str, Any]] = []
    height, width = pictures[0][1][0]["segmentation"]["size"]
    for number, (name, people) in enumerate(pictures, start=1):
        images.append({"id": number, "file_name": name, "height": height, "width": width})
        for one in people:
            entries.append({"id": len(entries) + 1, "image_id": number, **one})
    parts = {"images": images, "annotations": entries, "categories": [PERSON]}
    rows = ",\n".join(f'"{key}": {json_rows(part)}' for key, part in parts.items())
    path = folder / "annotations" / f"person_keypoints_{split}.json"
    path.parent.mkdir(exist_ok=True)
    write_whole(path, f"{{{rows}}}\n")


def write_detections(
    folder: Path, split: str, pictures: list[tuple[str, list[dict[str, Any]]]], seed: int
) -> None:
    """Write `annotations/person_detections_{split}.json`, what a person detector might find.

    Of the labelled people's boxes 95 % are found, each side off by about 3 % of the box; in three
    pictures of ten a box of low score shows nobody in particular. Pictures are as
    `write_annotations` takes them.

    Source: https://cocodataset.org/#format-results.
    """
    rng = np.random.default_rng(seed)
    found: list[dict[str, Any]] = []
    height, width = pictures[0][1][0]["segmentation"]["size"]
    for number, (_, people) in enumerate(pictures, start=1):
        boxes = [
            (_jittered(one["bbox"], rng), rng.uniform(0.6, 1.0))
            for one in people
            if not one["iscrowd"] and rng.random() < 0.95
        ]
        if rng.random() < 0.3:
            size = rng.uniform(0.1, 0.5, 2) * (width, height)
            corner = rng.uniform(0, 1, 2) * ((width, height) - size)
            boxes.append((np.concatenate([corner, size]), rng.uniform(0.05, 0.6)))
        for box, score in boxes:
            entry = {"image_id": number, "category_id": PERSON["id"]}
            found.append({**entry, "bbox": np.round(box, 1).tolist(), "score": round(score, 3)})
    path = folder / "annotations" / f"person_detections_{split}.json"
    write_whole(path, f"{json_rows(found)}\n")


def _jittered(box: list[int], rng: np.random.Generator) -> np.ndarray:
    """A box (x, y, width, height) with each side moved a little."""
    x, y, width, height = box
    low = np.array([x, y]) + rng.normal(0, 0.03, 2) * (width, height)
    high = np.array([x + width, y + height]) + rng.normal(0, 0.03, 2) * (width, height)
    return np.concatenate([low, np.maximum(high - low, 1)])
