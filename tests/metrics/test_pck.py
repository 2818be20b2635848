from __future__ import annotations

import hpe_art.compat  # noqa: F401  (MMPose imports only after it)

import numpy as np
import pytest

from hpe_art.metrics import pckh, pckh_hits, relative_pckh
from hpe_art.skeleton import MPII


def random_people(seed: int, n: int = 40) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0, 300, (n, 16, 3)).astype(np.float32)
    truth[..., 2] = rng.random((n, 16)) < 0.8
    head_size = rng.uniform(15, 60, n)
    error = rng.normal(size=(n, 16, 2)) * rng.uniform(1, 25, (1, 16, 1))
    pred = (truth[..., :2] + error).astype(np.float32)
    return pred, truth, head_size


def mmpose_metrics(pred, truth, head_size, threshold=0.5) -> dict[str, float]:
    from mmpose.evaluation.metrics import MpiiPCKAccuracy

    metric = MpiiPCKAccuracy(thr=threshold)
    for p, t, h in zip(pred, truth, head_size, strict=True):
        sample = {
            "pred_instances": {"keypoints": p[None, :, :2].copy()},
            "gt_instances": {
                "keypoints": t[None, :, :2].copy(),
                "keypoints_visible": t[None, :, 2].copy(),
                "head_size": np.array([[h]]),
            },
        }
        metric.process([], [sample])
    return metric.evaluate(len(pred))


@pytest.mark.parametrize("seed", range(3))
def test_equals_mmpose(seed):
    people = random_people(seed)
    expected = mmpose_metrics(*people)
    score = pckh(pckh_hits(*people))
    assert score.PCKh == pytest.approx(expected["PCK"], abs=1e-9)
    tenth = pckh(pckh_hits(*people, threshold=0.1))
    # MMPose keeps this one in float32
    assert tenth.PCKh == pytest.approx(expected["PCK@0.1"], abs=1e-4)
    for group in ("Head", "Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle"):
        assert score.per_group[group] == pytest.approx(expected[f"{group} PCK"], abs=1e-9)


def test_equals_mmpose_where_a_pair_of_joints_is_never_labelled():
    pred, truth, head_size = random_people(0)
    truth[:, MPII.groups["Ankle"], 2] = 0
    score = pckh(pckh_hits(pred, truth, head_size))
    assert score.PCKh == pytest.approx(mmpose_metrics(pred, truth, head_size)["PCK"], abs=1e-9)
    assert score.per_group["Ankle"] is None
    assert score.per_joint["left_ankle"] is None


def test_a_distance_on_the_threshold_falls_to_mmposes_side():
    rng = np.random.default_rng(1)
    truth = np.ones((200, 16, 3), np.float32)
    truth[..., :2] = rng.integers(1, 99, (200, 16, 2))
    head_size = rng.integers(1, 60, 200) * 2.0
    pred = truth[..., :2] - 1
    pred[..., 0] += 0.5 * head_size[:, None].astype(np.float32)
    pred[:100] = np.nextafter(pred[:100], np.float32(0))
    expected = mmpose_metrics(pred, truth, head_size)["PCK"]
    assert pckh(pckh_hits(pred, truth, head_size)).PCKh == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("offset", "hit"), [(0.0, 1), (4.9, 1), (5.0, 0), (-4.9, 1), (-5.0, 0)])
def test_hits_by_hand(offset, hit):
    truth = np.array([[[30.0, 40.0, 1.0], [7.0, 7.0, 0.0]]])
    pred = np.array([[[29.0 + offset, 39.0], [6.0, 6.0]]])
    np.testing.assert_array_equal(pckh_hits(pred, truth, [10.0]), [[hit, np.nan]])


def test_a_prediction_that_is_not_finite_is_a_miss():
    truth = np.ones((1, 16, 3), np.float32)
    pred = np.full((1, 16, 3), np.nan, np.float32)
    assert pckh(pckh_hits(pred, truth, np.ones(1))).PCKh == 0


def test_the_mean_weights_joints_by_their_labels_and_groups_left_and_right_alike():
    hits = np.full((4, 16), np.nan)
    hits[:, MPII.joints.index("left_wrist")] = [1, 1, 1, 0]
    hits[0, MPII.joints.index("right_wrist")] = 0
    hits[:, MPII.joints.index("pelvis")] = 0
    score = pckh(hits)
    assert score.PCKh == pytest.approx(60)
    assert score.per_group["Wrist"] == pytest.approx(37.5)
    assert score.per_joint["pelvis"] == 0
    assert set(score.per_joint) == set(MPII.joints)
    assert set(score.per_group) == set(MPII.groups)


def test_nothing_labelled_scores_none():
    hits = np.full((3, 16), np.nan)
    hits[:, [k for k in range(16) if k not in MPII.grouped]] = 1
    score = pckh(hits)
    assert score.PCKh is None
    assert set(score.per_group.values()) == {None}
    assert pckh(hits[:0]).PCKh is None


@pytest.mark.parametrize(
    ("perturbed", "clean", "expected"),
    [
        (40.0, 80.0, 50.0),
        (0.0, 80.0, 0.0),
        (40.0, 0.0, None),
        (40.0, None, None),
        (None, 80.0, None),
    ],
)
def test_relative(perturbed, clean, expected):
    assert relative_pckh(perturbed, clean) == expected


def test_errors_name_the_shapes():
    pred, truth, head_size = random_people(0, n=2)
    with pytest.raises(ValueError, match=r"Expected truth of shape \(N, K, 3\). Got \(2, 16, 2\)"):
        pckh_hits(pred, truth[..., :2], head_size)
    with pytest.raises(ValueError, match=r"Expected pred of shape .* Got \(2, 15, 2\)"):
        pckh_hits(pred[:, :15], truth, head_size)
    with pytest.raises(ValueError, match=r"Expected head_size of shape \(2,\). Got \(2, 1\)"):
        pckh_hits(pred, truth, head_size[:, None])
    with pytest.raises(ValueError, match=r"a head size for everyone, .* Got 0.0 for person 1"):
        pckh_hits(pred, truth, [20.0, 0.0])
    with pytest.raises(
        ValueError, match=r"Expected joint scores of shape \(N, 16\). Got \(2, 15\)"
    ):
        pckh(np.ones((2, 15)))
