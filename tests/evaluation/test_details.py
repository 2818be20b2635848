"""What attacks say beside images reaches the results, however the run got there."""

from __future__ import annotations

import numpy as np
import pytest

from hpe_art.evaluation.details import detail_records, measured
from hpe_art.evaluation.gradient_checks import CHECKS
from hpe_art.evaluation.result_files import read_results
from hpe_art.evaluation.store import Shard, Store
from hpe_art.gradients import NOT_FINITE, ZERO
from hpe_art.losses import LOSSES
from hpe_art.metrics.bootstrap import drawn_medians, drawn_shares
from hpe_art.skeleton import MPII

AUTO, NEAREST = {"type": "auto", "eps": 1.0}, {"type": "fmn", "max_iter": 2}
JOINTS = len(MPII.joints)


def held(tmp_path, **details):
    store = Store(tmp_path)
    index = np.arange(4)
    for rows in (index[:3], index[3:]):
        poses = {"own": np.zeros((len(rows), JOINTS, 3), np.float32)}
        some = {name: values[rows] for name, values in details.items()}
        store.add("attack", Shard(rows, poses, details=some))
    return Store(tmp_path), index


def test_the_smallest_eps_has_medians_and_a_curve(tmp_path):
    eps = np.full((4, JOINTS), np.nan, np.float32)
    eps[:, 0], eps[:, 3] = [0.0, 1.0, 3.0, 9.0], [2.0, np.inf, np.inf, np.inf]
    store, index = held(tmp_path, minimum_eps=eps)
    found = detail_records(store, "attack", index, "inf", MPII, 0)["minimum"]
    assert list(found.joints) == [MPII.joints[0], MPII.joints[3]]
    assert found.joints[MPII.joints[0]].value == 2.0
    assert found.joints[MPII.joints[3]].value is None  # infinite
    assert found.median.value == 6.0  # of 0, 1, 2, 3, 9 and three infinite ones
    assert found.broken["1"] == 25.0 and found.broken["4"] == 50.0
    low, high = found.joints[MPII.joints[0]].interval
    assert 0.0 <= low <= 2.0 <= high <= 9.0


def test_joints_that_any_image_reached_are_a_share(tmp_path):
    reached = np.full((4, JOINTS), np.nan)
    reached[:, 1], reached[0, 2] = [1, 0, 1, 1], 0
    store, index = held(tmp_path, joints_reached=reached)
    found = detail_records(store, "attack", index, "inf", MPII, 0)["joints_reached"]
    assert found.value == pytest.approx(60.0)
    assert detail_records(store, "attack", np.arange(5), "inf", MPII, 0) == {}


def test_draws_of_medians_and_shares_are_those_of_people():
    values = np.array([[1.0, np.nan], [1.0, 5.0], [1.0, 5.0]])
    assert np.isin(drawn_medians(values)[:, 1], [1.0]).all()
    second = drawn_medians(values)[:, 2]
    assert (second[~np.isnan(second)] == 5.0).all() and np.isnan(second).any()
    assert drawn_shares(values)[0] == pytest.approx(13 / 5)
    assert measured(np.array([np.inf, np.inf, 1.0])).value is None


@pytest.mark.slow
def test_a_run_has_them_and_its_checks(attacked, tmp_path, without_times):
    loop = attacked(AUTO, NEAREST)
    _, run = loop.finished
    assert read_results(tmp_path / "run").runs == {"tiny": run}
    ensemble, nearest = run.attacks
    assert 0 <= ensemble.joints_reached.value <= 100 and ensemble.minimum is None
    assert nearest.minimum.median.value is not None and nearest.joints_reached is None
    assert nearest.eps is None
    assert len(run.checks) == 6
    (tmp_path / "run" / "store" / CHECKS).write_text("damaged")
    assert without_times(attacked(AUTO, NEAREST).finished[1]) == without_times(run)


def test_other_attacks_ask_for_no_checks(attacked, tmp_path):
    assert attacked("fgsm").finished[1].checks == []
    assert not (tmp_path / "run" / "store" / CHECKS).exists()


def test_gradients_that_cannot_be_climbed_are_counted_over_shards(tmp_path):
    store, index = held(tmp_path, gradients=np.array([0, ZERO, NOT_FINITE, ZERO], np.uint8))
    found = detail_records(store, "attack", index, "inf", MPII, 0)["gradients"]
    assert (found.zero, found.not_finite) == (2, 1)


def test_a_run_counts_people_without_a_gradient_and_warns_of_none(attacked, monkeypatch):
    def flat(outputs, y, head):
        return 0 * outputs[-1].flatten(1).sum(1)

    monkeypatch.setitem(LOSSES.module_dict, "flat", flat)
    run = attacked({"type": "fgsm", "eps": 1.0, "loss": "flat"}, {"type": "noise"}).finished[1]
    climbed, noise = run.attacks
    assert climbed.gradients.model_dump() == {"zero": 6, "not_finite": 0}
    assert climbed.linf_max == 0 and noise.gradients is None
