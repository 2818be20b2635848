from __future__ import annotations

import warnings
from pathlib import Path

import hpe_art.compat  # noqa: F401  (MMPose imports only after it)

import mmpose
import pytest
from mmpose.datasets.datasets.utils import parse_pose_metainfo

from hpe_art.skeleton import MAX_GROUPS, MPII, Skeleton, SkeletonError, group_joints

FILES = sorted(Path(mmpose.__file__).parent.glob(".mim/configs/_base_/datasets/*.py"))


def skeleton_of(name: str) -> Skeleton:
    with warnings.catch_warnings():  # it says that it takes the file from the installed package
        warnings.simplefilter("ignore", UserWarning)
        return Skeleton.from_metainfo(parse_pose_metainfo({"from_file": f"{name}.py"}))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_dataset_of_mmpose_has_a_skeleton(file):
    skeleton = skeleton_of(file.stem)
    count = len(skeleton.joints)
    assert 1 <= len(skeleton.groups) <= MAX_GROUPS
    grouped = [k for group in skeleton.groups.values() for k in group]
    assert len(set(grouped)) == len(grouped)
    left_out = {skeleton.joints[k] for k in set(range(count)) - set(grouped)}
    assert left_out == ({"pelvis", "thorax"} if file.stem in ("mpii", "mhp") else set())
    assert list(skeleton.groups.values()) != [()]
    if file.stem != "deepfashion2":  # whose meta information swaps a joint twice
        assert [skeleton.flip_indices[k] for k in skeleton.flip_indices] == list(range(count))
    assert skeleton.sigmas is None or len(skeleton.sigmas) == count
    for a, b, side in skeleton.bones:
        assert 0 <= a < count and 0 <= b < count
        assert side in ("left", "right", "centre")


def test_there_are_many_datasets():
    assert len(FILES) > 40


def test_mpii_is_that_of_mmpose():
    assert skeleton_of("mpii") == MPII


def test_the_sides_of_mpiis_bones_are_mmposes_colours():
    meta = parse_pose_metainfo({"from_file": str(next(f for f in FILES if f.stem == "mpii"))})
    sides = {(255, 128, 0): "right", (0, 255, 0): "left", (51, 153, 255): "centre"}
    colours = [sides[tuple(int(c) for c in rgb)] for rgb in meta["skeleton_link_colors"]]
    assert [side for *_, side in MPII.bones] == colours


def test_mpiis_groups_are_named_after_their_joints():
    for name, group in MPII.groups.items():
        assert all(name.lower() in MPII.joints[k] for k in group)
    assert MPII.grouped == (0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15)


def test_cocos_groups():
    groups = skeleton_of("coco").groups
    names = ["Nose", "Eye", "Ear", "Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle"]
    assert list(groups) == names
    assert groups["Wrist"] == (9, 10)


@pytest.mark.parametrize(
    ("dataset", "sizes"),
    [
        ("coco_wholebody", {"Body": 17, "Foot": 6, "Face": 68, "Hand": 42}),
        ("wflw", {"Landmark": 98}),
        ("deepfashion2", {"Landmark": 294}),
        ("coco_wholebody_face", {"Face": 68}),
        ("interhand3d", dict.fromkeys(("Thumb", "Forefinger", "Middle finger", "Ring finger"), 8)),
        ("deepfashion_upper", {"Collar": 2, "Sleeve": 2, "Hem": 2}),
        ("ap10k", {"Eye": 2, "Nose": 1, "Root of tail": 1, "F paw": 2, "B paw": 2}),
    ],
)
def test_sizes_of_groups(dataset, sizes):
    groups = skeleton_of(dataset).groups
    assert {name: len(groups[name]) for name in sizes} == sizes


def test_sides_and_numbers_are_not_part_of_a_kind():
    names = ["left_knee", "knee_right", "R_Knee", "kneeL", "L_KneeCap", "forelegR12", "kpt-3"]
    assert group_joints(names) == {
        "Knee": (0, 1, 2, 3),
        "Knee cap": (4,),
        "Foreleg": (5,),
        "Landmark": (6,),
    }


def test_a_bone_between_the_sides_is_in_the_centre():
    skeleton = skeleton_of("coco")
    sides = {frozenset((skeleton.joints[a], skeleton.joints[b])): s for a, b, s in skeleton.bones}
    assert sides[frozenset(("left_hip", "right_hip"))] == "centre"
    assert sides[frozenset(("left_hip", "left_knee"))] == "left"
    assert sides[frozenset(("nose", "right_eye"))] == "right"


def test_joint_numbers_take_joints_and_groups():
    assert MPII.joint_numbers(["Wrist", "HEAD_TOP"]) == [9, 10, 15]
    with pytest.raises(SkeletonError, match=r"joints out of Head, .*left_wrist\. Got nostril\."):
        MPII.joint_numbers(["nostril", "Wrist"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"flip_indices": [0, 9]}, r"each with one as its mirror. Got \(0, 9\)"),
        ({"skeleton_links": [(0,)]}, "metainfo of a data set's joints. Got ValueError: not enough"),
        ({"keypoint_id2name": {0: "a", 1: "a"}}, "Got 2 joints of it, some of the same name"),
    ],
)
def test_what_describes_no_skeleton(changes, message):
    whole = dict(dataset_name="own", num_keypoints=2, keypoint_id2name={0: "a", 1: "b"}, sigmas=[])
    whole |= dict(flip_indices=[0, 1], skeleton_links=[(0, 1)])
    assert Skeleton.from_metainfo(whole).bones == ((0, 1, "centre"),)
    with pytest.raises(SkeletonError, match=message):
        Skeleton.from_metainfo({**whole, **changes})
