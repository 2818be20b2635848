"""People of a tiny MPII folder as the pipeline crops them."""

from __future__ import annotations

import copy
import errno
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import hpe_art.compat  # noqa: F401  (before mmpose)

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmpose.datasets.transforms import KeypointConverter

from hpe_art.data import test_sets
from hpe_art.data.annotations import DataError
from hpe_art.data.crops import write_annotations
from hpe_art.data.people import load_people, people_of
from hpe_art.data.test_sets import build_test_set
from hpe_art.estimators.loading import dataset_meta

COUNT, JOINTS, WIDTH, HEIGHT = 6, 16, 64, 96


@pytest.fixture(scope="module")
def annotated(people):
    return json.loads((people / "annotations" / "mpii_val.json").read_text())


def test_shapes_and_types(some, people):
    assert len(some) == COUNT
    assert some.x.shape == (COUNT, 3, HEIGHT, WIDTH) and some.x.dtype == np.uint8
    assert some.size == (WIDTH, HEIGHT)
    for poses in (some.y, some.truth.keypoints):
        assert poses.shape == (COUNT, JOINTS, 3) and poses.dtype == np.float32
    assert some.center.shape == some.scale.shape == (COUNT, 2)
    assert some.index.tolist() == list(range(COUNT))
    assert some.ann_file == str(people / "annotations" / "mpii_val.json")
    assert some.skipped == ()
    np.testing.assert_allclose(some.truth.head_size, 0.6 * np.hypot(160, 180), rtol=1e-6)
    corners = some.truth.bbox.reshape(COUNT, 2, 2)
    boxes = np.prod(corners[:, 1] - corners[:, 0], axis=1)
    np.testing.assert_allclose(some.truth.area, 0.53 * boxes, rtol=1e-5)  # MMPose's guess for MPII


@pytest.mark.parametrize(
    "chosen", [3, -1, slice(2, 5), slice(5, 99), slice(None, None, -2), [4, 0, 4]], ids=repr
)
def test_pixels_are_read_as_from_an_array(some, pixels, chosen):
    found, expected = some.x[chosen], pixels[chosen]
    assert found.dtype == expected.dtype and found.shape == expected.shape
    np.testing.assert_array_equal(found, expected)


def test_pixels_look_like_an_array(some, pixels):
    assert (len(some.x), some.x.shape, some.x.ndim) == (COUNT, pixels.shape, 4)
    np.testing.assert_array_equal(np.asarray(some.x), pixels)
    assert np.asarray(some.x, np.float32).dtype == np.float32
    with pytest.raises(IndexError):
        some.x[COUNT]


def test_rows_of_people_are_people(some, pixels):
    few = some[[4, 1]]
    assert len(few) == 2 and few.index.tolist() == [4, 1]
    np.testing.assert_array_equal(few.x, pixels[[4, 1]])
    np.testing.assert_array_equal(few.truth.keypoints, some.truth.keypoints[[4, 1]])
    np.testing.assert_array_equal(few.truth.head_size, some.truth.head_size[[4, 1]])
    np.testing.assert_allclose(few.to_image(few.y), few.truth.keypoints, atol=1e-3)


def test_the_truth_is_that_of_the_annotations(some, annotated):
    truth = some.truth.keypoints
    np.testing.assert_allclose(truth[..., :2], [p["joints"] for p in annotated], atol=1e-4)
    np.testing.assert_array_equal(truth[..., 2], [p["joints_vis"] for p in annotated])
    np.testing.assert_array_equal(some.y[..., 2], truth[..., 2])
    assert (some.y[..., 2] == 0).sum() == 3


def test_to_image_leads_back_to_the_truth(some):
    back = some.to_image(some.y)
    np.testing.assert_allclose(back, some.truth.keypoints, atol=1e-3)
    assert back.dtype == np.float32


def test_to_image_takes_several_poses_for_each_person(some):
    poses = np.stack([some.y, some.y[::-1]], axis=1)
    back = some.to_image(poses)
    assert back.shape == (COUNT, 2, JOINTS, 3)
    np.testing.assert_array_equal(back[:, 0], some.to_image(some.y))


