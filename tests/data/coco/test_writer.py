"""What is written is what COCO's own tools read."""

import json

import hpe_art.compat  # noqa: F401

import numpy as np
import pytest
from mmpose.datasets import CocoDataset
from xtcocotools import mask as coco_mask

from hpe_art.data.coco.writer import PERSON, annotation, write_annotations, write_detections

pytestmark = pytest.mark.filterwarnings("ignore:The metainfo config file")

MASK = np.zeros((24, 32), bool)
MASK[4:20, 5:9] = MASK[2:6, 20:31] = True
KEYPOINTS = np.random.default_rng(0).uniform(0, 24, (17, 2))
VISIBILITY = np.arange(17) % 3


@pytest.mark.parametrize("mask", [MASK, ~MASK, np.ones((3, 2), bool), np.eye(5, dtype=bool)])
def test_run_lengths_area_and_box_are_those_of_cocos_tools(mask):
    entry = annotation(KEYPOINTS, VISIBILITY, mask)
    runs = coco_mask.frPyObjects(entry["segmentation"], *mask.shape)
    np.testing.assert_array_equal(coco_mask.decode(runs).astype(bool), mask)
    assert entry["area"] == coco_mask.area(runs)
    assert entry["bbox"] == coco_mask.toBbox(runs).tolist()


def test_what_is_not_labelled_is_zero_and_not_counted():
    entry = annotation(KEYPOINTS, VISIBILITY, MASK)
    points = np.reshape(entry["keypoints"], (17, 3))
    np.testing.assert_array_equal(points[:, 2], VISIBILITY)
    assert entry["num_keypoints"] == np.count_nonzero(VISIBILITY) == 11
    assert not points[VISIBILITY == 0].any()
    seen = VISIBILITY > 0
    np.testing.assert_allclose(points[seen, :2], KEYPOINTS[seen], atol=0.05)


def test_a_crowd_has_an_area_and_no_keypoints():
    entry = annotation(KEYPOINTS, VISIBILITY, MASK, crowd=True)
    assert entry["iscrowd"] == 1 and entry["area"] == MASK.sum()
    assert entry["num_keypoints"] == 0 and not any(entry["keypoints"])


def test_names_and_bones_are_mmposes():
    meta = CocoDataset(lazy_init=True).metainfo
    names = [meta["keypoint_id2name"][k] for k in range(17)]
    assert PERSON["keypoints"] == names
    ours = {frozenset((a - 1, b - 1)) for a, b in PERSON["skeleton"]}
    assert ours == {frozenset(link) for link in meta["skeleton_links"]}


@pytest.fixture
def folder(tmp_path):
    one, crowd = (annotation(KEYPOINTS, VISIBILITY, MASK, crowd) for crowd in (False, True))
    pictures = [("0.jpg", [one, crowd]), ("1.jpg", []), ("2.jpg", [one] * 40)]
    write_annotations(tmp_path, "val", pictures)
    write_detections(tmp_path, "val", pictures, seed=0)
    return tmp_path


def test_mmpose_loads_everybody_but_the_crowd(folder):
    people = CocoDataset(
        data_root=str(folder), ann_file="annotations/person_keypoints_val.json", test_mode=True
    )
    assert [people[i]["img_id"] for i in range(len(people))] == [1] + [3] * 40
    assert len({people[i]["id"] for i in range(len(people))}) == 41
    seen = VISIBILITY > 0
    np.testing.assert_array_equal(people[0]["keypoints_visible"][0], seen)
    np.testing.assert_allclose(people[0]["keypoints"][0, seen], KEYPOINTS[seen], atol=0.05)
    assert people[0]["area"] == MASK.sum()


def test_detections_are_near_the_boxes_and_of_labelled_people(folder):
    found = json.loads((folder / "annotations/person_detections_val.json").read_text())
    assert {one["image_id"] for one in found} <= {1, 2, 3}
    true = [one for one in found if one["image_id"] == 3 and one["score"] >= 0.6]
    assert 32 <= len(true) <= 40
    box = np.array(annotation(KEYPOINTS, VISIBILITY, MASK)["bbox"])
    gaps = np.array([one["bbox"] for one in true]) - box
    assert 0.5 < np.abs(gaps).max() < 0.15 * box.max()
    again = (folder / "annotations/person_detections_val.json").read_text()
    write_detections(folder, "val", [("0.jpg", [annotation(KEYPOINTS, VISIBILITY, MASK)])], 1)
    assert (folder / "annotations/person_detections_val.json").read_text() != again
