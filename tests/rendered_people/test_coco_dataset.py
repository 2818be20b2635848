"""The bundled people in COCO's format, through MMPose's own dataset and metric."""

import json
import sys
from pathlib import Path

import hpe_art.compat  # noqa: F401

import cv2
import numpy as np
import pytest
from mmpose.datasets import CocoDataset
from mmpose.evaluation.metrics import CocoMetric
from xtcocotools import mask as coco_mask

from hpe_art.rendered_people import RenderedCocoPeople, coco_people_folder
from hpe_art.rendered_people import dataset as module
from hpe_art.rendered_people.pictures import VERSION

pytestmark = pytest.mark.filterwarnings("ignore:The metainfo config file")

FOLDER = coco_people_folder("val")
KEYPOINTS = FOLDER / "annotations/person_keypoints_val.json"
DETECTIONS = FOLDER / "annotations/person_detections_val.json"
NOSE, EARS, SHOULDERS, HIPS = 0, [3, 4], [5, 6], [11, 12]


@pytest.fixture(scope="module")
def people():
    dataset = RenderedCocoPeople(split="val", test_mode=True)
    return [dataset[i] for i in range(len(dataset))]


@pytest.fixture(scope="module")
def labels():
    return json.loads(KEYPOINTS.read_text())


@pytest.fixture(scope="module")
def poses(people):
    """Keypoints (N, 17, 2) and whether they are labelled (N, 17)."""
    points = np.concatenate([one["keypoints"] for one in people])
    return points, np.concatenate([one["keypoints_visible"] for one in people]) > 0


def evaluate(people, keypoints):
    """AP and the like of keypoints (N, 17, 2), by MMPose's own metric."""
    metric = CocoMetric(ann_file=str(KEYPOINTS))
    metric.dataset_meta = CocoDataset(lazy_init=True).metainfo
    samples = [
        {
            "id": one["id"],
            "img_id": one["img_id"],
            "pred_instances": {"keypoints": pose[None], "keypoint_scores": np.ones((1, 17))},
            "gt_instances": {"bbox_scales": one["bbox"][:, 2:] - one["bbox"][:, :2]},
        }
        for one, pose in zip(people, keypoints, strict=True)
    ]
    metric.process({}, samples)
    return metric.evaluate(len(samples))


def test_true_poses_have_an_ap_of_1_and_the_middle_of_the_box_none(people, poses):
    points, _ = poses
    perfect = evaluate(people, points)
    assert perfect["coco/AP"] == perfect["coco/AR"] == 1.0
    boxes = np.concatenate([one["bbox"] for one in people])
    middle = np.tile((boxes[:, None, :2] + boxes[:, None, 2:]) / 2, (1, 17, 1))
    assert evaluate(people, middle)["coco/AP"] < 0.05


def test_poses_with_left_and_right_exchanged_are_worse(people, poses):
    swapped = CocoDataset(lazy_init=True).metainfo["flip_indices"]
    assert evaluate(people, poses[0][:, swapped])["coco/AP"] < 0.6