def test_to_image_is_what_mmpose_does_to_predictions(some, cfg):
    """MMPose's estimator maps predictions into the image: the same numbers."""
    from mmengine.structures import InstanceData
    from mmpose.models import TopdownPoseEstimator
    from mmpose.structures import PoseDataSample

    samples = [
        PoseDataSample(
            gt_instances=InstanceData(bboxes=np.zeros((1, 4)), bbox_scores=np.ones(1)),
            metainfo=dict(input_size=(WIDTH, HEIGHT), input_center=center, input_scale=scale),
        )
        for center, scale in zip(some.center, some.scale, strict=True)
    ]
    predictions = [
        InstanceData(keypoints=pose[None, :, :2].copy(), keypoint_scores=pose[None, :, 2])
        for pose in some.y
    ]
    mapped = TopdownPoseEstimator.add_pred_to_datasample(
        SimpleNamespace(test_cfg={}), predictions, None, samples
    )
    theirs = np.concatenate([sample.pred_instances.keypoints for sample in mapped])
    np.testing.assert_allclose(some.to_image(some.y)[..., :2], theirs, atol=1e-4)


def test_pixels_show_what_the_poses_point_at(some, pixels, people):
    """The colour under a joint is the same in crop and image, up to interpolation."""
    pairs = []
    for i in range(COUNT):
        name = f"{min(i, 4):05d}.jpg"
        image = cv2.imread(str(people / "images" / name))
        for (x, y, _), (u, v, visible) in zip(some.truth.keypoints[i], some.y[i], strict=True):
            inside = 2 < u < WIDTH - 3 and 2 < v < HEIGHT - 3
            if visible and inside:
                there = cv2.getRectSubPix(cv2.blur(image, (3, 3)), (1, 1), (float(x), float(y)))
                shown = pixels[i].transpose(1, 2, 0)
                here = cv2.getRectSubPix(shown, (1, 1), (float(u), float(v)))
                pairs.append(np.stack([here[0, 0], there[0, 0]]))
    here, there = np.stack(pairs, axis=1).astype(float)
    correlation = np.corrcoef(here.ravel(), there.ravel())[0, 1]
    assert len(here) > 50 and correlation > 0.7


def test_the_first_few_are_those_of_all(cfg, some, pixels):
    few = load_people(cfg, num_samples=2)
    assert len(few) == 2
    np.testing.assert_array_equal(few.x, pixels[:2])
    np.testing.assert_array_equal(few.y, some.y[:2])


def test_poses_of_everybody_need_no_picture(own, some):
    folder, cfg = own
    dataset = build_test_set(cfg.test_dataloader.dataset)
    for path in (folder / "images").iterdir():
        path.unlink()
    np.testing.assert_array_equal(people_of(dataset, range(COUNT)).y, some.y)


def test_packs_the_poses_of_the_crop_whatever_the_pipeline_says(cfg):
    steps = cfg.test_dataloader.dataset.pipeline
    assert "pack_transformed" not in steps[-1]
    before = cfg.pretty_text
    load_people(cfg, num_samples=1)
    assert cfg.pretty_text == before, "the config is the caller's"


def test_without_head_boxes_the_head_size_is_unknown(cfg):
    cfg = Config(cfg.to_dict())
    cfg.test_dataloader.dataset.pop("headbox_file")
    assert load_people(cfg, num_samples=2).truth.head_size is None


def test_detections_take_the_place_of_people_only_if_asked_for(cfg, some):
    with pytest.raises(DataError, match="Expected a config with a bbox_file for --detections"):
        load_people(cfg, detections=True)
    cfg = Config(cfg.to_dict())
    cfg.test_dataloader.dataset.bbox_file = "detections.json"
    found = load_people(cfg)
    np.testing.assert_array_equal(found.truth.keypoints, some.truth.keypoints)


def test_numbers_of_samples(cfg):
    assert len(load_people(cfg, default_samples=4)) == 4
    assert len(load_people(cfg, default_samples=100)) == COUNT
    assert len(load_people(cfg, num_samples=COUNT, default_samples=2)) == COUNT
    with pytest.raises(DataError, match=r"Expected 1 to 6 people \(--num-samples\)\. Got 0"):
        load_people(cfg, num_samples=0)
    with pytest.raises(DataError, match=r"Expected 1 to 6 people \(--num-samples\)\. Got 7"):
        load_people(cfg, num_samples=7)


CONVERTER = dict(type="KeypointConverter", num_keypoints=3)


