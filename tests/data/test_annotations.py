"""Who of a file of annotations cannot be used, and what is said of them."""

from __future__ import annotations

import copy
import json
import math

import numpy as np
import pytest

from hpe_art.data.annotations import (
    DataError,
    coco_faults,
    mpii_faults,
    read_json,
    usable_coco,
    usable_mpii,
)
from hpe_art.rendered_people.dataset import coco_people_folder, people_folder

NAN = math.nan


@pytest.fixture(scope="module")
def mpii():
    return read_json(people_folder("val") / "annotations" / "mpii_val.json")[:3]


@pytest.fixture(scope="module")
def coco():
    folder = coco_people_folder("val") / "annotations"
    return read_json(folder / "person_keypoints_val.json")


def at(*path_and_value):
    """Sets what lies at a path."""
    *path, last, value = path_and_value

    def spoil(entry):
        for key in path:
            entry = entry[key]
        entry[last] = value

    return spoil


def without(key):
    return lambda entry: entry.pop(key)


def cut_joints(entry):
    entry["joints"].pop()
    entry["joints_vis"].pop()


def third_number(entry):
    entry["joints"] = [[x, y, 1] for x, y in entry["joints"]]


def elsewhere(entry):
    entry["joints"] = [[-x - 1, -y - 1] for x, y in entry["joints"]]


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (without("center"), "center missing"),
        (without("joints_vis"), "joints_vis missing"),
        (at("image", "IMG_2000.jpg"), "'IMG_2000.jpg' for a name that begins with a whole number"),
        (at("image", 7), "image is 7 for a name"),
        (at("center", [-1, -1]), "centre and scale are not known (-1)"),
        (at("scale", -1), "centre and scale are not known (-1)"),
        (at("center", 0, NAN), "center is [nan, "),
        (at("center", [3]), "center is [3] for two finite numbers"),
        (at("center", None), "center is None"),
        (at("scale", NAN), "scale is nan for a finite number > 0"),
        (at("scale", 0), "scale is 0 for"),
        (at("scale", "1"), "scale is '1' for"),
        (at("joints", 3, [NAN, 1]), "joint 3 is at [nan, 1.0]"),
        (at("joints", 4, 1, 1e30), "joint 4 is at ["),
        (at("joints", 4, 1, None), ", nan]"),
        (at("joints", 4, [1]), "its joints are no numbers of shape (16, 2)"),
        (cut_joints, "its joints have the shape (15, 2) for (16, 2)"),
        (third_number, "its joints have the shape (16, 3) for (16, 2)"),
        (at("joints_vis", [1] * 15), "joints_vis is [1, 1, 1"),
        (at("joints_vis", 0, NAN), "for 16 times 0 or 1"),
        (at("joints_vis", 0, 2), "for 16 times 0 or 1"),
        (elsewhere, "all its joints lie outside the image"),
    ],
)
def test_people_of_mpii(mpii, spoil, what):
    people = copy.deepcopy(mpii)
    assert mpii_faults(people) == {}
    spoil(people[1])
    faults = mpii_faults(people)
    assert list(faults) == [1] and faults[1].stops
    assert str(faults[1]).startswith(f"person 1 ({people[1]['image']}): ")
    assert what in faults[1].what
    # Python's JSON holds what is no number, and the others keep their places.
    assert usable_mpii(people, faults) == [mpii[0], mpii[0], mpii[2]]


def test_people_of_mpii_who_are_no_people(mpii):
    faults = mpii_faults([mpii[0], 7, None])
    assert [str(one) for one in faults.values()] == [
        "person 1 (no image): it is 7 for an object",
        "person 2 (no image): it is None for an object",
    ]
    assert usable_mpii([7, None], mpii_faults([7, None])) == []


def test_nothing_to_score_is_no_error(mpii):
    (fault,) = mpii_faults([{**mpii[0], "joints_vis": [0] * 16}]).values()
    assert fault.what == "no joint is labelled" and not fault.stops


