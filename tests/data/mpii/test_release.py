from __future__ import annotations

import json
import re

import hpe_art.compat  # noqa: F401

import cv2
import numpy as np
import pytest
from releases import EMPTY, HEAD_BOX, IMAGES, joints, person, structs, write_release
from scipy.io import loadmat, savemat

from hpe_art.data.mpii.folder import mpii_dataset
from hpe_art.data.mpii.release import (
    FILES,
    ReleaseError,
    prepare,
    read_release,
    read_val_list,
    split_by_list,
    split_by_video,
)


@pytest.fixture(scope="module")
def release_file(tmp_path_factory):
    return write_release(tmp_path_factory.mktemp("release") / "mpii_human_pose_v1_u12_1.mat")


@pytest.fixture(scope="module")
def release(release_file):
    return read_release(release_file)


def test_the_file_here_nests_as_the_release_does(release_file):
    """The way that code for the real file goes through it."""
    content = loadmat(release_file)["RELEASE"]
    assert content["img_train"][0, 0][0].tolist() == [train for _, train, _, _ in IMAGES]
    image = content["annolist"][0, 0][0, 1]
    assert image["image"][0, 0]["name"][0] == "000000001.jpg"
    rect = image["annorect"][0, 1]
    assert rect["x1"][0, 0] == HEAD_BOX[0]
    assert rect["objpos"][0, 0]["x"][0, 0] == 62
    point = rect["annopoints"][0, 0]["point"][0, 3]
    assert (point["id"][0, 0], point["is_visible"].size) == (9, 0)


def test_people_who_can_be_used(release):
    found = [(p.image, p.number) for p in release.people]
    assert found[:4] == [
        ("000000001.jpg", 1),
        ("000000001.jpg", 2),
        ("000000002.jpg", 1),
        ("000000005.jpg", 3),
    ]
    assert len(found) == 4 + 40
    assert release.left_out == {"joints": 2, "scale or position": 2, "a head box": 1}
    assert release.images == [name for name, *_ in IMAGES]


def test_an_entry_keeps_the_numbers_of_the_release(release):
    entry = release.people[0].entry
    assert entry == {
        "image": "000000001.jpg",
        "center": [61, 55],
        "scale": round(0.4 + 1 / 7, 6),
        "joints": joints(1).tolist(),
        "joints_vis": [1] * 16,
        "head_box": list(HEAD_BOX),
    }


def test_unlabelled_joints(release):
    entry = release.people[1].entry
    assert entry["joints"][:6] == [[-1, -1]] * 6
    assert entry["joints"][6:] == joints(2)[6:].tolist()
    assert entry["joints_vis"] == [0] * 6 + [1] * 10


@pytest.mark.parametrize("visible", [0, 1, "0", "1", EMPTY, None])
def test_a_labelled_joint_counts_hidden_or_not(tmp_path, visible):
    images = [("1.jpg", 1, 1, [person(0, [15, 3], visible)])]
    (only,) = read_release(write_release(tmp_path / "r.mat", images)).people
    assert np.flatnonzero(only.entry["joints_vis"]).tolist() == [3, 15]
    assert only.entry["joints"][15] == joints(0)[15].tolist()


def test_joints_are_numbered_to_15(tmp_path):
    stray = person(0)
    stray["annopoints"]["point"][0, 0]["id"][0, 5] = 16
    file = write_release(tmp_path / "r.mat", [("1.jpg", 1, 1, [stray])])
    with pytest.raises(ReleaseError, match=r"Expected joints 0\.\.15\. Got 16 in 1\.jpg"):
        read_release(file)


def test_no_video_is_in_both_halves(release):
    train, val = split_by_video(release.people, 0.3)
    assert not {p.video for p in train} & {p.video for p in val}
    assert not {p.image for p in train} & {p.image for p in val}
    assert sorted(train + val) == sorted(release.people)
    assert 0.1 < len(val) / len(release.people) < 0.5
    # By the video alone: neither order nor the other people matter, and more is a superset.
    assert split_by_video(release.people[::-1], 0.3)[1] == val[::-1]
    assert {p.image for p in val} <= {p.image for p in split_by_video(release.people, 0.6)[1]}


def test_images_without_a_video_are_split_by_their_names(tmp_path):
    images = [(f"{n}.jpg", 1, EMPTY, [person(n)]) for n in range(20)]
    people = read_release(write_release(tmp_path / "r.mat", images)).people
    assert len({p.video for p in people}) == 20


