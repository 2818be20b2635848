"""One photograph under attack: where it moves from, where to, and what the file keeps of it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from hpe_art.attacks.apgd_spec import Apgd
from hpe_art.attacks.noise import Noise
from hpe_art.attacks.pgd import Igsm
from hpe_art.configs import find_config
from hpe_art.data.photographs import read_photograph
from hpe_art.errors import UserError
from hpe_art.estimators.loading import load_config
from hpe_art.evaluation.photograph.attacking import attack_photograph, circles, perturbed_crop
from hpe_art.evaluation.photograph.prepared import prepare_photograph

PEOPLE = Path(__file__).parents[3] / "hpe_art/rendered_people/people_val/images"
PERSON, OTHER = PEOPLE / "00004.jpg", PEOPLE / "00007.jpg"
RECORD = {"config": "config.py", "checkpoint": {"path": None, "sha256": None}}


@pytest.fixture(scope="module")
def prepared():
    """`prepared(spec, name="hourglass", target=None, box=None)` with the bundled network."""

    def prepare(spec, name="hourglass", box=None, path=PERSON, **more):
        cfg = load_config(find_config(name))
        photograph = read_photograph(path, box)
        more = {"device": "cpu", "precision": "float32", **more}
        return prepare_photograph(cfg, cfg.load_from, photograph, spec, **more)

    return prepare


@pytest.fixture
def attacked(prepared, tmp_path):
    return lambda *args, **more: attack_photograph(prepared(*args, **more), tmp_path, RECORD)


@pytest.mark.parametrize("name", ["hourglass", "deeppose", "coco_resnet_heatmap"])
def test_joints_leave_the_prediction(attacked, name):
    result = attacked(Igsm(max_iter=5), name)
    assert result.crop.moved.mean_percent > 10
    assert result.written.moved.mean_percent > 7
    assert result.largest_change == 8
    assert len(result.clean) == (17 if name.startswith("coco") else 16)
    flat = any("no gradient at the network's own prediction" in note for note in result.notes)
    assert flat == (name == "deeppose")


def test_noise_moves_little_and_takes_nothing_from_its_numbers(attacked, tmp_path):
    result = attacked(Noise())
    assert result.crop.moved.mean_percent < 3
    assert not result.notes and result.target is None is result.crop.to_target
    before, after = (
        read_photograph(path).pixels.astype(int) for path in (PERSON, tmp_path / "perturbed.png")
    )
    assert np.abs(after - before).max() == result.largest_change == 8


def test_a_point_beside_the_prediction_is_left_where_that_has_no_gradient(prepared):
    run = prepared(Igsm(), "deeppose")
    apart = np.linalg.norm(run.aim[..., :2] - run.clean[..., :2], axis=-1)
    np.testing.assert_allclose(apart, 1, atol=1e-3)
    assert (run.aim[..., 2] == 1).all()
    assert (prepared(Igsm(seed=1), "deeppose").aim != run.aim).any()
    np.testing.assert_array_equal(prepared(Igsm()).aim[..., :2], prepared(Igsm()).clean[..., :2])


def test_the_padding_is_left_black(prepared):
    run = prepared(Noise())
    change = perturbed_crop(run) - run.crop.x
    assert not run.crop.shows.all()
    assert not change[:, ~run.crop.shows].any() and change[:, run.crop.shows].any()


def test_circles_are_of_a_share_of_the_box(prepared):
    run = prepared(Apgd(max_iter=1), box=(40.0, 20.0, 140.0, 100.0), radius=0.1)
    assert run.radius == pytest.approx(0.1 * 100 * 128 / 125)  # the padding is 1.25
    pose = np.float32([[[3, 4, 1], [5, 6, 0]]])
    goal = circles(pose, 10.0, targeted=True)
    assert goal.radii.tolist() == [[10, 0]] and goal.centres[0, 0].tolist() == [3, 4]


def test_apgd_leaves_the_circles(attacked):
    # The eps is small enough that some joints stay.
    result = attacked(Apgd(max_iter=10, eps=4))
    assert sum(d > result.radius for d in result.crop.moved.joints.values()) >= 8


@pytest.mark.parametrize("target", ["mirror", str(OTHER)])
def test_joints_go_to_a_target(attacked, target):
    result = attacked(Igsm(targeted=True), target=target)
    for seen in (result.crop, result.written):
        assert seen.to_target.mean < 0.5 * result.clean_to_target.mean


def test_the_mirrored_pose_has_sides_swapped(prepared):
    run = prepared(Igsm(targeted=True), target="mirror")
    left, right = (run.skeleton.joints.index(f"{side}_ankle") for side in ("left", "right"))
    points, seen = run.target[0], run.clean[0]
    assert points[left, 1] == seen[right, 1]
    assert points[left, 0] == pytest.approx(seen[:, 0].min() + seen[:, 0].max() - seen[right, 0])


def test_the_pose_of_another_is_where_it_is_in_its_own_crop(prepared):
    run = prepared(Igsm(targeted=True), target=str(OTHER))
    other = prepared(Igsm(), path=OTHER).clean
    np.testing.assert_array_equal(run.target[..., :2], other[..., :2])
    assert run.target_from == str(OTHER)


def test_a_marked_pose_moves_what_is_marked(attacked, tmp_path):
    path = tmp_path / "pose.json"
    path.write_text('{"keypoints": {"left_wrist": [100, 60]}}')
    result = attacked(Igsm(targeted=True, max_iter=10), target=str(path))
    assert list(result.target) == list(result.crop.to_target.joints) == ["left_wrist"]
    assert result.target["left_wrist"] == pytest.approx((100, 60, 1), abs=0.01)
    assert result.crop.to_target.mean < 10 < result.clean_to_target.mean


def test_a_marked_pose_lies_in_the_crop(prepared, tmp_path):
    path = tmp_path / "pose.json"
    path.write_text('{"keypoints": {"left_wrist": [100, 300]}}')
    with pytest.raises(UserError, match="in the crop of the box.*Got left_wrist at 100, 300"):
        prepared(Igsm(targeted=True), target=str(path))


def test_a_network_of_other_joints_than_its_people():
    cfg = load_config(find_config("hourglass"))
    cfg.test_dataloader.dataset.type = "CocoDataset"
    with pytest.raises(UserError, match="of the 17 joints of its config's test set. Got one of 16"):
        prepare_photograph(cfg, cfg.load_from, read_photograph(PERSON), Igsm(), device="cpu")


def test_a_file_that_keeps_little_says_so(attacked, tmp_path):
    small = tmp_path / "small.png"
    cv2.imwrite(str(small), cv2.resize(cv2.imread(str(PERSON)), (64, 64)))
    result = attacked(Igsm(max_iter=5), "deeppose", box=(6.0, 6.0, 58.0, 58.0), path=small)
    assert result.kept < 0.7
    assert f"The PNG keeps only {100 * result.kept:.0f} %" in result.notes[-1]
    # As many pixels as the crop, and more.
    assert attacked(Igsm(max_iter=5), "deeppose", box=(20.0, 20.0, 172.0, 172.0)).kept > 0.9


def test_what_has_no_effect_keeps_none(attacked):
    result = attacked(Noise(eps=0.5))
    assert result.kept is None
    assert [note for note in result.notes if "eps 0.5 is lost in the whole grey levels" in note]


def test_the_same_twice(attacked):
    first, second = (attacked(Igsm(max_iter=2)) for _ in range(2))
    assert first == second
