"""Target poses for targeted attacks: another person's pose, one's own mirrored, or a given one.

Shapes: N victims, M poses in the pool, K joints. Poses are (., K, 3): x, y in crop pixels,
visibility; a joint of a target whose visibility is 0 is free to go anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hpe_art.errors import UserError
from hpe_art.metrics import Metric, PeopleTruth

Array = NDArray[np.float32]
ToImage = Callable[[Array], Array]
RULES = ("far", "mirror")
_AT_ONCE = 1 << 14
"""Pairs of a victim and a pose that are compared in one go."""


@dataclass(frozen=True)
class TargetPoses:
    """The choice, to be recorded with the result.

    Attributes:
        poses: (N, K, 3), in the victim's crop: the y of a targeted attack.
        rule: how they were picked, in words.
        seed: of the draw; None where nothing is drawn.
        donors: (N,), place in the test set of who gave each pose, where somebody did.
        fallbacks: victims for whom no pose of the pool is far enough; they got the farthest.
        moved: (K,), joints that are to move; the others are held where they were.
    """

    poses: Array
    rule: str
    seed: int | None = None
    donors: NDArray[np.int64] | None = None
    fallbacks: int = 0
    moved: NDArray[np.bool_] | None = None

    @property
    def scored(self) -> Array:
        """(N, K, 3), the poses with visibility 0 for joints that are held: of no merit if hit."""
        if self.moved is None:
            return self.poses
        return self.poses * np.where(self.moved[:, None], 1, [1, 1, 0]).astype(np.float32)


def mirrored_poses(y: Array, flip_indices: Sequence[int]) -> TargetPoses:
    """Each person's own true pose, seen in a mirror that stands in the middle of it.

    Left and right change names, so a person who faces the camera still does.

    Args:
        y: (N, K, 3), true poses in crop pixels. Unlabelled joints stay so.
        flip_indices: (K,), the joint that each becomes in a mirror.
    """
    labelled = y[..., 2] > 0
    x = np.where(labelled, y[..., 0], np.nan)
    empty = ~labelled.any(axis=1)
    x[empty] = 0
    edges = np.nanmin(x, axis=1, keepdims=True) + np.nanmax(x, axis=1, keepdims=True)
    poses = y.copy()
    poses[..., 0] = edges - y[..., 0]
    return TargetPoses(poses[:, list(flip_indices)], "each person's own true pose, mirrored")


def poses_from_file(
    path: str | Path, index: NDArray[np.int64], size: tuple[int, int], joints: int
) -> TargetPoses:
    """Target poses that somebody has drawn.

    Args:
        path: JSON file with one pose for everybody, or a list of one for each person of the test
            set in its order. A pose is a list of the joints in order, each [x, y] as fractions of
            the crop's width and height, or null for a joint that may go anywhere.
        index: (N,), place of each victim in the test set.
        size: width and height of the crop in pixels.
        joints: their number.

    Raises:
        UserError: no such file, or not such poses; the message says what was found.
    """
    count = int(index.max()) + 1
    wanted = f"Expected {joints} joints [x, y] or null, or {count} such poses, in {path}."
    try:
        poses = json.loads(Path(path).read_text(encoding="utf-8"))
        # One pose is a list of joints: its first entry is null, or a pair of numbers.
        one = poses[0] is None or not isinstance(poses[0][0], (list, type(None)))
        poses = [poses] if one else poses
        free = [np.nan, np.nan]
        points = np.array([[free if j is None else j for j in pose] for pose in poses], float)
    except (OSError, ValueError, TypeError, IndexError, KeyError) as error:
        raise UserError(f"{wanted} Got: {error}.") from error
    if points.shape[1:] != (joints, 2) or (not one and len(points) < count):
        raise UserError(f"{wanted} Got shape {points.shape}.")
    known = ~np.isnan(points)
    if ((points < 0) | (points > 1)).any() or not known.any():
        raise UserError(f"{wanted} Got numbers outside of 0 to 1, or no joint at all.")
    pixels = np.nan_to_num(points) * size
    drawn = np.concatenate([pixels, known.all(axis=-1, keepdims=True)], axis=-1)
    own = np.zeros_like(index) if one else index
    return TargetPoses(drawn[own].astype(np.float32), f"from {path}")


def points_from_file(path: str | Path, joints: Sequence[str]) -> Array:
    """One pose that somebody has marked in a photograph.

    Args:
        path: JSON file, {"keypoints": ...}: a list of the joints in order, each [x, y] in pixels of
            the photograph, or null for a joint that may go anywhere; or {"right_wrist": [x, y]} and
            so on, by name, where those left out may.
        joints: their names in order, K in number.

    Returns:
        (K, 3): x, y, and 1 for a joint that is marked, else 0.

    Raises:
        UserError: no such file, other joints, or what are no points; the message says so.
    """
    wanted = (
        f'Expected {{"keypoints": ...}} in {path}: {len(joints)} points [x, y] in pixels or null, '
        f"or points by name, out of {', '.join(joints)}."
    )
    try:
        given = json.loads(Path(path).read_text(encoding="utf-8"))["keypoints"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(f"{wanted} Got: {type(error).__name__} {error}.") from error
    if isinstance(given, dict):
        if unknown := set(given) - set(joints):
            raise UserError(f"{wanted} Got {', '.join(sorted(unknown))}.")
        given = [given.get(joint) for joint in joints]
    if not isinstance(given, list) or len(given) != len(joints):
        found = f"{len(given)} points" if isinstance(given, list) else type(given).__name__
        raise UserError(f"{wanted} Got {found}.")
    try:
        points = np.array([[np.nan] * 2 if one is None else one for one in given], np.float32)
    except (TypeError, ValueError) as error:
        raise UserError(f"{wanted} Got: {error}.") from error
    marked = np.array([one is not None for one in given])
    if points.shape != (len(joints), 2) or not np.isfinite(points[marked]).all() or not any(marked):
        raise UserError(f"{wanted} Got what are no such points, or none at all.")
    return np.column_stack([np.nan_to_num(points), marked]).astype(np.float32)


def hold_others(targets: TargetPoses, clean: Array, joints: Sequence[int]) -> TargetPoses:
    """The same targets for some joints; the others are to stay where the network sees them.

    A loss that sums over joints then pulls some and holds the rest.

    Args:
        targets: for all joints.
        clean: (N, K, 3), the network's clean predictions, in crop pixels.
        joints: numbers of the joints that are to move.
    """
    moved = np.isin(np.arange(clean.shape[1]), joints)
    held = np.concatenate([clean[..., :2], np.ones_like(clean[..., :1])], axis=-1)
    poses = np.where(moved[:, None], targets.poses, held).astype(np.float32)
    return replace(targets, poses=poses, moved=moved)


def complete_donors(pool: Array, index: NDArray[np.int64]) -> NDArray[np.int64]:
    """Who can give a target pose: the people with all joints labelled.

    Args:
        pool: (M, K, 3), poses of the test set.
        index: (N,), place of each victim in it; nobody is their own donor.

    Raises:
        UserError: a victim would have no donor.
    """
    complete = np.flatnonzero((pool[..., 2] > 0).all(axis=1))
    if not set(complete) - set(index.tolist()) and len(complete) < 2:
        raise UserError(
            f"Expected people with all {pool.shape[1]} joints labelled for target poses. "
            f"Got {len(complete)} in a test set of {len(pool)}: name another pose, "
            "such as --target mirror."
        )
    return complete


def random_far_poses(
    clean: Array,
    index: NDArray[np.int64],
    pool: Array,
    truth: PeopleTruth,
    metric: Metric,
    to_image: ToImage,
    seed: int = 0,
) -> TargetPoses:
    """Draws for each victim a true pose that its clean prediction matches in no scored joint.

    A donor is another person with all joints labelled. Its pose, in pixels of its own crop, is
    taken over into the victim's crop; judged by the metric with the victim's own unit, none of its
    joints may count as found by the clean prediction. Where no donor is that far, the one with the
    lowest share is taken.

    Args:
        clean: (N, K, 3), the network's clean predictions, in crop pixels.
        index: (N,), place of each victim in the test set.
        pool: (M, K, 3), poses of the test set in order, each in its own crop.
        truth: of the victims.
        metric: says which joints are found.
        to_image: maps (N, M, K, 3) poses from crop to image pixels.
        seed: of the draw; a victim's draw depends on its index only, not on who else is there.

    Raises:
        UserError: nobody has all joints labelled.

    Source: Jain et al. 2019, section 4.2 (targeted attacks), there for PCKh.
    """
    complete = complete_donors(pool, index)
    shares = _found_shares(clean, pool[complete], truth, metric, to_image)
    chosen, fallbacks = [], 0
    for row, victim in zip(shares, index.tolist(), strict=True):
        order = np.random.default_rng([seed, victim]).permutation(len(complete))
        order = order[complete[order] != victim]
        far = order[row[order] == 0]
        fallbacks += len(far) == 0
        best = far[0] if len(far) else order[np.argmin(row[order])]
        chosen.append(complete[best])
    picked = np.asarray(chosen, np.int64)
    name = metric.key
    rule = f"a random true pose with {name} 0 against the clean prediction, else the lowest"
    return TargetPoses(pool[picked], rule, seed, picked, fallbacks)


def _found_shares(
    clean: Array, poses: Array, truth: PeopleTruth, metric: Metric, to_image: ToImage
) -> NDArray[np.float64]:
    """(N, M): share of the scored joints at which the clean prediction matches each pose."""
    count, joints, _ = clean.shape
    predicted = to_image(clean)
    step = max(1, _AT_ONCE // count)
    columns = []
    for first in range(0, len(poses), step):
        some = np.broadcast_to(
            poses[first : first + step], (count, *poses[first : first + step].shape)
        )
        rows = np.repeat(np.arange(count), some.shape[1])
        aims = replace(truth[rows], keypoints=to_image(some).reshape(-1, joints, 3))
        hits = metric.hits(predicted[rows], aims)[:, list(metric.scored)]
        columns.append(np.nan_to_num(hits).mean(axis=1).reshape(count, -1))
    return np.concatenate(columns, axis=1)