def test_a_list_of_images_and_people(release, tmp_path):
    file = tmp_path / "val.txt"
    file.write_text("# validation\n000000001.jpg 2\n\n000000002.jpg\n000000010.jpg, 1  # one\n")
    listed = read_val_list(file, release.images)
    train, val = split_by_list(release.people, listed)
    assert [(p.image, p.number) for p in val] == [
        ("000000001.jpg", 2),
        ("000000002.jpg", 1),
        ("000000010.jpg", 1),
    ]
    # Person 1 of image 1 is in neither: that image must not be trained on.
    assert len(train) == len(release.people) - 4
    assert not {p.image for p in train} & {p.image for p in val}


def test_the_list_of_tompson(release, tmp_path):
    numbers = {"RELEASE_img_index": [[2, 3]], "RELEASE_person_index": [[2, 1]]}
    savemat(tmp_path / "detections.mat", numbers)
    listed = read_val_list(tmp_path / "detections.mat", release.images)
    assert listed == {("000000001.jpg", 2), ("000000002.jpg", 1)}
    savemat(tmp_path / "other.mat", {"preds": 1})
    with pytest.raises(ReleaseError, match=r"Expected RELEASE_img_index and .* Got preds\."):
        read_val_list(tmp_path / "other.mat", release.images)


@pytest.mark.parametrize(
    ("places", "numbers", "words"),
    [
        ([2, 0], [1, 1], r"from 1 to 3 \(there are so .* as RELEASE_img_index .* Got 0 in place 2"),
        ([4, 1], [1, 1], "as RELEASE_img_index in .*mat. Got 4 in place 1"),
        ([2, np.nan], [1, 1], "Got nan in place 2"),
        ([2, 1.5], [1, 1], "Got 1.5 in place 2"),
        ([2, 1], [1, 0], "from 1 on as RELEASE_person_index in .*mat. Got 0 in place 2"),
        ([2, 1], [1, np.inf], "as RELEASE_person_index .* Got inf in place 2"),
        ([2, 1, 3], [1, 1], "as many images as people in .*mat. Got 3 and 2"),
        ("ab", [1, 1], "Got "),
    ],
)
def test_places_that_the_release_does_not_have(tmp_path, places, numbers, words):
    file = tmp_path / "detections.mat"
    savemat(file, {"RELEASE_img_index": places, "RELEASE_person_index": numbers})
    with pytest.raises(ReleaseError, match=words):
        read_val_list(file, ["a.jpg", "b.jpg", "c.jpg"])


def test_a_list_that_begins_with_a_byte_order_mark(tmp_path):
    file = tmp_path / "val.txt"
    file.write_text("a.jpg\r\nb.jpg 2\r\n", encoding="utf-8-sig")
    assert read_val_list(file, ["a.jpg", "b.jpg"]) == {("a.jpg", None), ("b.jpg", 2)}


def test_people_whose_numbers_cannot_be_used_are_left_out(tmp_path):
    fields = [dict(scale=-1), dict(scale=1e9), dict(objpos=structs({"x": -1, "y": -1}))]
    people = [person(number, **some) for number, some in enumerate(fields)]
    images = [("1.jpg", 1, 1, [*people, person(5)]), ("one.jpg", 1, 2, [person(7)])]
    release = read_release(write_release(tmp_path / "r.mat", images))
    assert [(one.image, one.number) for one in release.people] == [("1.jpg", 4)]
    assert release.left_out == {"numbers that can be used": 4}


@pytest.mark.parametrize("line", ["a.jpg 0", "a.jpg one", "a.jpg 1 2"])
def test_a_list_with_something_else(tmp_path, line):
    file = tmp_path / "val.txt"
    file.write_text(f"b.jpg\n{line}\n")
    with pytest.raises(ReleaseError, match=f"number from 1 on. Got '{line}' in line 2 of .*val"):
        read_val_list(file, ["a.jpg", "b.jpg"])


@pytest.fixture(scope="module")
def root(tmp_path_factory, release_file, release):
    """A prepared folder with pictures."""
    root = tmp_path_factory.mktemp("mpii")
    (root / "images").mkdir()
    for name in release.images:
        cv2.imwrite(str(root / "images" / name), np.zeros((120, 120, 3), np.uint8))
    listed = root / "val.txt"
    listed.write_text("000000001.jpg\n000000002.jpg\n000000010.jpg\n")
    prepare(release_file, root, listed)
    return root


