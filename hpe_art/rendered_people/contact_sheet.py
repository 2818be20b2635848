"""Many people of a set in one picture, to be looked at."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from hpe_art.mpii import BONES

_ZOOM = 2
_RIGHT, _LEFT, _MIDDLE = (60, 60, 255), (255, 120, 40), (60, 200, 60)


def contact_sheet(
    folder: Path, split: str, columns: int = 8, rows: int = 8, skeletons: bool = False
) -> np.ndarray:
    """Lay the first people of a set out in a grid.

    Args:
        folder: a set in the layout of MPII.
        split: "train" or "val".
        columns: pictures side by side.
        rows: pictures below each other, at most.
        skeletons: draw the joints; hollow ones are occluded. The right side is red, the left blue.

    Returns:
        BGR picture, uint8.
    """
    entries = json.loads((folder / "annotations" / f"mpii_{split}.json").read_text("utf-8"))
    tiles = []
    for entry in entries[: columns * rows]:
        image = cv2.imread(str(folder / "images" / entry["image"]))
        image = cv2.resize(image, None, fx=_ZOOM, fy=_ZOOM, interpolation=cv2.INTER_CUBIC)
        if skeletons:
            _draw(image, entry)
        tiles.append(image)
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    return np.concatenate([
        np.concatenate(tiles[i : i + columns], axis=1) for i in range(0, len(tiles), columns)
    ])  # fmt: skip


def _draw(image: np.ndarray, entry: dict) -> None:
    at = np.rint((np.array(entry["joints"]) - 0.5) * _ZOOM).astype(int)
    seen = entry["joints_vis"]
    for a, b in (*BONES, (7, 12), (7, 13)):
        if seen[a] and seen[b]:
            side = {a, b} - {6, 7, 8, 9}
            colour = _MIDDLE if not side else _LEFT if min(side) in (3, 4, 13, 14) else _RIGHT
            cv2.line(image, tuple(at[a].tolist()), tuple(at[b].tolist()), colour, 2, cv2.LINE_AA)
    for k in np.flatnonzero(seen):
        filled = -1 if not entry["joints_occluded"][k] else 1
        cv2.circle(image, tuple(at[k].tolist()), 4, (0, 255, 255), filled, cv2.LINE_AA)
