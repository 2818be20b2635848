"""Joints, groups, bones and flips of any dataset, from MMPose's meta information.

Left and right are the person's own. Numbers of joints are places in `Skeleton.joints`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hpe_art.errors import UserError, usable

Groups = dict[str, tuple[int, ...]]

MAX_GROUPS = 12
SIDES = {"left": "left", "l": "left", "right": "right", "r": "right"}
#: Words that tell joints of one kind apart; dropped where there would be too many groups.
POSITIONS = "front|back|top|bottom|mid|end|big|small|medial|lateral|upper|lower|f|b"
#: Parts of bodies with a landmark everywhere, by the words in their joints' names.
PARTS = {
    "Face": "face",
    "Hand": "hand|thumb|finger|forefinger|index|middle|ring|pinky",
    "Foot": "foot|toe|heel|paw",
}
REST = "Body"


class SkeletonError(UserError):
    """A joint or a group is asked for that the skeleton lacks; the message lists those it has."""


@dataclass(frozen=True)
class Skeleton:
    """Joints of one dataset, K in number."""

    dataset: str  # its name, as in the meta information
    joints: tuple[str, ...]
    flip_indices: tuple[int, ...]  # the joint that each becomes when the image is mirrored
    groups: Groups  # joints of one kind, left and right together, by the name of the kind
    bones: tuple[tuple[int, int, str], ...]  # two joints, and the side: left, right or centre
    #: Spreads of annotators in units of the square root of the area, if known.
    sigmas: tuple[float, ...] | None

    @classmethod
    def from_metainfo(cls, metainfo: Mapping[str, Any]) -> Skeleton:
        """The skeleton of a dataset, by what `parse_pose_metainfo` of MMPose 1.3.2 makes.

        Raises:
            SkeletonError: it describes none.
        """
        with usable("the metainfo of a data set's joints", SkeletonError):
            names = [metainfo["keypoint_id2name"][k] for k in range(metainfo["num_keypoints"])]
            joints = tuple(map(str, names))
            sigmas = tuple(round(float(sigma), 6) for sigma in metainfo["sigmas"])
            links = metainfo["skeleton_links"]
            found = cls(
                dataset=str(metainfo["dataset_name"]),
                joints=joints,
                flip_indices=tuple(map(int, metainfo["flip_indices"])),
                groups=group_joints(joints),
                bones=tuple((int(a), int(b), _side(joints[a], joints[b])) for a, b in links),
                sigmas=sigmas if len(sigmas) == len(joints) else None,
            )
        fault = skeleton_fault("it", joints, found.groups, found.bones)
        if fault or {*found.flip_indices} - {*range(len(joints))}:
            raise SkeletonError(
                "Expected the metainfo of a data set's joints, each with one as its mirror. Got "
                f"{fault or found.flip_indices}."
            )
        return found

    @property
    def grouped(self) -> tuple[int, ...]:
        """Numbers of the joints that are in a group."""
        return tuple(sorted(k for group in self.groups.values() for k in group))

    def joint_numbers(self, names: Sequence[str]) -> list[int]:
        """Joints by name, or by group such as Wrist, in any case; SkeletonError lists all."""
        known = {name.lower(): [k] for k, name in enumerate(self.joints)}
        known |= {name.lower(): list(group) for name, group in self.groups.items()}
        unknown = [name for name in names if name.lower() not in known]
        if unknown or not names:
            raise SkeletonError(
                f"Expected joints out of {', '.join((*self.groups, *self.joints))}. "
                f"Got {', '.join(unknown)}."
            )
        return sorted({k for name in names for k in known[name.lower()]})


def skeleton_fault(
    name: str,
    joints: Sequence[str],
    groups: Mapping[str, Sequence[int]],
    bones: Iterable[tuple[int, int, str]],
) -> str | None:
    """What does not fit together in a skeleton that was read, of somebody; None if all does."""
    count = len(joints)
    if len(set(joints)) != count or count == 0:
        return f"{count} joints of {name}, some of the same name, or none"
    if any(not 0 <= k < count for group in groups.values() for k in group):
        return f"a group of {name} with joints that it has not"
    known = {*SIDES.values(), "centre"}
    if any(not (0 <= a < count and 0 <= b < count) or side not in known for a, b, side in bones):
        return f"a bone of {name} between joints that it has not, or on no side"
    return None


def converted_metainfo(
    metainfo: Mapping[str, Any], mapping: Iterable[tuple[Any, int]], count: int
) -> dict[str, Any]:
    """MMPose's meta information of the joints that its `KeypointConverter` makes.

    Args:
        metainfo: of the joints before, parsed.
        mapping: the converter's: a joint before, or two whose middle it is, and the joint after.
        count: joints after; those that nothing is mapped to are named by their numbers.
    """
    sources: dict[int, tuple[int, ...]] = {
        after: tuple(before) if isinstance(before, (list, tuple)) else (before,)
        for before, after in mapping
    }
    names, flips = metainfo["keypoint_id2name"], metainfo["flip_indices"]
    after = {frozenset(before): joint for joint, before in sources.items()}
    mirror = [
        after.get(frozenset(flips[one] for one in sources.get(k, ())), k) for k in range(count)
    ]
    joints = {k: "+".join(names[one] for one in sources.get(k, ())) for k in range(count)}
    joints = {k: name or f"joint_{k}" for k, name in joints.items()}
    ends = [[after.get(frozenset({one})) for one in link] for link in metainfo["skeleton_links"]]
    sigmas = metainfo["sigmas"]
    known = len(sigmas) == len(names) and len(sources) == count
    return {
        **metainfo,
        "num_keypoints": count,
        "keypoint_id2name": joints,
        "keypoint_name2id": {name: k for k, name in joints.items()},
        "flip_indices": mirror,
        "skeleton_links": [tuple(link) for link in ends if None not in link],
        "sigmas": [
            sum(float(sigmas[one]) for one in sources[k]) / len(sources[k]) for k in range(count)
        ]
        if known
        else [],
    }


def group_joints(joints: Sequence[str]) -> Groups:
    """Joints of one kind together, in the order of their first joints; at most `MAX_GROUPS`.

    Kinds are named by what is left of a joint's name without its side and its number: Wrist for
    left_wrist, R_Wrist, wristL. Where these are too many, words for a position are dropped as
    well (Head for Head_Mid_Top); where that is not enough, kinds are parts of the body.
    """
    if tuple(joints) == MPII.joints:
        return MPII.groups
    kinds = [[word for word in _words(joint) if word not in SIDES] for joint in joints]
    groups = _gather(map(_title, kinds))
    if len(groups) > MAX_GROUPS:
        plain = ([w for w in kind if not re.fullmatch(POSITIONS, w)] for kind in kinds)
        groups = _gather(map(_title, plain))
    if len(groups) > MAX_GROUPS:
        groups = _gather(map(_part, kinds))
    return groups if set(groups) != {REST} else {_title([]): groups[REST]}


def _gather(names: Iterable[str]) -> Groups:
    groups: dict[str, list[int]] = {}
    for k, name in enumerate(names):
        groups.setdefault(name, []).append(k)
    return {name: tuple(group) for name, group in groups.items()}


def _words(name: str) -> list[str]:
    """Words of left_big_toe, L_EarBase, forelegR1, kpt-0, without numbers, in lower case."""
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)
    return [word.lower() for word in words if word.lower() != "kpt"]


def _title(words: list[str]) -> str:
    return " ".join(words).capitalize() or "Landmark"


def _part(words: list[str]) -> str:
    parts = (part for part, known in PARTS.items() if any(re.fullmatch(known, w) for w in words))
    return next(parts, REST)


def _side(*names: str) -> str:
    sides = {SIDES[word] for name in names for word in _words(name) if word in SIDES}
    return sides.pop() if len(sides) == 1 else "centre"


#: As MMPose's ``configs/_base_/datasets/mpii.py``; the eight groups of Jain et al. 2019, table 2.
MPII = Skeleton(
    dataset="mpii",
    joints=(
        "right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle",
        "pelvis", "thorax", "upper_neck", "head_top", "right_wrist", "right_elbow",
        "right_shoulder", "left_shoulder", "left_elbow", "left_wrist",
    ),
    flip_indices=(5, 4, 3, 2, 1, 0, 6, 7, 8, 9, 15, 14, 13, 12, 11, 10),
    groups={  # pelvis and thorax are in none
        "Head": (9,), "Neck": (8,), "Shoulder": (12, 13), "Elbow": (11, 14),
        "Wrist": (10, 15), "Hip": (2, 3), "Knee": (1, 4), "Ankle": (0, 5),
    },
    bones=(
        (0, 1, "right"), (1, 2, "right"), (2, 6, "right"), (6, 3, "left"), (3, 4, "left"),
        (4, 5, "left"), (6, 7, "centre"), (7, 8, "centre"), (8, 9, "centre"), (8, 12, "right"),
        (12, 11, "right"), (11, 10, "right"), (8, 13, "left"), (13, 14, "left"), (14, 15, "left"),
    ),
    sigmas=(
        0.089, 0.083, 0.107, 0.107, 0.083, 0.089, 0.026, 0.026,
        0.026, 0.026, 0.062, 0.072, 0.179, 0.179, 0.072, 0.062,
    ),
)  # fmt: skip
