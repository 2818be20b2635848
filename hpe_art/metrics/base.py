"""What a metric is: one score for each joint of each person, in one unit.

Shapes: N people, K joints. Poses are in pixels of the image, x before y.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import numpy as np
from mmengine.registry import Registry
from numpy.typing import ArrayLike, NDArray

from hpe_art.errors import UserError
from hpe_art.skeleton import Skeleton

METRICS = Registry("metric", scope="hpe_art")

Numbers = NDArray[np.float64]
Per = Literal["joints", "people", "joint_means"]

NORMALISERS = {"head_size": "a head size", "bbox": "a box", "area": "an area"}


class MetricError(UserError):
    """A metric cannot be computed; the message names what it lacks and the mend."""


@dataclass(frozen=True)
class PeopleTruth:
    """What people's predictions are measured against."""

    keypoints: NDArray[
        Any
    ]  # (N, K, 3), x, y in image pixels and a weight; labelled where it is > 0
    head_size: NDArray[Any] | None = None  # (N,), image pixels: 0.6 of the head box's diagonal
    bbox: NDArray[Any] | None = None  # (N, 4), x1, y1, x2, y2 in image pixels
    area: NDArray[Any] | None = None  # (N,), of the person's mask in square pixels, as in COCO

    def __len__(self) -> int:
        return len(self.keypoints)

    def __getitem__(self, rows: Any) -> PeopleTruth:
        """Those of some rows: a slice, a mask, or an array of numbers."""
        known = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(self, **{k: value[rows] for k, value in known.items() if value is not None})

    @property
    def bbox_size(self) -> NDArray[Any]:
        """(N,), the longer side of each box in image pixels."""
        if self.bbox is None:
            raise MetricError("Expected a box for everyone. Got none.")
        return np.max(self.bbox[:, 2:] - self.bbox[:, :2], axis=1)

    def per_joint(self, lengths: ArrayLike) -> Numbers:
        """Lengths (N,), (N, K) or one for all as (N, K), NaN where the joint is not labelled."""
        labelled = np.asarray(self.keypoints)[..., 2] > 0
        known = np.asarray(lengths, np.float64)
        known = known[:, None] if known.ndim == 1 else known
        return np.where(labelled, np.broadcast_to(known, labelled.shape), np.nan)


