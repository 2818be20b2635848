"""People whose joints somebody has clicked on, as entries of MPII's and of COCO's annotations.

Clicks are x, y by MMPose's name of the joint, such as `left_wrist`, in pixels counted from 0; a
joint without a click is unlabelled.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpe_art.data.annotations import DataError
from hpe_art.data.coco.writer import PERSON
from hpe_art.data.mpii.writer import annotation
from hpe_art.skeleton import MPII

Clicks = Mapping[str, Sequence[float]]

HEAD = ("head_top", "upper_neck")
"""Joints between which PCKh's unit is measured where no head boxes are drawn."""
MARGIN = 0.1
"""Of COCO's box around the clicks, on each side, in units of its longer side."""
FILLED = 0.53
"""Share of a box that is the person, where there is no mask: that of MMPose's `MpiiDataset`."""


def read_clicks(
    table: str | Path, photographs: str | Path, names: Mapping[str, str] | None = None
) -> dict[tuple[str, str], dict[str, tuple[float, float]]]:
    """The clicks of each person of a CSV, by image and person; a joint without a place has none.

    Args:
        table: with the columns image, joint, x and y, and person where an image has several; or
            with a line for each person, and columns such as left_wrist_x and left_wrist_y.
        photographs: folder of the images, which must be there.
        names: joints by what the table calls them, where that is something else.
    Raises:
        DataError: a column, a number or an image is missing, or a joint of a person is there twice;
            the message names the line.
    """
    found: dict[tuple[str, str], dict[str, tuple[float, float]]] = {}
    with open(table, newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        columns = rows.fieldnames or ()
        wide = [
            name[:-2] for name in columns if name.endswith("_x") and f"{name[:-2]}_y" in columns
        ]
        needed = {"image"} if wide else {"image", "joint", "x", "y"}
        if not needed <= set(columns):
            raise DataError(
                f"Expected the columns {', '.join(sorted(needed))} in {table}. "
                f"Got {', '.join(columns) or 'none'}: name them so in its first line."
            )
        for row in rows:
            line = f"{table}, line {rows.line_num}"
            person = str(rows.line_num) if wide else row.get("person") or ""
            for joint, place in _places(row, wide, line):
                joints = found.setdefault((row["image"], person), {})
                name = (names or {}).get(joint, joint)
                if name in joints:
                    raise DataError(
                        "Expected each joint of a person once, and a column `person` where an "
                        f"image has several people. Got {name} of {row['image']} again ({line})."
                    )
                joints[name] = place
            if not Path(photographs, row["image"] or "").is_file():
                raise DataError(
                    f"Expected {row['image']} in {photographs} ({line}). Got no such file."
                )
    return found


def _places(
    row: Mapping[str, str], wide: Sequence[str], line: str
) -> Iterator[tuple[str, tuple[float, float]]]:
    """The joints of a row that have a place."""
    for joint, x, y in [(one, f"{one}_x", f"{one}_y") for one in wide] or [
        (row["joint"], "x", "y")
    ]:
        if row[x] or row[y]:
            try:
                yield joint, (float(row[x]), float(row[y]))
            except (TypeError, ValueError):
                raise DataError(
                    f"Expected numbers for x and y of {joint} ({line}). Got {row[x]} and {row[y]}."
                ) from None


def mpii_person(image: str, clicks: Clicks) -> dict[str, Any]:
    """One person for `hpe_art.data.mpii.writer.write_annotations`.

    The head box is the upright square around the middle between the top of the head and the upper
    neck whose head_size, 0.6 times its diagonal, is the distance of these two. On 250 rendered
    people head_size of the drawn boxes is 0.92 to 1.41 times that (5 and 95 %), at the median 1.02.

    Args:
        image: file name of the picture, an integer before the suffix.
        clicks: on MPII's joints.
    Raises:
        DataError: a joint that MPII lacks, a place that is none, or no click on the head.
    """
    points, clicked = _placed(image, clicks, MPII.joints)
    if missing := [name for name in HEAD if name not in clicks]:
        raise DataError(
            f"Expected clicks on {' and '.join(HEAD)}, between which head_size is measured. "
            f"Got a person in {image} without {' and '.join(missing)}: click there too, or leave "
            "the person out."
        )
    top, neck = (points[MPII.joints.index(name)] for name in HEAD)
    middle, half = (top + neck) / 2, np.linalg.norm(top - neck) / 0.6 / np.sqrt(8)
    head_box = np.concatenate([middle - half, middle + half])
    return annotation(image, points, clicked, np.zeros(len(points), bool), head_box)


def coco_person(image: Mapping[str, Any], clicks: Clicks) -> dict[str, Any]:
    """One person of COCO's `annotations`, but for a number of its own (`id`).

    Args:
        image: its entry in `images`, with `id` and `file_name`.
        clicks: on COCO's joints, at least one.
    Raises:
        DataError: a joint that COCO lacks, or a place that is none.
    """
    points, clicked = _placed(image["file_name"], clicks, PERSON["keypoints"])
    low, high = points[clicked].min(axis=0), points[clicked].max(axis=0)
    margin = MARGIN * (high - low).max()
    size = high - low + 2 * margin
    flagged = np.column_stack([points, 2 * clicked])
    return {
        "image_id": image["id"],
        "category_id": PERSON["id"],
        "iscrowd": 0,
        "area": float(FILLED * size.prod()),
        "bbox": [*(low - margin).tolist(), *size.tolist()],
        "num_keypoints": int(clicked.sum()),
        "keypoints": np.where(clicked[:, None], flagged, 0).ravel().tolist(),
    }


def _placed(
    image: str, clicks: Clicks, joints: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Places (K, 2) of the joints, and which are clicked on (K,)."""
    if unknown := sorted(set(clicks) - set(joints)):
        raise DataError(
            f"Expected joints out of {', '.join(joints)}. Got {', '.join(unknown)} in {image}."
        )
    clicked = np.isin(joints, list(clicks))
    points = np.array([clicks.get(name, (-1, -1)) for name in joints], float)
    if not clicked.any() or not np.isfinite(points).all():
        raise DataError(f"Expected finite places of joints. Got {dict(clicks)} in {image}.")
    return points, clicked
