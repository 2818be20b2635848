"""People of a COCO set, annotated and detected, and other sets of joints."""

import json
from pathlib import Path

import numpy as np
import pytest

from hpe_art.data.annotations import DataError
from hpe_art.data.detections import Annotated, intersection_over_union
from hpe_art.data.people import load_people
from hpe_art.estimators.loading import load_config
from hpe_art.metrics import OKS, MetricError, metric_for
from hpe_art.skeleton import Skeleton


@pytest.fixture(scope="module")
def cfg():
    return load_config("mmpose_configs/coco_resnet_heatmap.py")


@pytest.fixture(scope="module")
def annotated(cfg):
    return load_people(cfg, num_samples=24)


@pytest.fixture(scope="module")
def detected(cfg, annotated):
    folder = Path(annotated.ann_file).parent
    file = str(folder / "person_detections_val.json")
    cfg = load_config(cfg, {"test_dataloader.dataset.bbox_file": file})
    return load_people(cfg, detections=True)


def test_coco_people_are_those_of_the_annotations(annotated):
    document = json.loads(Path(annotated.ann_file).read_text())
    by_area = {one["area"]: one for one in document["annotations"] if not one["iscrowd"]}
    for i, area in enumerate(annotated.truth.area.tolist()):
        person = by_area[area]
        points = np.array(person["keypoints"]).reshape(17, 3)
        labelled = points[:, 2] > 0
        truth = annotated.truth.keypoints[i]
        np.testing.assert_array_equal(truth[:, 2] > 0, labelled)
        np.testing.assert_allclose(truth[labelled, :2], points[labelled, :2], atol=1e-4)
        left, top, width, height = person["bbox"]
        right, bottom = left + width, top + height
        np.testing.assert_allclose(annotated.truth.bbox[i], [left, top, right, bottom], atol=1.01)
    back = annotated.to_image(annotated.y)
    np.testing.assert_allclose(back, annotated.truth.keypoints, atol=1e-3)


def test_a_metric_has_its_normaliser_or_says_so(cfg, annotated):
    skeleton = Skeleton.from_metainfo(annotated.dataset.metainfo)
    perfect = OKS(skeleton).joint_scores(annotated.truth.keypoints, annotated.truth)
    assert np.nanmin(perfect) == 1 and perfect.shape == (24, 17)
    metric = metric_for(dict(type="MpiiPCKAccuracy"), annotated.dataset.metainfo)
    with pytest.raises(MetricError, match="Expected a head size for everyone"):
        metric.check(annotated.truth)


def test_each_detection_has_the_pose_of_who_is_in_its_box(detected):
    everybody = load_people(load_config("mmpose_configs/coco_resnet_heatmap.py"))
    infos = [detected.dataset.get_data_info(int(i)) for i in detected.index]
    truths = [everybody.dataset.get_data_info(int(i)) for i in everybody.index]
    unmatched = 0
    for i, info in enumerate(infos):
        near = [
            (intersection_over_union(info["bbox"][0], one["bbox"][0]), k)
            for k, one in enumerate(truths)
            if one["img_id"] == info["img_id"]
        ]
        overlap, best = max(near, default=(0.0, -1))
        truth = detected.truth.keypoints[i]
        if overlap >= 0.5:
            np.testing.assert_array_equal(truth, everybody.truth.keypoints[best])
            assert detected.truth.area[i] == everybody.truth.area[best]
        else:
            unmatched += 1
            assert (truth[:, 2] == 0).all()
    assert 0 < unmatched < len(detected) / 4
    some = detected[np.flatnonzero((detected.y[..., 2] > 0).any(axis=1))]
    np.testing.assert_allclose(some.to_image(some.y), some.truth.keypoints, atol=1e-3)


def test_overlaps_of_boxes():
    box = np.array([0, 0, 10, 10], np.float32)
    assert intersection_over_union(box, box) == 1
    assert intersection_over_union(box, box + np.float32([5, 0, 5, 0])) == pytest.approx(50 / 150)
    assert intersection_over_union(box, box + 20) == 0
    assert intersection_over_union(box * 0, box * 0) == 0


class Set:
    """One person in an image of their own, whose box has a side of ten."""

    def __len__(self):
        return 1

    def get_data_info(self, i):
        return dict(
            img_id=1,
            bbox=np.array([[0, 0, 10, 10]], np.float32),
            keypoints=np.full((1, 2, 2), 5.0),
            keypoints_visible=np.ones((1, 2)),
            area=60.0,
        )


@pytest.mark.parametrize(
    ("image", "box", "found"),
    [(1, [0, 0, 10, 19], True), (1, [0, 0, 10, 21], False), (2, [0, 0, 10, 10], False)],
)
def test_half_of_the_union_is_enough(image, box, found):
    info = dict(
        img_id=image,
        bbox=np.array([box], np.float32),
        keypoints=np.zeros((1, 2, 2)),
        keypoints_visible=np.ones((1, 2)),
    )
    pose = Annotated(Set()).pose_of(info)
    assert pose["keypoints_visible"].all() == found
    assert pose["area"] == (60 if found else box[2] * box[3])


@pytest.mark.parametrize("width", [0, float("nan"), None])
def test_boxes_that_are_none_are_named_or_left_out(cfg, annotated, tmp_path, width):
    file = Path(annotated.ann_file).with_name("person_detections_val.json")
    found = json.loads(file.read_text())[:4]
    found[2]["bbox"][2] = width
    file = tmp_path / "found.json"
    file.write_text(json.dumps(found))
    cfg = load_config(cfg, {"test_dataloader.dataset.bbox_file": str(file)})
    with pytest.raises(DataError, match="Got 1 who cannot, first person 2 .*: its box is "):
        load_people(cfg, detections=True)
    left = load_people(cfg, detections=True, skip_unreadable=True)
    assert left.index.tolist() == [0, 1, 3] and len(left.left_out) == 1


def test_other_sets_of_joints(people, write_config, tmp_path):
    """A hand of COCO-WholeBody: 21 joints."""
    path = tmp_path / "hands.json"
    joints = np.concatenate([np.arange(42).reshape(21, 2) + 20, np.ones((21, 1))], axis=1)
    hand = dict(
        id=1,
        image_id=1,
        category_id=1,
        iscrowd=0,
        segmentation=[],
        lefthand_valid=True,
        righthand_valid=False,
        lefthand_box=[20, 20, 60, 60],
        lefthand_kpts=joints.ravel().tolist(),
    )
    image = dict(id=1, file_name="00000.jpg", width=120, height=150)
    document = dict(
        images=[image], annotations=[hand], categories=[dict(id=1, name="person", keypoints=[])]
    )
    path.write_text(json.dumps(document))
    cfg = load_config(write_config(tmp_path / "hands.py"))
    cfg.test_dataloader.dataset = dict(
        type="CocoWholeBodyHandDataset",
        data_root=str(people),
        ann_file=str(path),
        data_prefix=dict(img="images/"),
        test_mode=True,
        pipeline=[*cfg.pipeline, dict(type="PackPoseInputs")],
    )
    some = load_people(cfg)
    assert some.y.shape == (1, 21, 3)
    np.testing.assert_allclose(some.truth.keypoints[0, :, :2], joints[:, :2])
    np.testing.assert_allclose(some.to_image(some.y), some.truth.keypoints, atol=1e-3)
