"""The MPII skeleton: joints, groups, bones, limbs and the pairs that a mirror swaps.

The order and the names are those of MMPose's MPII meta information
(``configs/_base_/datasets/mpii.py``). Left and right are the person's own.
"""

from __future__ import annotations

from hpe_art.skeleton import MPII

JOINTS = MPII.joints
GROUPS = MPII.groups
SKELETON = MPII.bones
joint_numbers = MPII.joint_numbers

#: The joints in the mean PCKh: all but pelvis and thorax, as in MMPose's MpiiPCKAccuracy.
SCORED = MPII.grouped

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
