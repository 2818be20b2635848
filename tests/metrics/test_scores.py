from __future__ import annotations

import numpy as np
import pytest

from hpe_art.metrics import EPE, OKS, PCK, PCKh, people_means, relative, relative_score, score
from hpe_art.skeleton import MPII

NAN = np.nan


def joint_scores(rows) -> np.ndarray:
    """Of the first joints; the others are not labelled."""
    scores = np.full((len(rows), 16), NAN)
    scores[:, : len(rows[0])] = rows
    return scores


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (PCKh, 100 * 4 / 6),  # labelled joints of everybody
        (PCK, 100 * (3 / 4 + 1 / 2) / 2),  # joints
        (OKS, 100 * (1 + 1 / 2 + 1 + 0) / 4),  # people
        (EPE, 4 / 6),  # pixels stay pixels
    ],
)
def test_the_total_is_a_mean_over_labels_joints_or_people(metric, expected):
    scores = joint_scores([[1, 1], [1, 0], [1, NAN], [0, NAN]])
    found = score(scores, metric(MPII), MPII)
    assert found.value == pytest.approx(expected)
    shown = 1 if metric is EPE else 100
    assert found.joints["right_ankle"] == pytest.approx(shown * 3 / 4)
    assert found.joints["right_knee"] == pytest.approx(shown / 2)
    assert found.groups["Knee"] == found.joints["right_knee"]
    assert found.groups["Wrist"] is None


def test_groups_weight_left_and_right_alike():
    scores = np.full((4, 16), NAN)
    scores[:, MPII.joints.index("left_wrist")] = [1, 1, 1, 0]
    scores[0, MPII.joints.index("right_wrist")] = 0
    assert score(scores, PCKh(MPII), MPII).groups["Wrist"] == pytest.approx(37.5)


def test_pelvis_and_thorax_count_in_all_but_pckh():
    scores = np.zeros((2, 16))
    scores[:, 6:8] = 1
    assert score(scores, PCKh(MPII), MPII).value == 0
    assert score(scores, PCK(MPII), MPII).value == pytest.approx(100 * 2 / 16)


def test_a_person_without_labels_has_no_mean_and_weighs_nothing():
    scores = joint_scores([[1.0, 0.5], [NAN, NAN]])
    np.testing.assert_array_equal(people_means(scores, OKS(MPII)), [0.75, NAN])
    assert score(scores, OKS(MPII), MPII).value == 75
    assert score(scores[1:], OKS(MPII), MPII).value is None


@pytest.mark.parametrize("metric", [PCKh, PCK, OKS])
def test_nobody_labelled_scores_none(metric):
    found = score(np.full((3, 16), NAN), metric(MPII), MPII)
    assert found.value is None and set(found.joints.values()) == {None}


def test_relative_of_errors_is_the_ratio():
    assert relative(12.0, 8.0) == 150.0
    assert relative(12.0, 0.0) is None
    clean = score(joint_scores([[1.0, 0.0], [3.0, 0.0]]), EPE(MPII), MPII)
    perturbed = score(joint_scores([[3.0, 1.0], [3.0, 1.0]]), EPE(MPII), MPII)
    left = relative_score(perturbed, clean)
    assert left.value == pytest.approx(100 * 2 / 1)
    assert left.joints["right_ankle"] == pytest.approx(150)
    assert left.joints["right_knee"] is None and left.groups["Wrist"] is None
