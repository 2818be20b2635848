"""What is lost for the attack is lost for the metric, and the other way round."""

import numpy as np
import pytest
import torch

from hpe_art.data.people import load_people
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.estimators.loading import load_config
from hpe_art.evaluation.goals import goal_of
from hpe_art.metrics import METRICS, Metric, MetricError, metric_named
from hpe_art.skeleton import Skeleton


@pytest.fixture(scope="module")
def predicted(config):
    """People, and what the network sees in them and in the same crops perturbed at random."""
    cfg = load_config(str(config))
    estimator = PyTorchPoseEstimator.from_config(cfg, device_type="cpu")
    people = load_people(cfg)
    x = people.x[:].astype(np.float32)
    noise = np.random.default_rng(0).uniform(-40, 40, (4, *x.shape)).astype(np.float32)
    return people, [estimator.predict(np.clip(x + one, 0, 255)) for one in (0 * x, *noise)]


@pytest.mark.parametrize("name", ["PCKh", "PCK", "EPE", "AUC"])
@pytest.mark.parametrize("targeted", [False, True])
def test_reached_is_what_the_metric_says(predicted, name, targeted):
    people, seen = predicted
    metric = metric_named(name, Skeleton.from_metainfo(people.dataset.metainfo))
    metric.hit_at = {"EPE": 60.0}.get(name, metric.hit_at)
    targets = people.y[::-1].copy() if targeted else None
    goal = goal_of(people, metric, targets)
    truth = people.truth
    if targets is not None:
        truth = type(truth)(people.to_image(targets), truth.head_size, truth.bbox, truth.area)
    both = set()
    for poses in seen:
        hits = metric.hits(people.to_image(poses), truth)
        hits[:, [k for k in range(16) if k not in metric.scored]] = np.nan
        known = ~np.isnan(hits)
        np.testing.assert_array_equal(goal.counts, known)
        found = goal.reached(torch.as_tensor(poses)).numpy()
        np.testing.assert_array_equal(found[known], hits[known] == targeted)
        assert not found[~known].any()
        both |= set(hits[known].tolist())
    assert both == {0.0, 1.0}


def test_attacks_that_aim_at_the_metric_run_as_the_others(attacked):
    specs = [dict(type="apgd", max_iter=2, eps=2.0), dict(type="apgd", targeted=True, max_iter=2)]
    specs += [dict(type="auto", eps=2.0), dict(type="igsm", max_iter=2, loss="margin")]
    _, run = attacked(*specs, num_samples=2).finished
    names = [attack.name for attack in run.attacks]
    assert names == ["APGD-U-2", "APGD-T-2", "AUTO-U", "IGSM-U-2 [margin]"]
    assert all(attack.linf_max <= attack.eps for attack in run.attacks)
    assert run.attacks[2].score.value <= run.clean.score.value
    assert all(0 < attack.backward_passes <= 2 * 100 for attack in run.attacks)


def test_a_metric_without_a_radius_is_named_before_anything_runs(prepared_loop, monkeypatch):
    class Own(Metric):
        key = "own"

        def joint_scores(self, poses, truth):
            return np.zeros(truth.keypoints.shape[:2])

    monkeypatch.setitem(METRICS.module_dict, "own", Own)
    prepared_loop("igsm", metric="own")
    with pytest.raises(MetricError, match="Expected a metric with a radius.*Got own"):
        prepared_loop("apgd", metric="own", folder="other")