def test_the_bundle_is_whole_and_small(people, labels):
    assert len(people) == 128 and len(labels["images"]) == 99
    assert f"recipe {VERSION}, seed 2, 99 pictures" in (FOLDER / "VERSION").read_text()
    files = [path for path in FOLDER.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 1_200_000
    names = {one["file_name"] for one in labels["images"]}
    assert names == {path.name for path in (FOLDER / "images").iterdir()}
    for one in labels["images"][::10]:
        image = cv2.imread(str(FOLDER / "images" / one["file_name"]))
        assert image.shape == (one["height"], one["width"], 3)


def test_many_pictures_show_several_people(people, labels):
    def several(images):
        _, number = np.unique(images, return_counts=True)
        return np.mean(number > 1)

    assert several([one["image_id"] for one in labels["annotations"]]) > 0.45
    assert several([one["img_id"] for one in people]) > 0.3


def test_crowds_are_marked_and_not_loaded(people, labels):
    crowds = [one for one in labels["annotations"] if one["iscrowd"]]
    assert 20 <= len(crowds) <= 80
    assert all(one["num_keypoints"] == 0 and one["area"] > 0 for one in crowds)
    assert not {one["id"] for one in crowds} & {one["id"] for one in people}


def test_areas_and_boxes_are_those_of_the_masks(labels):
    for one in labels["annotations"]:
        runs = coco_mask.frPyObjects(one["segmentation"], *one["segmentation"]["size"])
        assert one["area"] == coco_mask.area(runs)
        assert one["bbox"] == coco_mask.toBbox(runs).tolist()


def test_keypoints_that_are_seen_lie_on_the_person(labels):
    off = []
    for one in labels["annotations"]:
        runs = coco_mask.frPyObjects(one["segmentation"], *one["segmentation"]["size"])
        near = cv2.dilate(coco_mask.decode(runs), np.ones((5, 5)))
        for x, y, flag in np.rint(np.reshape(one["keypoints"], (17, 3))).astype(int):
            if flag == 2:
                off.append(not near[min(y, 191), min(x, 191)])
    assert len(off) > 1000 and np.mean(off) < 0.01


def test_flags_tell_seen_hidden_and_outside(labels):
    people = [one for one in labels["annotations"] if not one["iscrowd"]]
    points = np.array([one["keypoints"] for one in people]).reshape(-1, 17, 3)
    assert set(np.unique(points[..., 2])) == {0, 1, 2}
    assert all(one["num_keypoints"] == (p[:, 2] > 0).sum() for one, p in zip(people, points))
    inside = points[points[..., 2] > 0]
    assert inside[:, :2].min() >= -0.5 and inside[:, :2].max() <= 191.5
    assert set(np.unique(points[:, :5, 2])) == {0, 2}
    assert np.count_nonzero(points[:, NOSE, 2] == 0) > 0.25 * len(points)  # seen from behind


def test_the_nose_lies_between_the_ears_or_before_them(poses):
    """A head is small: the nose is nearer to the ears than the ears are to the hips."""
    points, seen = poses
    whole = seen[:, [NOSE, *EARS, *SHOULDERS, *HIPS]].all(axis=1)
    points = points[whole]
    ears, hips = points[:, EARS].mean(axis=1), points[:, HIPS].mean(axis=1)
    to_nose = np.linalg.norm(points[:, NOSE] - ears, axis=1)
    assert np.median(to_nose / np.linalg.norm(hips - ears, axis=1)) < 0.25


def test_left_is_the_persons_own(labels):
    """Who shows the nose and both eyes faces the camera: the left eye is on the right."""
    people = [one for one in labels["annotations"] if not one["iscrowd"]]
    points = np.array([one["keypoints"] for one in people]).reshape(-1, 17, 3)
    frontal = (points[:, [NOSE, 1, 2], 2] == 2).all(axis=1)
    upright = points[:, NOSE, 1] < points[:, HIPS, 1].min(axis=1)
    known = points[frontal & upright & (points[:, SHOULDERS, 2] > 0).all(axis=1)]
    assert len(known) > 15
    assert (known[:, 1, 0] > known[:, 2, 0]).mean() > 0.9
    assert (known[:, 5, 0] > known[:, 6, 0]).mean() > 0.75


def test_detected_boxes_take_the_place_of_the_true_ones():
    found = RenderedCocoPeople(split="val", test_mode=True, bbox_file=str(DETECTIONS))
    boxes = json.loads(DETECTIONS.read_text())
    assert len(found) == len(boxes) > 100
    scores = np.array([found[i]["bbox_score"] for i in range(len(found))]).ravel()
    np.testing.assert_allclose(scores, [one["score"] for one in boxes])
    assert scores.min() < 0.6 < scores.max()


def test_val_needs_no_anny_and_works_from_any_folder(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "anny", None)
    monkeypatch.chdir(tmp_path)
    people = RenderedCocoPeople(split="val", test_mode=True)
    assert len(people) == 128 and Path(people[0]["img_path"]).is_file()


def test_training_people_are_rendered_once_into_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("HPE_ART_CACHE", str(tmp_path))
    called = []

    def render(out, *args, **kwargs):
        called.append((out.name, *args, kwargs))
        out.mkdir()

    monkeypatch.setattr(module, "render_people", render)
    for _ in range(2):
        folder = coco_people_folder("train", 5)
    assert called == [(folder.name, "train", 5, {"label_format": "coco"})]
    assert folder.parent == tmp_path


def test_unknown_split_and_files_given_twice():
    with pytest.raises(ValueError, match="Expected a split of train, val. Got 'test'"):
        coco_people_folder("test")
    with pytest.raises(TypeError, match="ann_file"):
        RenderedCocoPeople(split="val", ann_file="other.json")
