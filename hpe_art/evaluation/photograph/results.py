"""The result of one attacked photograph as data.

Points and distances are in pixels of the photograph, percentages of the longer side of the box.
"""

from __future__ import annotations

from typing import Any, Literal

from hpe_art.evaluation.results import Checkpoint, Record, SkeletonRecord

Pose = dict[str, tuple[float, float, float]]
"""x, y and score, by the name of the joint."""
LEAST_EFFECT = 1.0
"""Percent of the box: what an attack does below is no effect that a file could keep."""


class Distances(Record):
    """From one pose to another: of each joint, their mean and the largest of them."""

    joints: dict[str, float]
    mean: float
    largest: float
    mean_percent: float
    largest_percent: float


class Seen(Record):
    """What the network sees after the attack.

    `moved` is measured from the clean prediction, `to_target` to the joints of the target.
    """

    pose: Pose
    moved: Distances
    to_target: Distances | None = None


class PhotographResult(Record):
    """One photograph under one attack.

    Attributes:
        photograph, sha256, size: the file, and its width and height.
        box: x1, y1, x2, y2 of the person.
        window: the part of the photograph that the crop shows, ends excluded.
        crop_size: width and height that the network sees.
        attack: its name as in tables; `settings` is all that its outcome depends on.
        radius: of the circles of attacks that aim at the metric, in pixels of the photograph.
        clean: the network's own prediction, which the attack begins from.
        target: x, y and 1 of the joints that a targeted attack moves.
        target_from: the file of the target, or what else it is.
        clean_to_target: how far the clean prediction is from it.
        crop: seen on the perturbed crop, in floating-point numbers.
        written: seen on the perturbed PNG, read back and cropped again.
        largest_change: of a pixel of the PNG, in grey levels.
    """

    schema_version: Literal[1] = 1
    photograph: str
    sha256: str
    size: tuple[int, int]
    box: tuple[float, float, float, float]
    window: tuple[int, int, int, int]
    crop_size: tuple[int, int]
    config: str
    checkpoint: Checkpoint
    skeleton: SkeletonRecord
    attack: str
    settings: dict[str, Any]
    eps: float
    radius: float
    clean: Pose
    target: Pose | None = None
    target_from: str | None = None
    clean_to_target: Distances | None = None
    crop: Seen
    written: Seen
    largest_change: int
    device: str
    precision: str
    versions: dict[str, str]
    notes: list[str]

    @property
    def kept(self) -> float | None:
        """Share of the effect on the crop that the written photograph has; None if it has none."""
        on_crop = self._effect(self.crop)
        return self._effect(self.written) / on_crop if on_crop >= LEAST_EFFECT else None

    def _effect(self, seen: Seen) -> float:
        """How far joints have moved, or come closer to the target, in percent of the box."""
        if seen.to_target is None or self.clean_to_target is None:
            return seen.moved.mean_percent
        return self.clean_to_target.mean_percent - seen.to_target.mean_percent