@pytest.mark.parametrize("corner", [NAN, 10.0, math.inf])
def test_head_boxes(mpii, corner):
    boxes = np.array([[10.0, 10.0], [30.0, 40.0]])[..., None] + np.zeros(3)
    assert mpii_faults(mpii, head_boxes=boxes) == {}
    boxes[1, :, 2] = corner
    (fault,) = mpii_faults(mpii, head_boxes=boxes).values()
    assert fault.person == 2 and fault.what.startswith("its head box is [[10.0, 10.0], [")


def number_of(entry):
    return entry["annotations"][0]["id"]


def a(*path_and_value):
    return at("annotations", 0, *path_and_value)


def cut_keypoints(content):
    del content["annotations"][0]["keypoints"][-6:]


def far_keypoints(content):
    points = content["annotations"][0]["keypoints"]
    points[0::3], points[1::3] = [5000] * 17, [5000] * 17


def twice(content):
    content["annotations"][1]["id"] = content["annotations"][0]["id"]


def same_image(content):
    content["images"][1]["id"] = content["images"][0]["id"]


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (lambda c: c["annotations"][0].pop("image_id"), "image_id missing"),
        (lambda c: c["annotations"][0].pop("category_id"), "category_id missing"),
        (lambda c: c["images"][0].pop("file_name"), "file_name missing"),
        (at("images", 0, "width", 0), "the image is 0 x "),
        (a("image_id", 10**6), "no image has the id 1000000"),
        (a("keypoints", 4, NAN), "joint 1 is at ["),
        (a("keypoints", [1, 2, 2]), "its joints have the shape (3,) for (51,)"),
        (cut_keypoints, "its joints have the shape (45,) for (51,)"),
        (far_keypoints, "all its joints lie outside its image of 192 x 192 pixels"),
        (a("keypoints", 2, -1), "its visibilities are [-1.0, "),
        (a("num_keypoints", 0), "num_keypoints is 0 and "),
        (a("bbox", [1, 2, NAN, 3]), "bbox is [1, 2, nan, 3] for four finite numbers"),
        (a("bbox", [1, 2, 3]), "bbox is [1, 2, 3] for four"),
        (a("bbox", [1, 2, 0, 3]), "its width and height must be > 0"),
        (a("bbox", [900, 2, 9, 3]), "outside its image of 192 x 192 pixels"),
        (a("area", 0), "area is 0 for a finite number > 0"),
        (a("area", NAN), "area is nan for"),
        (twice, "2 annotations have the id"),
        (same_image, "2 images have the id"),
    ],
)
def test_people_of_coco(coco, spoil, what):
    assert coco_faults(coco, 17) == {}
    content = copy.deepcopy(coco)
    spoil(content)
    faults = coco_faults(content, 17)
    assert 0 in faults and what in faults[0].what
    assert faults[0].person == coco["annotations"][0]["id"]
    left = usable_coco(content, faults)
    assert coco_faults(left, 17) == {}
    assert len(left["annotations"]) == len(content["annotations"]) - len(faults)


def test_what_cocos_format_leaves_out_itself_is_no_fault(coco):
    content = copy.deepcopy(coco)
    first, second, third = content["annotations"][:3]
    first.update(keypoints=[0] * 51, num_keypoints=0, bbox=[0, 0, 0, 0])
    second.update(iscrowd=1, keypoints=[0] * 51, area=0)
    del third["keypoints"]
    assert coco_faults(content, 17) == {}


def test_an_image_that_shows_nobody(coco):
    content = copy.deepcopy(coco)
    content["images"].append({"id": 10**6, "width": 3, "height": 4})
    (fault,) = coco_faults(content, 17).values()
    assert str(fault) == "image (no image): file_name missing"
    assert usable_coco(content, {}) == coco


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([], r"it is \[\] for an object"),
        ({"images": []}, "annotations and categories missing"),
        ({"images": [], "annotations": {}, "categories": []}, "a list of annotations .* a dict"),
    ],
)
def test_what_is_not_cocos_format(content, words):
    with pytest.raises(DataError, match=words):
        coco_faults(content, 17)


def test_json_that_is_none(tmp_path):
    path = tmp_path / "people.json"
    for text in ("[{", "[" * 10**5):
        path.write_text(text)
        with pytest.raises(DataError, match=f"Expected annotations in JSON. Got {path}: "):
            read_json(path)
    path.write_text(json.dumps([NAN]))
    assert math.isnan(read_json(path)[0])
