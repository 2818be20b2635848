"""Scores of predictions that are set by hand."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from example_results import observer, run

from hpe_art.attacks import build_spec
from hpe_art.attacks.targets import TargetPoses
from hpe_art.evaluation.scoring import Judge, scored_run, unscored_attack
from hpe_art.evaluation.store import CLEAN, OWN, Shard, Store
from hpe_art.metrics import PeopleTruth, metric_named
from hpe_art.skeleton import MPII

N, HEAD = 4, 10.0


class Some:
    """People whose crops are their images."""

    def __init__(self) -> None:
        points = np.random.default_rng(0).uniform(0, 100, (N, 16, 2))
        keypoints = np.concatenate([points, np.ones((N, 16, 1))], axis=-1).astype(np.float32)
        self.y, self.index = keypoints, np.arange(N)
        self.truth = PeopleTruth(
            keypoints=keypoints, head_size=np.full(N, HEAD, np.float32), bbox=None, area=None
        )

    def to_image(self, poses):
        return poses


def moved(people, count, by=100.0):
    """Predictions whose first `count` people are wrong everywhere."""
    poses = people.y.copy()
    poses[:count, :, :2] += by
    return poses


@pytest.fixture
def people():
    return Some()


@pytest.fixture
def judge(people):
    return Judge(people, metric_named("PCKh", MPII), MPII)


def test_scores_are_shares_of_joints(judge, people):
    assert judge.clean(OWN, people.y).score.value == 100
    found = judge.perturbed(OWN, moved(people, 1))
    assert found.score.value == found.relative.value == 75
    assert found.score.joints["left_hip"] == found.score.groups["Wrist"] == 75
    assert found.target is None and found.official == found.relative_official == {}
    low, high = found.score.interval
    assert low < 75 < high <= 100


def test_relative_scores_are_of_the_same_observer(judge, people):
    judge.clean(OWN, people.y)
    judge.clean("jpeg", moved(people, 2))
    assert judge.perturbed("jpeg", moved(people, 3)).relative.value == 50
    assert judge.perturbed(OWN, moved(people, 3)).relative.value == 25


def test_nothing_is_relative_to_nothing(judge, people):
    judge.clean(OWN, moved(people, N))
    found = judge.perturbed(OWN, people.y)
    assert found.score.value == 100 and found.relative.value is None


def test_targets_are_judged_by_the_same_metric(people):
    aims = moved(people, N)
    judge = Judge(people, metric_named("PCKh", MPII), MPII, targets=TargetPoses(aims, "far"))
    judge.clean(OWN, people.y)
    found = judge.perturbed(OWN, moved(people, 3))
    assert (found.score.value, found.target.value) == (25, 75)


def test_official_numbers_come_beside(people):
    official = SimpleNamespace(of=lambda poses: {"AP": float(poses[0, 0, 0]), "none": 0.0})
    judge = Judge(people, metric_named("PCKh", MPII), MPII, official=official)
    first = people.y.copy()
    first[0, 0, 0] = 50
    assert judge.clean(OWN, first).official == {"AP": 50, "none": 0}
    first[0, 0, 0] = 20
    found = judge.perturbed(OWN, first)
    assert found.relative_official == {"AP": 40, "none": None}


def cost(forward, backward, seconds=1.0):
    return [forward, backward, seconds]


@pytest.fixture
def store(tmp_path, people):
    """Two attacks of one run: the second is led, and has cost what the whole run does."""
    held = Store(tmp_path)
    for rows in ([0, 1], [2, 3]):
        held.add(CLEAN, Shard(np.array(rows), {OWN: people.y[rows], "jpeg": people.y[rows]}))
        for key, generation in (("first", cost(4, 4)), ("second", cost(20, 20, 5.0))):
            counts = {"generation": generation, "scoring": cost(2, 0), "linf": 4.0 + rows[0]}
            held.add(key, Shard(np.array(rows), {OWN: people.y[rows]}, counts))
    return held


def record(judge, store, key, led=(), observers=()):
    seen = {name: observer("defence") for name in observers}
    unscored = run([unscored_attack(key, build_spec("igsm"), observers)], observers=seen)
    scored = scored_run(unscored, {key: led}, judge, store)
    assert all(one.clean.score.value == 100 for one in scored.observers.values())
    (found,) = scored.attacks
    return found


def test_the_first_of_a_run_has_its_whole_cost(judge, store):
    first = record(judge, store, "first", ["first", "second"])
    assert (first.forward_passes, first.backward_passes, first.seconds) == (44, 40, 12)
    second = record(judge, store, "second")
    assert (second.forward_passes, second.backward_passes, second.seconds) == (4, 0, 2)
    assert first.linf_max == 6 and first.folder == "first" and first.name == "IGSM-U-10"
    assert (first.eps, first.max_iter, first.settings["attack"]) == (8, 10, "igsm")


def test_people_of_two_shards_cost_once(judge, store, people):
    counts = {"generation": cost(400, 400), "scoring": cost(6, 0), "linf": 9.0}
    store.add("first", Shard(np.array([1, 2, 3, 4]), {OWN: people.y}, counts))
    first = record(judge, store, "first", ["first"])
    # All of the first shard, and half of the people of the one that follows it.
    assert (first.forward_passes, first.backward_passes) == (4 + 2 + 203, 4 + 200)


def test_others_cost_nothing(judge, store, people):
    shard = Shard(people.index, {"jpeg": moved(people, 2)}, {"generation": cost(99, 99)})
    store.add("first", shard)
    first = record(judge, store, "first", ["first"], ["jpeg"])
    assert first.observed["jpeg"].score.value == 50 and first.score.value == 100
    assert first.forward_passes == 12
