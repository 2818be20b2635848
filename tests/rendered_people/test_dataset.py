import json
import sys
from pathlib import Path

import hpe_art.compat  # noqa: F401

import cv2
import numpy as np
import pytest
from mmpose.datasets import MpiiDataset
from mmpose.evaluation.metrics import MpiiPCKAccuracy
from scipy.io import loadmat

from hpe_art.rendered_people import RenderedPeople, people_folder
from hpe_art.rendered_people import dataset as module
from hpe_art.rendered_people.body_model import load_model
from hpe_art.rendered_people.pictures import VERSION
from hpe_art.skeleton import MPII

pytestmark = pytest.mark.filterwarnings("ignore:The metainfo config file")


@pytest.fixture(scope="module")
def people():
    return RenderedPeople(split="val", test_mode=True)


@pytest.fixture(scope="module")
def table(people):
    """Every field of every person, stacked."""
    entries = [people[i] for i in range(len(people))]
    keys = ("keypoints", "keypoints_visible", "bbox_center", "bbox_scale", "head_size")
    return {key: np.concatenate([e[key] for e in entries]) for key in keys}


@pytest.fixture(scope="module")
def poses(table):
    """Joints in units of the box's side, from the middle of the box."""
    joints, centre = table["keypoints"] - 1, table["bbox_center"]
    return (joints - centre[:, None]) / table["bbox_scale"][:, None]


def score(people, table, poses):
    """PCKh of poses given in units of the box, by MMPose's own metric."""
    metric = MpiiPCKAccuracy()
    metric.dataset_meta = people.metainfo
    predictions = poses * table["bbox_scale"][:, None] + table["bbox_center"][:, None]
    samples = [
        {
            "pred_instances": {"keypoints": predictions[i : i + 1]},
            "gt_instances": {
                key: table[key][i : i + 1]
                for key in ("keypoints", "keypoints_visible", "head_size")
            },
        }
        for i in range(len(people))
    ]
    metric.process({}, samples)
    return metric.evaluate(len(samples))


def test_val_comes_with_the_package_and_is_of_this_recipe(people):
    folder = people_folder("val")
    assert len(people) == 256
    assert f"recipe {VERSION}," in (folder / "VERSION").read_text()
    assert sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) <= 2_500_000


def test_val_needs_no_anny(monkeypatch):
    monkeypatch.setitem(sys.modules, "anny", None)
    assert len(RenderedPeople(split="val")) == 256


def test_loads_what_mpii_dataset_loads(people):
    folder = people_folder("val")
    plain = MpiiDataset(
        data_root=str(folder),
        ann_file="annotations/mpii_val.json",
        data_prefix={"img": "images/"},
        headbox_file=str(folder / "annotations/mpii_gt_val.mat"),
        test_mode=True,
    )
    assert len(plain) == len(people)
    assert plain.metainfo.keys() == people.metainfo.keys()
    for i in (0, 17, 255):
        ours, theirs = people[i], plain[i]
        assert ours.keys() == theirs.keys()
        for key in ("keypoints", "keypoints_visible", "bbox_center", "bbox_scale", "head_size"):
            np.testing.assert_array_equal(ours[key], theirs[key])
        assert ours["img_path"] == theirs["img_path"]


def test_training_mode_has_no_head_boxes():
    assert "head_size" not in RenderedPeople(split="val")[0]


def test_pictures_are_as_large_as_the_joints_say(people, table):
    for i in range(0, 256, 16):
        assert cv2.imread(people[i]["img_path"]).shape == (192, 192, 3)
    joints = table["keypoints"][table["keypoints_visible"] > 0]
    assert joints.min() >= 0.5
    assert joints.max() <= 192.5


def test_box_is_centred_on_the_joints_and_larger_than_them(table, poses):
    for pose, seen in zip(poses, table["keypoints_visible"] > 0, strict=True):
        low, high = pose[seen].min(axis=0), pose[seen].max(axis=0)
        np.testing.assert_allclose(low + high, 0, atol=1e-3)
        np.testing.assert_allclose((high - low).max(), 1 / 1.1, rtol=1e-3)


def test_truth_scores_everything_and_the_best_constant_pose_little(people, table, poses):
    assert score(people, table, poses)["PCK"] == 100
    best = np.zeros((16, 2))
    for k in list(MPII.grouped):
        best[k] = best_point(table, poses, k)
    assert 15 < score(people, table, np.tile(best, (256, 1, 1)))["PCK"] <= 25


