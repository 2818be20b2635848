"""Whose pose a detected box shows: that of the annotated person it overlaps the most."""

from collections import defaultdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST_OVERLAP = 0.5


class Annotated:
    """The annotated people of a test set, MMPose's, by image."""

    def __init__(self, dataset: Any) -> None:
        self._people: dict[Any, list[dict[str, Any]]] = defaultdict(list)
        for i in range(len(dataset)):
            info = dataset.get_data_info(i)
            self._people[info["img_id"]].append(info)

    def pose_of(self, info: dict[str, Any]) -> dict[str, Any]:
        """Keypoints, their visibility and the area of the person in a detected box.

        They go in place of the dummy pose of `info`, MMPose's of a detection, with `bbox` (1, 4):
        x1, y1, x2, y2. No joint is visible where nobody overlaps it by half (intersection over
        union).
        """
        people = self._people[info["img_id"]]
        overlaps = [intersection_over_union(info["bbox"][0], p["bbox"][0]) for p in people]
        if people and max(overlaps) >= LEAST_OVERLAP:
            person = people[int(np.argmax(overlaps))]
            return {key: person[key] for key in ("keypoints", "keypoints_visible", "area")}
        hidden = np.zeros_like(info["keypoints_visible"])
        box = info["bbox"][0]
        return {"keypoints_visible": hidden, "area": np.prod(box[2:] - box[:2])}


def intersection_over_union(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Of two boxes x1, y1, x2, y2."""
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    shared = float(np.prod(np.clip(high - low, 0, None)))
    areas = sum(float(np.prod(box[2:] - box[:2])) for box in (one, other))
    return shared / (areas - shared) if areas > shared else 0.0
