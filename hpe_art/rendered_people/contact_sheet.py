"""Many people of a set in one picture, to be looked at."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from hpe_art.data.coco.writer import PERSON
from hpe_art.skeleton import MPII

_ZOOM = 2
_COLUMNS, _PICTURES = 8, 64
_COLOURS = {"right": (60, 60, 255), "left": (255, 120, 40), "centre": (60, 200, 60)}

Bones = tuple[tuple[int, int, str], ...]


def contact_sheet(
    folder: Path, split: str, label_format: str = "mpii", skeletons: bool = False
) -> np.ndarray:
    """Lay the first pictures of a set out in a grid.

    Args:
        folder: a set in the format of MPII or COCO.
        split: "train" or "val".
        label_format: "mpii" or "coco".
        skeletons: draw the joints; hollow ones are occluded. The right side is red, the left blue.
    Returns:
        BGR picture, uint8.
    """
    read, bones = (_mpii_joints, MPII.bones) if label_format == "mpii" else (_coco_joints, _COCO)
    tiles = []
    for name, people in islice(read(folder / "annotations", split).items(), _PICTURES):
        image = cv2.imread(str(folder / "images" / name))
        image = cv2.resize(image, None, fx=_ZOOM, fy=_ZOOM, interpolation=cv2.INTER_CUBIC)
        for joints in people if skeletons else []:
            _draw(image, joints, bones)
        tiles.append(image)
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % _COLUMNS)
    rows = range(0, len(tiles), _COLUMNS)
    return cv2.vconcat([cv2.hconcat(tiles[first : first + _COLUMNS]) for first in rows])


def _side(*joints: int) -> str:
    sides = {PERSON["keypoints"][k].split("_")[0] for k in joints} & _COLOURS.keys()
    return sides.pop() if len(sides) == 1 else "centre"


_COCO: Bones = tuple((a - 1, b - 1, _side(a - 1, b - 1)) for a, b in PERSON["skeleton"])


def _mpii_joints(folder: Path, split: str) -> dict[str, list[np.ndarray]]:
    """Joints (16, 3) of each picture's people: 0-based pixels; 2 seen, 1 hidden, 0 not labelled."""
    pictures = {}
    for one in json.loads((folder / f"mpii_{split}.json").read_text("utf-8")):
        flags = 2 * np.array(one["joints_vis"]) - one["joints_occluded"]
        pictures[one["image"]] = [np.c_[np.array(one["joints"]) - 1, flags]]
    return pictures


def _coco_joints(folder: Path, split: str) -> dict[str, list[np.ndarray]]:
    """As `_mpii_joints`, (17, 3)."""
    labels = json.loads((folder / f"person_keypoints_{split}.json").read_text("utf-8"))
    names = {one["id"]: one["file_name"] for one in labels["images"]}
    pictures: dict[str, list[np.ndarray]] = {name: [] for name in names.values()}
    for one in labels["annotations"]:
        pictures[names[one["image_id"]]].append(np.reshape(one["keypoints"], (-1, 3)))
    return pictures


def _draw(image: np.ndarray, joints: np.ndarray, bones: Bones) -> None:
    at: Any = np.rint((joints[:, :2] + 0.5) * _ZOOM).astype(int).tolist()
    for a, b, side in bones:
        if joints[a, 2] and joints[b, 2]:
            cv2.line(image, at[a], at[b], _COLOURS[side], 2, cv2.LINE_AA)
    for k in np.flatnonzero(joints[:, 2]):
        cv2.circle(image, at[k], 4, (0, 255, 255), -1 if joints[k, 2] == 2 else 1, cv2.LINE_AA)
