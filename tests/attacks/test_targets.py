import json
from dataclasses import replace

import numpy as np
import pytest

from hpe_art.attacks import random_far_poses
from hpe_art.attacks.targets import (
    hold_others,
    mirrored_poses,
    points_from_file,
    poses_from_file,
)
from hpe_art.errors import UserError
from hpe_art.metrics import OKS, PCKh, PeopleTruth
from hpe_art.skeleton import MPII, Skeleton

FLIP = [5, 4, 3, 2, 1, 0, 6, 7, 8, 9, 15, 14, 13, 12, 11, 10]


def to_image(poses):
    return np.concatenate([poses[..., :2] * 2 + 5, poses[..., 2:]], axis=-1)


def setting(count=12, seed=0, joints=16):
    """Poses in crops of 64 px, twice that in the image; head size 10 px of the image."""
    random = np.random.default_rng(seed)
    pool = np.ones((count, joints, 3), np.float32)
    pool[..., :2] = random.uniform(0, 64, (count, joints, 2))
    return pool, PeopleTruth(to_image(pool), head_size=np.full(count, 10.0, np.float32))


def draw(pool, truth, seed=0, index=None, metric=None):
    index = np.arange(len(pool)) if index is None else np.asarray(index)
    metric = metric or PCKh(MPII)
    return random_far_poses(pool[index], index, pool, truth[index], metric, to_image, seed)


def test_no_joint_of_a_target_matches_the_clean_prediction():
    pool, truth = setting()
    targets = draw(pool, truth)
    aims = replace(truth, keypoints=to_image(targets.poses))
    hits = PCKh(MPII).hits(to_image(pool), aims)
    easy = hits[:, MPII.grouped].sum(axis=1) == 0
    assert (~easy).sum() == targets.fallbacks < 6
    np.testing.assert_array_equal(targets.poses, pool[targets.donors])
    assert targets.rule.startswith("a random true pose with PCKh 0 against the clean")
    assert (targets.donors != np.arange(12)).all()


def test_a_victims_draw_depends_on_the_seed_and_on_itself_alone():
    pool, truth = setting()
    whole = draw(pool, truth)
    np.testing.assert_array_equal(draw(pool, truth).donors, whole.donors)
    np.testing.assert_array_equal(draw(pool, truth, index=[7, 2]).donors, whole.donors[[7, 2]])
    assert (draw(pool, truth, seed=1).donors != whole.donors).any()


def test_donors_have_every_joint_labelled():
    pool, truth = setting()
    pool[3:, 4, 2] = 0
    assert set(draw(pool, truth).donors) <= {0, 1, 2}


def test_where_nobody_is_far_the_farthest_is_taken_and_counted():
    pool, truth = setting(3)
    pool[1] = pool[0]
    pool[2] = pool[0]
    pool[2, :8, 0] += 30
    targets = draw(pool, truth)
    assert targets.donors.tolist() == [2, 2, targets.donors[2]]
    assert targets.fallbacks == 3


def test_a_set_without_donors_is_named():
    pool, truth = setting(4)
    pool[:, 0, 2] = 0
    with pytest.raises(ValueError, match="all 16 joints .* Got 0 in a test set of 4.*mirror"):
        draw(pool, truth)
    pool[2, 0, 2] = 1
    with pytest.raises(ValueError, match="Got 1 in a test set of 4"):
        draw(pool, truth)


def test_a_mirrored_pose_keeps_its_place_and_swaps_its_sides():
    y = setting(3)[0]
    y[1, 4, 2] = 0
    y[2, :, 2] = 0
    mirrored = mirrored_poses(y, FLIP).poses
    np.testing.assert_array_equal(
        mirrored[..., 1][0, MPII.joints.index("left_wrist")],
        y[0, MPII.joints.index("right_wrist"), 1],
    )
    np.testing.assert_allclose(mirrored[0, :, 0].min(), y[0, :, 0].min(), atol=1e-4)
    np.testing.assert_allclose(mirrored[0, :, 0].max(), y[0, :, 0].max(), atol=1e-4)
    # The left knee is unlabelled, so the right knee has no target.
    assert mirrored[1, MPII.joints.index("right_knee"), 2] == 0 and mirrored[1, :, 2].sum() == 15
    assert np.isfinite(mirrored).all()
    np.testing.assert_allclose(mirrored_poses(mirrored, FLIP).poses[:2], y[:2], atol=1e-4)


def coco():
    """Skeleton, poses of 17 joints, and people of 2,000 square pixels."""
    from mmpose.datasets.datasets.utils import parse_pose_metainfo

    meta = parse_pose_metainfo(dict(from_file="configs/_base_/datasets/coco.py"))
    pool, truth = setting(30, joints=17)
    people = PeopleTruth(truth.keypoints, area=np.full(30, 2000.0, np.float32))
    return Skeleton.from_metainfo(meta), pool, people


def test_under_oks_a_target_is_of_no_worth_to_the_clean_prediction():
    skeleton, pool, truth = coco()
    metric = OKS(skeleton)
    targets = draw(pool, truth, metric=metric)
    hits = metric.hits(to_image(pool), replace(truth, keypoints=to_image(targets.poses)))
    assert (hits.sum(axis=1) == 0).sum() == 30 - targets.fallbacks > 20
    assert "OKS 0" in targets.rule
    own = draw(pool, truth, metric=metric, index=[4])
    assert own.donors.tolist() == [targets.donors[4]]


