"""The numbers of a run are those of its images, its people and its metric."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from hpe_art.errors import UserError
from hpe_art.evaluation.collecting import run_record
from hpe_art.evaluation.prepared import _check_fit
from hpe_art.evaluation.store import CLEAN
from hpe_art.metrics import metric_named, pckh, pckh_hits

COUNT = 6
AIMED = dict(type="fgsm", targeted=True)


def poses_of(loop, key):
    prepared = loop.prepared
    return prepared.store.gathered(key, prepared.people.index)


def images_of(loop, key):
    """(N, 3, H, W), of a run that has kept them all."""
    kept = loop.prepared.store.examples(key, range(COUNT))
    return np.stack([kept[i] for i in range(COUNT)])


def test_the_clean_score_is_that_of_the_official_evaluator(attacked):
    """MMPose's own, which test_official.py compares with MMPose's own test."""
    _, run = attacked().finished
    clean, official = run.clean.score, run.clean.official
    assert 0 < official["PCK@0.1"] < clean.value < 100, "a score that could differ"
    assert clean.value == pytest.approx(official["PCK"], abs=1e-4)
    for group in ("Head", "Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle"):
        assert clean.groups[group] == pytest.approx(official[f"{group} PCK"], abs=1e-4)


@pytest.mark.parametrize("norm", [np.inf, 2, 1])
def test_every_attack_stays_within_eps(attacked, norm):
    eps = {np.inf: 3.0, 2: 200.0, 1: 9000.0}[norm]
    attacks = [
        dict(type="noise"),
        dict(type="fgsm"),
        dict(type="igsm", max_iter=4),
        dict(type="igsm", max_iter=4, targeted=True),
    ]
    loop = attacked(*(dict(one, eps=eps, norm=norm) for one in attacks), kept=COUNT)
    prepared, run = loop.finished
    x, changes = prepared.people.x[:].astype(np.float64), []
    for attack in run.attacks:
        images = images_of(loop, attack.folder)
        assert images.min() >= 0 and images.max() <= 255
        change = (images - x).reshape(COUNT, -1)
        changes.append(np.linalg.norm(change, norm, axis=1).max())
        assert attack.linf_max == pytest.approx(np.abs(change).max(), abs=1e-6)
    # With norm 1, ART spends everything on one pixel, which cannot move by more than 255.
    least = 100 if norm == 1 else 0.2 * eps
    assert len(changes) == 4 and min(changes) > least and max(changes) <= eps * (1 + 1e-5)


def test_scores_are_those_of_the_images_made(attacked):
    """Scored again from the images alone, by the metric alone."""
    loop = attacked("noise", AIMED, kept=COUNT)
    prepared, run = loop.finished
    people, truth = prepared.people, prepared.people.truth
    targets = prepared.choose(poses_of(loop, CLEAN), people)
    for attack in run.attacks:
        poses = prepared.estimator.predict(images_of(loop, attack.folder))
        np.testing.assert_allclose(poses_of(loop, attack.folder), poses, atol=1e-3)
        found = people.to_image(poses)
        score = pckh(pckh_hits(found, truth.keypoints, truth.head_size))
        towards = pckh(pckh_hits(found, people.to_image(targets.poses), truth.head_size))
        assert attack.score.value == score.PCKh
        assert attack.score.joints == score.per_joint
        # Without targets of its own, an attack is still measured against those of the run.
        assert attack.target.value == towards.PCKh
        expected = 100 * score.PCKh / run.clean.score.value
        assert attack.relative.value == pytest.approx(expected)
    assert run.targets.donors == targets.donors.tolist()


def test_untargeted_attacks_alone_need_no_targets(attacked):
    _, run = attacked("fgsm").finished
    assert run.targets is None and run.attacks[0].target is None


def test_held_joints_do_not_count_towards_the_target(attacked):
    attack = dict(type="igsm", targeted=True, max_iter=2)
    loop = attacked(attack, target="mirror", target_joints=["Wrist"])
    prepared, run = loop.finished
    (found,), people = run.attacks, prepared.people
    clean = poses_of(loop, CLEAN)
    aims = people.to_image(prepared.choose(clean, people).poses)
    poses = people.to_image(poses_of(loop, found.folder))
    hits = pckh_hits(poses, aims, people.truth.head_size)
    assert run.targets.joints == ["right_wrist", "left_wrist"]
    assert found.target.joints["left_hip"] is None
    assert found.target.joints["left_wrist"] == pckh(hits).per_joint["left_wrist"]
    assert found.target.value == pytest.approx(100 * np.nanmean(hits[:, [10, 15]]))


def test_scores_lie_in_their_intervals(attacked):
    _, run = attacked(AIMED, seed=5).finished
    (attack,) = run.attacks
    for score in (run.clean.score, attack.score, attack.relative, attack.target):
        low, high = score.interval
        assert low <= score.value <= high


def test_attacks_move_the_network_more_than_noise(attacked):
    """Towards the truth or away from it: the loss says so, whatever the score is."""
    five = dict(type="igsm", max_iter=5)
    loop = attacked("noise", five, dict(five, targeted=True), kept=COUNT)
    prepared, run = loop.finished
    estimator, people = prepared.estimator, prepared.people
    noisy, away, aimed = (images_of(loop, attack.folder) for attack in run.attacks)
    x, y = people.x[:].astype(np.float32), people.y
    clean = estimator.compute_loss(x, y)
    by_noise = estimator.compute_loss(noisy, y) - clean
    assert (estimator.compute_loss(away, y) - clean > np.abs(by_noise)).all()
    targets = prepared.choose(poses_of(loop, CLEAN), people).poses
    assert (estimator.compute_loss(aimed, targets) < estimator.compute_loss(x, targets)).all()


def test_all_outputs_are_attacked_where_asked(attacked):
    loop = attacked(dict(type="fgsm", outputs="all"), "fgsm", kept=1)
    _, run = loop.finished
    assert [attack.name for attack in run.attacks] == ["FGSM-U-ALL", "FGSM-U"]
    every, last = (loop.prepared.store.examples(a.folder, [0])[0] for a in run.attacks)
    assert not np.array_equal(every, last)


def test_another_metric_costs_no_pass(attacked):
    loop = attacked("fgsm")
    prepared, run = loop.finished
    passes = prepared.estimator.forward_passes
    metric = metric_named("EPE", prepared.skeleton)
    again = run_record(replace(prepared, metric=metric), loop.record)
    assert prepared.estimator.forward_passes == passes
    assert (again.metric.key, again.metric.unit) == ("EPE", "px")
    _, whole = attacked("fgsm", metric="EPE", folder="own").finished
    assert again.clean == whole.clean
    assert again.attacks[0].score == whole.attacks[0].score
    assert again.attacks[0].relative.value != run.attacks[0].relative.value


def test_targeted_attacks_need_somebody_with_all_joints(prepared_loop, write_people, tmp_path):
    folder = write_people(tmp_path / "people")
    path = folder / "annotations" / "mpii_val.json"
    people = json.loads(path.read_text())
    for person in people[1:]:
        person["joints_vis"][6] = 0
    path.write_text(json.dumps(people))
    options = {
        "test_dataloader.dataset.data_root": str(folder),
        "test_dataloader.dataset.headbox_file": str(folder / "annotations/mpii_gt_val.mat"),
    }
    with pytest.raises(UserError, match="all 16 joints .* Got 1 in a test set of 6"):
        prepared_loop(AIMED, options=options)
    assert prepared_loop("fgsm", options=options).prepared.choose is None


def test_a_model_of_other_joints_is_refused(prepared_loop):
    prepared = prepared_loop().prepared
    estimator = SimpleNamespace(count_joints=lambda: 17)
    with pytest.raises(UserError, match="Got a model of 17 and people of 16: name people with"):
        _check_fit(estimator, prepared.people, [])