def best_point(table, poses, joint):
    """The point of a grid near which the most people have this joint."""
    seen = table["keypoints_visible"][:, joint] > 0
    reach = 0.5 * table["head_size"][seen] / table["bbox_scale"][seen, :1]
    axis = np.linspace(-0.6, 0.6, 49)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    gap = np.linalg.norm(poses[seen, joint][:, None] - grid, axis=-1)
    return grid[np.argmax((gap < reach).mean(axis=0))]


def test_between_a_tenth_and_three_tenths_of_the_joints_are_occluded(people):
    entries = json.loads((people_folder("val") / "annotations/mpii_val.json").read_text())
    visible = np.array([e["joints_vis"] for e in entries])
    occluded = np.array([e["joints_occluded"] for e in entries])
    assert np.all(occluded <= visible)
    assert 0.1 <= occluded.sum() / visible.sum() <= 0.3
    assert visible.mean() > 0.97  # occluded joints are labelled, as in MPII


def test_head_boxes_have_the_layout_and_the_size_of_mpiis(people):
    truth = loadmat(people_folder("val") / "annotations/mpii_gt_val.mat")
    assert truth["headboxes_src"].shape == (2, 2, 256)
    assert truth["jnt_missing"].shape == (16, 256)
    assert truth["pos_gt_src"].shape == (16, 2, 256)
    names = [str(n[0]) for n in truth["dataset_joints"][0]]
    assert names.index("head") == 9 and names.index("lsho") == 13
    corner, other = truth["headboxes_src"]
    assert (other > corner).all()
    joints, missing = truth["pos_gt_src"], truth["jnt_missing"]
    for k in (8, 9):  # upper neck and head top lie in the box
        inside = ((joints[k] >= corner) & (joints[k] <= other)).all(axis=0)
        assert inside[missing[k] == 0].all()
    labelled = (missing[8] == 0) & (missing[9] == 0)
    segment = np.linalg.norm(joints[9] - joints[8], axis=0)[labelled]
    size = 0.6 * np.linalg.norm(other - corner, axis=0)[labelled]
    assert 0.9 < np.median(size) / np.median(segment) < 1.3


def test_left_and_right_are_the_persons_own(table):
    """Half the people face the camera, and the hips mostly turn with the shoulders."""
    x = table["keypoints"][..., 0]
    facing = x[:, 13] > x[:, 12]
    assert 0.35 < facing.mean() < 0.65
    assert (facing == (x[:, 3] > x[:, 2])).mean() > 0.8


def test_training_people_need_anny_once(monkeypatch, tmp_path):
    monkeypatch.setenv("HPE_ART_CACHE", str(tmp_path))
    monkeypatch.setitem(sys.modules, "anny", None)
    load_model.cache_clear()
    with pytest.raises(ImportError, match=r"pip install anny==0.6.2"):
        people_folder("train")
    assert list(tmp_path.iterdir()) == []


def test_training_people_are_taken_from_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("HPE_ART_CACHE", str(tmp_path))
    for num_people in (module.NUM_PEOPLE, 3):
        folder = tmp_path / f"people-v{VERSION}-train-{num_people}"
        folder.mkdir()
        assert people_folder("train", num_people) == folder


def test_unfinished_rendering_is_not_taken_for_a_set(monkeypatch, tmp_path):
    monkeypatch.setenv("HPE_ART_CACHE", str(tmp_path))
    (tmp_path / f".people-v{VERSION}-train-8000-abc" / "images").mkdir(parents=True)
    called = []
    monkeypatch.setattr(module, "render_people", lambda *a, **k: called.append((*a, k)))
    people_folder("train", 16000)
    folder = tmp_path / f"people-v{VERSION}-train-16000"
    assert called == [(folder, "train", 16000, {"label_format": "mpii"})]


def test_unknown_split():
    with pytest.raises(ValueError, match="Expected a split of train, val. Got 'test'"):
        people_folder("test")


def test_files_cannot_be_given_twice():
    with pytest.raises(TypeError, match="ann_file"):
        RenderedPeople(split="val", ann_file="other.json")


def test_works_from_any_directory(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert Path(RenderedPeople(split="val", test_mode=True)[0]["img_path"]).is_file()
