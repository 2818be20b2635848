"""The MPII skeleton: joints, groups, bones and the pairs that a mirror swaps.

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

#: Joints that change places when the image is mirrored.
FLIP_PAIRS: tuple[tuple[int, int], ...] = ((0, 5), (1, 4), (2, 3), (10, 15), (11, 14), (12, 13))