def test_joints_that_a_converter_makes_have_names_and_mirrors(cfg, some, tmp_path):
    cfg = Config(cfg.to_dict())
    converter = dict(CONVERTER, mapping=[((10, 15), 0), (0, 1), (5, 2)])
    cfg.test_dataloader.dataset.pipeline.insert(1, converter)
    found = load_people(cfg)
    names = ["right_wrist+left_wrist", "right_ankle", "left_ankle"]
    assert list(found.metainfo["keypoint_id2name"].values()) == names
    assert found.metainfo["flip_indices"] == dataset_meta(cfg)["flip_indices"] == [0, 2, 1]
    np.testing.assert_array_equal(found.truth.keypoints[:, 1:], some.truth.keypoints[:, [0, 5]])
    write_annotations(found, tmp_path)
    written = json.loads((tmp_path / "annotations/person_keypoints_val.json").read_text())
    assert written["categories"][0]["keypoints"] == names, "MPII's format has 16 joints"
    cfg.test_dataloader.dataset.pipeline.insert(3, cfg.test_dataloader.dataset.pipeline.pop(1))
    with pytest.raises(DataError, match="before TopdownAffine.* Got 3 joints, and 16 in the crop"):
        load_people(cfg)


def test_steps_may_be_classes_and_functions(cfg, some, pixels):
    """As in configs of MMEngine's pure Python style."""
    cfg = Config(cfg.to_dict())
    mapping = [(k, k) for k in range(16)]
    steps = cfg.test_dataloader.dataset.pipeline
    steps.insert(1, dict(type=KeypointConverter, num_keypoints=16, mapping=mapping))
    steps.append(lambda packed: packed)
    found = load_people(cfg)
    np.testing.assert_array_equal(found.x, pixels)
    np.testing.assert_allclose(found.y, some.y, atol=1e-4)
    flips = (found.metainfo["flip_indices"], found.flip_indices, dataset_meta(cfg)["flip_indices"])
    assert flips == (some.metainfo["flip_indices"],) * 3


def test_sets_that_cannot_be_scored_are_named(cfg):
    cfg = Config(cfg.to_dict())
    part = cfg.test_dataloader.dataset
    other = dict(part, metainfo=dict(from_file="configs/_base_/datasets/halpe26.py"))
    cfg.test_dataloader.dataset = other
    with pytest.raises(DataError, match=r"its joints have the shape \(16, 2\) for \(26, 2\)"):
        _ = load_people(cfg).metainfo
    combined = dict(type="CombinedDataset", datasets=[part], metainfo=dict(), pipeline=[])
    cfg.test_dataloader.dataset = dict(combined, sample_ratio_factor=[0.5])
    with pytest.raises(DataError, match="people stay the same. Got a sample_ratio_factor"):
        load_people(cfg)
    cfg.test_dataloader.dataset = dict(type="mmengine.ConcatDataset", datasets=[part])
    with pytest.raises(DataError, match="Got ConcatDataset: combine .* CombinedDataset"):
        load_people(cfg)


def test_images_have_the_names_that_their_folder_has(cfg, some):
    assert some[[5, 2]].image_names == {5: "00004.jpg", 2: "00002.jpg"}
    whole = copy.deepcopy(cfg)
    dataset, root = whole.test_dataloader.dataset, Path(cfg.test_dataloader.dataset.data_root)
    dataset.update(data_root="", data_prefix=dict(img=f"{root.parent}/"))
    dataset.ann_file = str(root / dataset.ann_file)
    moved = build_test_set(dataset)
    moved.get_data_info = lambda i: {"img_path": str(root / "images" / "00002.jpg")}
    names = replace(some[[2]], dataset=moved).image_names
    assert names == {2: f"{root.name}/images/00002.jpg"}


def test_images_that_the_pipeline_reads_as_floats_stay_so(cfg):
    changed = copy.deepcopy(cfg)
    changed.test_dataloader.dataset.pipeline[0] = dict(type="LoadImage", to_float32=True)
    x = load_people(changed, 1).x
    assert x.dtype == x[:].dtype == np.float32
    assert (x[:] % 1 != 0).any()


def test_a_full_disk_is_no_fault_of_the_test_set(monkeypatch):
    """MMEngine writes a copy of the file that says what joints there are."""

    def full(settings):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(test_sets, "unloaded", full)
    with pytest.raises(OSError, match="No space left") as raised:
        build_test_set({})
    assert not isinstance(raised.value, DataError)
