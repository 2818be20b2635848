"""Target poses for targeted attacks: another person's pose, one's own mirrored, or a given one.

Shapes: N victims, M donors, K joints. Poses are (., K, 3): x, y in crop pixels, visibility; a
joint of a target whose visibility is 0 is free to go anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hpe_art.metrics import pckh_hits
from hpe_art.mpii import FLIP_PAIRS, JOINTS, SCORED

Array = NDArray[np.float32]
ToImage = Callable[[Array], Array]
RULES = ("far", "mirror")


@dataclass(frozen=True)
class TargetPoses:
    """The choice, to be recorded with the result.

    Attributes:
        poses: (N, K, 3), in the victim's crop: the y of a targeted attack.
        rule: how they were picked, in words.
        seed: of the draw; None where nothing is drawn.
        donors: (N,), index of each donor in the test set, where there are donors.
        fallbacks: victims for whom no donor has PCKh 0; they got the lowest there is.
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


def mirrored_poses(y: Array) -> TargetPoses:
    """Each person's own true pose, seen in a mirror that stands in the middle of it.

    Left and right change names, so a person who faces the camera still does.

    Args:
        y: (N, 16, 3), true poses in crop pixels, MPII's joints. Unlabelled joints stay so.

    Raises:
        ValueError: another number of joints.
    """
    _check_mpii(y)
    labelled = y[..., 2] > 0
    x = np.where(labelled, y[..., 0], np.nan)
    empty = ~labelled.any(axis=1)
    x[empty] = 0
    edges = np.nanmin(x, axis=1, keepdims=True) + np.nanmax(x, axis=1, keepdims=True)
    poses = y.copy()
    poses[..., 0] = edges - y[..., 0]
    swap = np.arange(y.shape[1])
    for left, right in FLIP_PAIRS:
        swap[[left, right]] = right, left
    return TargetPoses(poses[:, swap], "each person's own true pose, mirrored")


def poses_from_file(path: str | Path, count: int, size: tuple[int, int]) -> TargetPoses:
    """Target poses that somebody has drawn.

    Args:
        path: JSON file with one pose for everybody, or a list of one for each person. A pose is a
            list of MPII's 16 joints in order, each [x, y] as fractions of the crop's width and
            height, or null for a joint that may go anywhere.
        count: number of people.
        size: width and height of the crop in pixels.

    Raises:
        ValueError: no such file, or not such poses; the message says what was found.
    """
    wanted = f"Expected {len(JOINTS)} joints [x, y] or null, or {count} such poses, in {path}."
    try:
        poses = json.loads(Path(path).read_text(encoding="utf-8"))
        # One pose is a list of joints: its first entry is null, or a pair of numbers.
        if poses[0] is None or not isinstance(poses[0][0], (list, type(None))):
            poses = [poses] * count
        free = [np.nan, np.nan]
        points = np.array([[free if j is None else j for j in pose] for pose in poses], float)
    except (OSError, ValueError, TypeError, IndexError, KeyError) as error:
        raise ValueError(f"{wanted} Got: {error}.") from error
    if points.shape != (count, len(JOINTS), 2):
        raise ValueError(f"{wanted} Got shape {points.shape}.")
    known = ~np.isnan(points)
    if ((points < 0) | (points > 1)).any() or not known.any():
        raise ValueError(f"{wanted} Got numbers outside of 0 to 1, or no joint at all.")
    pixels = np.nan_to_num(points) * size
    visible = known.all(axis=-1, keepdims=True)
    return TargetPoses(
        np.concatenate([pixels, visible], axis=-1).astype(np.float32), f"from {path}"
    )


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


def complete_donors(donors: Array, index: NDArray[np.int64]) -> NDArray[np.int64]:
    """Who can give a target pose: the people with all joints labelled.

    Args:
        donors: (M, K, 3), poses of the test set.
        index: (N,), place of each victim in it; nobody is their own donor.

    Raises:
        ValueError: a victim would have no donor.
    """
    complete = np.flatnonzero((donors[..., 2] > 0).all(axis=1))
    if not set(complete) - set(index.tolist()) and len(complete) < 2:
        raise ValueError(
            f"Expected donors with all {donors.shape[1]} joints labelled for target poses. "
            f"Got {len(complete)} in a test set of {len(donors)}."
        )
    return complete


def random_far_poses(
    clean: Array,
    index: NDArray[np.int64],
    donors: Array,
    head_size: Array,
    to_image: ToImage,
    seed: int = 0,
) -> TargetPoses:
    """Draws for each victim a true pose that its clean prediction matches in no scored joint.

    A donor is another person with all joints labelled. Its pose, in pixels of its own crop, is
    taken over into the victim's crop; its PCKh@0.5 against the clean prediction, by the victim's
    head size, must be 0. Where no donor has 0, the lowest is taken.

    Args:
        clean: (N, 16, 3), the network's clean predictions, in crop pixels.
        index: (N,), place of each victim in the test set.
        donors: (M, 16, 3), poses of the test set in order, each in its own crop.
        head_size: (N,), in image pixels.
        to_image: maps (N, M, K, 3) poses from crop to image pixels.
        seed: of the draw; a victim's draw depends on its index only, not on who else is there.

    Raises:
        ValueError: nobody has all joints labelled, or they are not MPII's 16.

    Source: Jain et al. 2019, section 4.2 (targeted attacks).
    """
    _check_mpii(donors)
    complete = complete_donors(donors, index)
    pckh = _pckh_against(clean, donors[complete], head_size, to_image)
    chosen, fallbacks = [], 0
    for row, victim in zip(pckh, index.tolist(), strict=True):
        order = np.random.default_rng([seed, victim]).permutation(len(complete))
        order = order[complete[order] != victim]
        far = order[row[order] == 0]
        fallbacks += len(far) == 0
        best = far[0] if len(far) else order[np.argmin(row[order])]
        chosen.append(complete[best])
    picked = np.asarray(chosen, np.int64)
    rule = "a random true pose with PCKh 0 against the clean prediction, else the lowest"
    return TargetPoses(donors[picked], rule, seed, picked, fallbacks)


def _check_mpii(poses: Array) -> None:
    if poses.shape[1] != len(JOINTS):
        raise ValueError(
            f"Expected poses of MPII's {len(JOINTS)} joints. Got {poses.shape[1]}: give target "
            "poses y of your own to the attack."
        )


def _pckh_against(
    clean: Array, donors: Array, head_size: Array, to_image: ToImage
) -> NDArray[np.float64]:
    """(N, M): share of joints where the clean prediction matches the donor's pose."""
    count = len(clean)
    predicted = to_image(clean)
    shares = np.empty((count, len(donors)))
    # Donor by donor, so that memory stays (N, K, 3) however many there are.
    for m, donor in enumerate(donors):
        truth = to_image(np.broadcast_to(donor, (count, *donor.shape)))
        shares[:, m] = pckh_hits(predicted, truth, head_size)[:, SCORED].mean(axis=1)
    return shares
