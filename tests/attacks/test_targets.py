import numpy as np
import pytest

from hpe_art.attacks import random_far_poses
from hpe_art.metrics import pckh_hits
from hpe_art.mpii import SCORED


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