class Metric(ABC):
    """Scores every joint of every person.

    A metric of your own is a subclass, registered with `@METRICS.register_module(name=...)`.
    """

    key: str  # short name, such as "PCKh"
    higher_is_better: bool = True  # False for errors
    unit: str = "%"  # "%" for shares, which are shown times 100, "px" for distances, "" for others
    #: What the total is a mean over: all labelled joints of everybody ("joints"), each person's
    #: mean ("people"), or each joint's mean over people ("joint_means").
    per: Per = "joints"
    needs: tuple[str, ...] = ()  # fields of `PeopleTruth` that are measured by, beside the pose
    hit_at: float  # the joint score from which on a joint counts as found
    evaluators: tuple[str, ...] = ()  # classes of MMPose whose per-person twin it is
    settings: Mapping[str, str] = {}  # its arguments, and what the evaluator's config calls them
    scored: tuple[int, ...]  # joints in the total; the groups' and joints' own scores have all
    offset: float = 0.0  # added to a predicted x and y before it is compared, in image pixels

    def __init__(self, skeleton: Skeleton) -> None:
        self.scored = tuple(range(len(skeleton.joints)))

    @classmethod
    def from_evaluator(cls, cfg: Mapping[str, Any], skeleton: Skeleton) -> Metric:
        """The metric for a dataset, by the evaluator's config; empty if it is asked for by name.

        MetricError where the skeleton, or the config, lacks what the metric needs.
        """
        return cls(skeleton, **{ours: cfg[key] for ours, key in cls.settings.items() if key in cfg})

    @property
    def label(self) -> str:
        """As in tables: the key and what it depends on, such as PCKh@0.5."""
        return self.key

    @abstractmethod
    def joint_scores(self, poses: ArrayLike, truth: PeopleTruth) -> Numbers:
        """Each joint's score, a share (0..1) where the unit is "%".

        Args:
            poses: (N, K, 2 or 3), predicted, in image pixels; the third column is ignored.
            truth: of the same people.
        Returns:
            (N, K), NaN where the joint is not labelled.
        Raises:
            MetricError: the truth lacks what the metric needs.
            ValueError: shapes that do not agree.
        """

    def hits(self, poses: ArrayLike, truth: PeopleTruth) -> Numbers:
        """Which joints are found, as `joint_scores`: (N, K), 1 or 0, NaN where not labelled."""
        scores = self.joint_scores(poses, truth)
        found = scores >= self.hit_at if self.higher_is_better else scores <= self.hit_at
        return np.where(np.isnan(scores), np.nan, found)

    def radii(self, truth: PeopleTruth) -> Numbers:
        """How far from its true place each joint of people who pass `check` may be, to be found.

        Attacks ask for it that aim at the metric itself, such as by the loss "margin".

        Returns:
            (N, K), in image pixels from the true place minus `offset`; NaN where the joint is not
            labelled or the person has no size.
        Raises:
            MetricError: no radius says whether a joint is found.
        """
        raise MetricError(
            f"Expected a metric with a radius, for attacks that aim at it. Got {self.label}: add "
            "radii(truth) to it, or take a metric that has one, such as --metric EPE."
        )

    def check(self, truth: PeopleTruth) -> None:
        """MetricError unless everybody has what the metric measures by; it says what and who."""
        for name in self.needs:
            if getattr(truth, name) is None:
                raise self._lacks(name, "none")
            sizes = truth.bbox_size if name == "bbox" else getattr(truth, name)
            if np.shape(sizes) != (len(truth),):
                raise ValueError(
                    f"Expected {name} of shape {(len(truth),)}. Got {np.shape(sizes)}."
                )
            good = np.asarray(sizes) > 0
            if not good.all():
                person = int(np.argmin(good))
                raise self._lacks(name, f"{getattr(truth, name)[person]} for person {person}")

    def check_scored(self, truth: PeopleTruth) -> None:
        """MetricError unless a joint is labelled that is in the total."""
        counted = np.asarray(truth.keypoints)[:, list(self.scored), 2] > 0
        if not counted.any():
            raise MetricError(
                f"Expected a labelled joint that {self.label} counts. Got none of {len(truth)} "
                "people: label others, or take another --metric, such as EPE."
            )

    def _lacks(self, name: str, got: str) -> MetricError:
        return MetricError(
            f"Expected {NORMALISERS[name]} for everyone, for {self.label}. Got {got}: annotate it, "
            "or take a metric that needs none, such as --metric EPE."
        )


def distances(
    poses: ArrayLike, truth: PeopleTruth, size: ArrayLike = 1.0, offset: float = 0.0
) -> NDArray[np.float32]:
    """How far predicted joints are from the true ones.

    Args:
        poses: (N, K, 2 or 3), in image pixels; the third column is ignored.
        truth: of the same people.
        size: (N,) or one for all, the unit of length in image pixels.
        offset: added to the predicted x and y first, in pixels.
    Returns:
        (N, K), in units of ``size``: NaN where the joint is not labelled or the size is NaN,
        infinite where the prediction is not finite.
    Raises:
        ValueError: shapes that do not agree.
    """
    pred, true = np.asarray(poses), np.asarray(truth.keypoints)
    if true.ndim != 3 or true.shape[2] != 3:
        raise ValueError(f"Expected truth of shape (N, K, 3). Got {true.shape}.")
    n, k, _ = true.shape
    if pred.shape not in ((n, k, 2), (n, k, 3)):
        raise ValueError(f"Expected pred of shape {(n, k, 2)} or {(n, k, 3)}. Got {pred.shape}.")
    pred = pred[..., :2]
    moved = (pred + offset - true[..., :2]) / np.asarray(size)[..., None, None]
    # float32 as in MMPose, so that a distance on a threshold falls to the same side
    apart = np.linalg.norm(moved, axis=-1).astype(np.float32)
    apart = np.where(np.isfinite(pred).all(-1), apart, np.float32(np.inf))
    return np.where(true[..., 2] > 0, apart, np.float32(np.nan))
