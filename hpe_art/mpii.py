"""The MPII skeleton: joints, groups, bones, limbs and the pairs that a mirror swaps.

The order and the names are those of MMPose's MPII meta information
(``configs/_base_/datasets/mpii.py``). Left and right are the person's own.
"""

from __future__ import annotations

from collections.abc import Sequence

JOINTS: tuple[str, ...] = (
    "right_ankle",
    "right_knee",
    "right_hip",
    "left_hip",
    "left_knee",
    "left_ankle",
    "pelvis",
    "thorax",
    "upper_neck",
    "head_top",
    "right_wrist",
    "right_elbow",
    "right_shoulder",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
)

#: The eight groups of Jain et al. 2019, table 2. Pelvis and thorax are in none.
GROUPS: dict[str, tuple[int, ...]] = {
    "Head": (9,),
    "Neck": (8,),
    "Shoulder": (12, 13),
    "Elbow": (11, 14),
    "Wrist": (10, 15),
    "Hip": (2, 3),
    "Knee": (1, 4),
    "Ankle": (0, 5),
}

#: The joints in the mean PCKh: all but pelvis and thorax, as in MMPose's MpiiPCKAccuracy.
SCORED: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15)

#: The bones of DLCM (Tang et al. 2018): joint to joint.
BONES: tuple[tuple[int, int], ...] = (
    (0, 1),
    (1, 2),
    (3, 4),
    (4, 5),
    (2, 6),
    (3, 6),
    (7, 8),
    (8, 9),
    (10, 11),
    (11, 12),
    (13, 14),
    (14, 15),
)

#: The limbs of DLCM, two bones each: right leg, left leg, waist, head-neck, right arm, left arm.
LIMBS: tuple[tuple[int, int], ...] = ((0, 1), (2, 3), (4, 5), (6, 7), (8, 9), (10, 11))

#: Joints that change places when the image is mirrored.
FLIP_PAIRS: tuple[tuple[int, int], ...] = ((0, 5), (1, 4), (2, 3), (10, 15), (11, 14), (12, 13))

#: The lines that MMPose draws: joint, joint, and the side of the body.
SKELETON: tuple[tuple[int, int, str], ...] = (
    (0, 1, "right"),
    (1, 2, "right"),
    (2, 6, "right"),
    (6, 3, "left"),
    (3, 4, "left"),
    (4, 5, "left"),
    (6, 7, "centre"),
    (7, 8, "centre"),
    (8, 9, "centre"),
    (8, 12, "right"),
    (12, 11, "right"),
    (11, 10, "right"),
    (8, 13, "left"),
    (13, 14, "left"),
    (14, 15, "left"),
)


def joint_numbers(names: Sequence[str]) -> list[int]:
    """Joints by their names in `JOINTS`, or those of a group such as Wrist.

    Raises:
        ValueError: no such joint (the message lists them).
    """
    known = {name.lower(): [k] for k, name in enumerate(JOINTS)}
    known |= {name.lower(): list(group) for name, group in GROUPS.items()}
    unknown = [name for name in names if name.lower() not in known]
    if unknown or not names:
        raise ValueError(
            f"Expected joints out of {', '.join((*GROUPS, *JOINTS))}. Got {', '.join(unknown)}."
        )
    return sorted({k for name in names for k in known[name.lower()]})