def test_the_files(root):
    annotations = root / "annotations"
    assert sorted(p.name for p in annotations.iterdir()) == sorted(FILES)
    assert sorted(p.name for p in root.iterdir()) == ["annotations", "images", "val.txt"]
    splits = [json.loads((annotations / f"mpii_{s}.json").read_text()) for s in ("train", "val")]
    assert [len(people) for people in splits] == [40, 4]
    both = json.loads((annotations / "mpii_trainval.json").read_text())
    assert both == splits[0] + splits[1]
    assert all(p.keys() == {"image", "center", "scale", "joints", "joints_vis"} for p in both)


def test_the_head_boxes_file_as_hrnet_reads_it(root):
    truth = loadmat(root / "annotations" / "mpii_gt_val.mat")
    assert truth["pos_gt_src"].shape == (16, 2, 4)
    np.testing.assert_allclose(truth["pos_gt_src"][:, :, 0], joints(1))
    assert truth["jnt_missing"].shape == (16, 4)
    assert truth["jnt_missing"].sum(axis=0).tolist() == [0, 6, 0, 0]
    np.testing.assert_allclose(truth["headboxes_src"][:, :, 3].ravel(), HEAD_BOX)
    assert truth["headboxes_src"].shape == (2, 2, 4)
    assert truth["dataset_joints"].shape == (1, 16)
    assert np.where(truth["dataset_joints"] == "lwri")[1][0] == 15


def test_mmpose_loads_it_and_scores_the_truth_100(root):
    from mmpose.datasets import MpiiDataset
    from mmpose.evaluation.metrics import MpiiPCKAccuracy

    settings = mpii_dataset(root)
    settings.pop("type")
    people = MpiiDataset(**settings)
    samples = []
    for i in range(len(people)):
        info = people.get_data_info(i)
        truth = {key: info[key] for key in ("keypoints", "keypoints_visible", "head_size")}
        # A network's pixels count from 0.
        samples.append(
            {"gt_instances": truth, "pred_instances": {"keypoints": info["keypoints"] - 1}}
        )
    metric = MpiiPCKAccuracy()
    metric.process([], samples)
    scores = metric.evaluate(len(samples))
    assert scores["PCK"] == pytest.approx(100) and scores["PCK@0.1"] == pytest.approx(100)

    second = people.get_data_info(1)
    assert second["keypoints_visible"][0].tolist() == [0] * 6 + [1] * 10
    np.testing.assert_allclose(second["head_size"], [[0.6 * np.hypot(12, 16)]], rtol=1e-6)
    scale = 0.4 + 2 / 7
    np.testing.assert_allclose(second["bbox_center"], [[62 - 1, 55 + 15 * scale - 1]], rtol=1e-6)
    np.testing.assert_allclose(second["bbox_scale"], [[200 * scale] * 2], rtol=1e-6)
    assert cv2.imread(second["img_path"]).shape == (120, 120, 3)

    settings = mpii_dataset(root, "train")
    settings.pop("type")
    training = MpiiDataset(**settings)
    names = [
        {data.get_data_info(i)["img_path"] for i in range(len(data))} for data in (people, training)
    ]
    assert len(names[0]) == 3 and not names[0] & names[1]


def test_annotations_are_not_replaced_unasked(root, release_file):
    with pytest.raises(FileExistsError, match=r"Got mpii_train\.json, .* with --overwrite"):
        prepare(release_file, root)


def test_a_release_that_is_not_there_or_not_one(tmp_path):
    file = tmp_path / "mpii.mat"
    with pytest.raises(FileNotFoundError, match=r"Expected a file\. Got .*mpii\.mat, which"):
        prepare(file, tmp_path)
    file.write_text("not MATLAB's " * 50)
    with pytest.raises(ReleaseError, match=r"mpii\.mat to be a MATLAB file\. Got "):
        prepare(file, tmp_path)
    savemat(file, {"headboxes_src": 1, "preds": 2})
    with pytest.raises(ReleaseError, match="Got headboxes_src, preds: give mpii_human_pose_v1_u"):
        prepare(file, tmp_path)
    savemat(file, {"RELEASE": {"annolist": [1, 2], "img_train": [1]}})
    with pytest.raises(ReleaseError, match=r"one value of img_train per image .* 1 for 2\."):
        prepare(file, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mpii.mat"]


def test_nobody_to_validate_on(release_file, tmp_path):
    (tmp_path / "val.txt").write_text("999.jpg\n")
    message = "Expected people to train on and to validate on. Got 44 and 0: mend --val-list"
    with pytest.raises(ReleaseError, match=re.escape(message)):
        prepare(release_file, tmp_path, tmp_path / "val.txt")
    assert not (tmp_path / "annotations").exists()