def test_many_donors_are_compared_in_parts_that_do_not_matter(monkeypatch):
    pool, truth = setting()
    whole = draw(pool, truth)
    monkeypatch.setattr("hpe_art.attacks.targets._AT_ONCE", 12 * 5)
    np.testing.assert_array_equal(draw(pool, truth).donors, whole.donors)


def test_a_pose_from_a_file(tmp_path):
    path = tmp_path / "pose.json"
    pose = [[k / 16, 0.5] for k in range(16)]
    pose[3] = None
    path.write_text(json.dumps(pose))
    targets = poses_from_file(path, np.arange(2), (64, 32), 16)
    assert targets.poses.shape == (2, 16, 3) and str(path) in targets.rule
    np.testing.assert_allclose(targets.poses[1, 8], [32, 16, 1])
    assert targets.poses[0, 3, 2] == 0 and targets.poses[..., 2].sum() == 30
    path.write_text(json.dumps([pose, [*pose[:15], [0, 1]]]))
    np.testing.assert_allclose(
        poses_from_file(path, np.arange(2), (64, 32), 16).poses[1, 15], [0, 32, 1]
    )
    second = poses_from_file(path, np.array([1]), (64, 32), 16)
    np.testing.assert_allclose(second.poses[0, 15], [0, 32, 1])
    path.write_text(json.dumps([None, *pose[1:]]))
    assert poses_from_file(path, np.arange(1), (64, 32), 16).poses[0, 0, 2] == 0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{", "Got: Expecting"),
        ("[]", "Got: list index"),
        ("{}", "Got: 0"),
        (json.dumps([[0.1, 0.2]] * 15), r"Got shape \(1, 15, 2\)"),
        (json.dumps([[[0.1, 0.2]] * 16] * 1), r"Got shape \(1, 16, 2\)"),
        (json.dumps([[0.1, 64]] * 16), "outside of 0 to 1"),
        (json.dumps([[0.1, "a"]] * 16), "Got: could not convert"),
        (json.dumps([None] * 16), "no joint at all"),
        (None, "Got: .*No such file"),
    ],
)
def test_what_is_not_a_pose_is_named(tmp_path, text, found):
    path = tmp_path / "pose.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ValueError, match=rf"16 joints \[x, y\] or null, or 2 such.*{found}"):
        poses_from_file(path, np.arange(2), (64, 64), 16)


def test_joints_that_are_held_stay_where_the_network_sees_them():
    pool, truth = setting()
    targets = draw(pool, truth)
    clean = setting(seed=5)[0]
    clean[..., 2] = 0.3
    wrists = MPII.joint_numbers(["Wrist"])
    partial = hold_others(targets, clean, wrists)
    others = [k for k in range(16) if k not in wrists]
    np.testing.assert_array_equal(partial.poses[:, wrists], targets.poses[:, wrists])
    np.testing.assert_array_equal(partial.poses[:, others, :2], clean[:, others, :2])
    assert (partial.poses[..., 2] == 1).all()
    assert partial.scored[..., 2].sum(axis=1).tolist() == [2] * 12
    np.testing.assert_array_equal(partial.scored[..., :2], partial.poses[..., :2])


POINTS = [[1, 2], None, [3.5, -4]]
NAMES = ("nose", "left_wrist", "right_wrist")


@pytest.mark.parametrize(
    "points",
    [
        POINTS,
        {"right_wrist": [3.5, -4], "nose": [1, 2]},
        {"nose": [1, 2], "left_wrist": None, "right_wrist": [3.5, -4]},
    ],
)
def test_points_in_a_photograph_by_place_or_by_name(tmp_path, points):
    (tmp_path / "pose.json").write_text(json.dumps({"keypoints": points}))
    pose = points_from_file(tmp_path / "pose.json", NAMES)
    np.testing.assert_array_equal(pose, np.float32([[1, 2, 1], [0, 0, 0], [3.5, -4, 1]]))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[[1, 2]]", "TypeError"),
        ("{}", "keypoints"),
        ("no JSON", "JSONDecodeError"),
        ('{"keypoints": [[1, 2]]}', "1 points"),
        ('{"keypoints": 3}', "int"),
        ('{"keypoints": {"elbow": [1, 2]}}', "Got elbow"),
        ('{"keypoints": [[1, 2], [1, 2], [1]]}', "Got"),
        ('{"keypoints": [[1, 2, 3], [1, 2, 3], [1, 2, 3]]}', "Got"),
        ('{"keypoints": [[1, 2], [1, 2], [1, "x"]]}', "Got"),
        ('{"keypoints": [[1, 2], [1, 2], [1, NaN]]}', "Got"),
        ('{"keypoints": {}}', "none at all"),
    ],
)
def test_what_are_no_points(tmp_path, text, word):
    path = tmp_path / "pose.json"
    path.write_text(text)
    with pytest.raises(UserError, match="3 points .x, y. in pixels or null") as refused:
        points_from_file(path, NAMES)
    assert word in str(refused.value) and "nose, left_wrist" in str(refused.value)
