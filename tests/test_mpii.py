from __future__ import annotations

import warnings

import hpe_art.compat  # noqa: F401  (MMPose imports only after it)

import pytest

from hpe_art import mpii


@pytest.fixture(scope="module")
def meta():
    from mmpose.datasets.datasets.utils import parse_pose_metainfo

    with warnings.catch_warnings():  # it says that it takes the file from the installed package
        warnings.simplefilter("ignore", UserWarning)
        return parse_pose_metainfo({"from_file": "configs/_base_/datasets/mpii.py"})


def test_joints_and_flip_pairs_are_those_of_mmpose(meta):
    assert list(mpii.JOINTS) == [meta["keypoint_id2name"][k] for k in range(16)]
    swapped = list(range(16))
    for a, b in mpii.FLIP_PAIRS:
        swapped[a], swapped[b] = b, a
    assert swapped == list(meta["flip_indices"])


def test_skeleton_links_and_sides_are_those_of_mmpose(meta):
    assert [link[:2] for link in mpii.SKELETON] == [tuple(pair) for pair in meta["skeleton_links"]]
    sides = {(255, 128, 0): "right", (0, 255, 0): "left", (51, 153, 255): "centre"}
    colours = [sides[tuple(int(c) for c in rgb)] for rgb in meta["skeleton_link_colors"]]
    assert [link[2] for link in mpii.SKELETON] == colours


def test_groups_hold_every_scored_joint_once():
    grouped = [joint for group in mpii.GROUPS.values() for joint in group]
    assert sorted(grouped) == sorted(mpii.SCORED)
    assert {mpii.JOINTS[k] for k in set(range(16)) - set(mpii.SCORED)} == {"pelvis", "thorax"}


def test_groups_are_named_after_their_joints():
    for name, group in mpii.GROUPS.items():
        assert all(name.lower() in mpii.JOINTS[k] for k in group)
