import json

import numpy as np
import pytest

from hpe_art.attacks import random_far_poses
from hpe_art.attacks.targets import hold_others, mirrored_poses, poses_from_file
from hpe_art.metrics import pckh_hits
from hpe_art.mpii import JOINTS, SCORED, joint_numbers


def to_image(poses):
    return np.concatenate([poses[..., :2] * 2 + 5, poses[..., 2:]], axis=-1)


def setting(count=12, seed=0):
    """Poses in crops of 64 px, twice that in the image; head size 10 px of the image."""
    random = np.random.default_rng(seed)
    donors = np.ones((count, 16, 3), np.float32)
    donors[..., :2] = random.uniform(0, 64, (count, 16, 2))
    return donors, np.full(count, 10.0, np.float32)


def draw(donors, head_size, seed=0, index=None):
    index = np.arange(len(donors)) if index is None else np.asarray(index)
    return random_far_poses(donors[index], index, donors, head_size[index], to_image, seed)


def test_no_joint_of_a_target_matches_the_clean_prediction():
    donors, head_size = setting()
    targets = draw(donors, head_size)
    hits = pckh_hits(to_image(donors), to_image(targets.poses), head_size)
    easy = hits[:, SCORED].sum(axis=1) == 0
    assert (~easy).sum() == targets.fallbacks < 6
    np.testing.assert_array_equal(targets.poses, donors[targets.donors])
    assert (targets.donors != np.arange(12)).all()


def test_a_victims_draw_depends_on_the_seed_and_on_itself_alone():
    donors, head_size = setting()
    whole = draw(donors, head_size)
    np.testing.assert_array_equal(draw(donors, head_size).donors, whole.donors)
    np.testing.assert_array_equal(
        draw(donors, head_size, index=[7, 2]).donors, whole.donors[[7, 2]]
    )
    assert (draw(donors, head_size, seed=1).donors != whole.donors).any()


def test_donors_have_every_joint_labelled():
    donors, head_size = setting()
    donors[3:, 4, 2] = 0
    assert set(draw(donors, head_size).donors) <= {0, 1, 2}


def test_where_nobody_is_far_the_farthest_is_taken_and_counted():
    donors, head_size = setting(3)
    donors[1] = donors[0]
    donors[2] = donors[0]
    donors[2, :8, 0] += 30
    targets = draw(donors, head_size)
    assert targets.donors.tolist() == [2, 2, targets.donors[2]]
    assert targets.fallbacks == 3


def test_a_set_without_donors_is_named():
    donors, head_size = setting(4)
    donors[:, 0, 2] = 0
    with pytest.raises(ValueError, match="all 16 joints labelled .* Got 0 in a test set of 4"):
        draw(donors, head_size)
    donors[2, 0, 2] = 1
    with pytest.raises(ValueError, match="Got 1 in a test set of 4"):
        draw(donors, head_size)


def test_a_mirrored_pose_keeps_its_place_and_swaps_its_sides():
    y = setting(3)[0]
    y[1, 4, 2] = 0
    y[2, :, 2] = 0
    mirrored = mirrored_poses(y).poses
    np.testing.assert_array_equal(
        mirrored[..., 1][0, JOINTS.index("left_wrist")], y[0, JOINTS.index("right_wrist"), 1]
    )
    np.testing.assert_allclose(mirrored[0, :, 0].min(), y[0, :, 0].min(), atol=1e-4)
    np.testing.assert_allclose(mirrored[0, :, 0].max(), y[0, :, 0].max(), atol=1e-4)
    # The left knee is unlabelled, so the right knee has no target.
    assert mirrored[1, JOINTS.index("right_knee"), 2] == 0 and mirrored[1, :, 2].sum() == 15
    assert np.isfinite(mirrored).all()
    np.testing.assert_allclose(mirrored_poses(mirrored).poses[:2], y[:2], atol=1e-4)


def test_other_joints_than_mpiis_are_named():
    donors, head_size = setting(3)
    donors = np.concatenate([donors, donors[:, :1]], axis=1)  # as COCO's 17
    for draw_or_mirror in (mirrored_poses, lambda poses: draw(poses, head_size)):
        with pytest.raises(ValueError, match="MPII's 16 joints. Got 17: give target poses y"):
            draw_or_mirror(donors)


def test_a_pose_from_a_file(tmp_path):
    path = tmp_path / "pose.json"
    pose = [[k / 16, 0.5] for k in range(16)]
    pose[3] = None
    path.write_text(json.dumps(pose))
    targets = poses_from_file(path, 2, (64, 32))
    assert targets.poses.shape == (2, 16, 3) and str(path) in targets.rule
    np.testing.assert_allclose(targets.poses[1, 8], [32, 16, 1])
    assert targets.poses[0, 3, 2] == 0 and targets.poses[..., 2].sum() == 30
    path.write_text(json.dumps([pose, [*pose[:15], [0, 1]]]))
    np.testing.assert_allclose(poses_from_file(path, 2, (64, 32)).poses[1, 15], [0, 32, 1])
    path.write_text(json.dumps([None, *pose[1:]]))
    assert poses_from_file(path, 1, (64, 32)).poses[0, 0, 2] == 0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{", "Got: Expecting"),
        ("[]", "Got: list index"),
        ("{}", "Got: 0"),
        (json.dumps([[0.1, 0.2]] * 15), r"Got shape \(2, 15, 2\)"),
        (json.dumps([[[0.1, 0.2]] * 16] * 3), r"Got shape \(3, 16, 2\)"),
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
        poses_from_file(path, 2, (64, 64))


def test_joints_that_are_held_stay_where_the_network_sees_them():
    donors, head_size = setting()
    targets = draw(donors, head_size)
    clean = setting(seed=5)[0]
    clean[..., 2] = 0.3
    wrists = joint_numbers(["Wrist"])
    partial = hold_others(targets, clean, wrists)
    others = [k for k in range(16) if k not in wrists]
    np.testing.assert_array_equal(partial.poses[:, wrists], targets.poses[:, wrists])
    np.testing.assert_array_equal(partial.poses[:, others, :2], clean[:, others, :2])
    assert (partial.poses[..., 2] == 1).all()
    assert partial.scored[..., 2].sum(axis=1).tolist() == [2] * 12
    np.testing.assert_array_equal(partial.scored[..., :2], partial.poses[..., :2])


def test_joints_by_name():
    assert joint_numbers(["wrist", "left_wrist", "HEAD"]) == [9, 10, 15]
    with pytest.raises(ValueError, match="Expected joints out of Head, .*left_wrist. Got nose"):
        joint_numbers(["Hip", "nose"])
