"""The loop on six people with a tiny untrained hourglass."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch

from hpe_art.attacks import AttackSetting
from hpe_art.attacks.targets import hold_others, mirrored_poses
from hpe_art.data.crops import build_test_set, load_crops
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.estimators.loading import load_config
from hpe_art.evaluation.run import check_scorable, evaluate, far_targets
from hpe_art.metrics import pckh, pckh_hits

COUNT = 6


@pytest.fixture(scope="module")
def cfg(config):
    return load_config(config)


@pytest.fixture(scope="module")
def estimator(cfg, weights):
    return PyTorchPoseEstimator.from_config(cfg, weights, device_type="cpu")


@pytest.fixture(scope="module")
def crops(cfg):
    return load_crops(cfg)


def finish(*args, **kwargs):
    """The evaluation after its last setting."""
    *_, done = evaluate(*args, **kwargs)
    return done


def test_the_clean_score_is_that_of_mmposes_own_evaluator(cfg, estimator, crops):
    from mmengine.dataset import pseudo_collate
    from mmengine.evaluator import Evaluator
    from mmpose.evaluation import MpiiPCKAccuracy

    (done,) = evaluate(estimator, crops, [], batch_size=4)
    dataset = build_test_set(cfg)
    evaluator = Evaluator([MpiiPCKAccuracy(thr=0.5)])
    evaluator.dataset_meta = dataset.metainfo
    with torch.no_grad():
        for begin in (0, 3):
            batch = pseudo_collate([dataset[i] for i in range(begin, begin + 3)])
            # flip_test is off in this config, so this is one plain pass.
            evaluator.process(estimator.model.test_step(batch), batch)
    theirs = evaluator.evaluate(len(dataset))
    theirs = {name.rpartition("/")[2]: value for name, value in theirs.items()}
    clean = done.clean
    assert 0 < clean["PCKh@0.1"] < clean["PCKh"] < 100, "a score that could differ"
    assert clean["PCKh"] == pytest.approx(theirs["PCK"], abs=1e-4)
    assert clean["PCKh@0.1"] == pytest.approx(theirs["PCK@0.1"], abs=1e-4)
    for group in ("Head", "Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle"):
        assert clean["per_group"][group] == pytest.approx(theirs[f"{group} PCK"], abs=1e-4)


def test_results_come_one_by_one(estimator, crops):
    settings = [AttackSetting("noise"), AttackSetting("fgsm")]
    steps = evaluate(estimator, crops, settings)
    assert len(next(steps).attacked) == 0
    passes = estimator.backward_passes
    assert [a.entry["name"] for a in next(steps).attacked] == ["NOISE"]
    assert estimator.backward_passes == passes, "FGSM has not begun"
    assert [a.entry["name"] for a in next(steps).attacked] == ["NOISE", "FGSM-U"]
    with pytest.raises(StopIteration):
        next(steps)


def test_passes_are_counted_in_images(estimator, crops):
    settings = [
        AttackSetting("noise", batch_size=4),
        AttackSetting("fgsm", batch_size=4),
        AttackSetting("igsm", max_iter=3, batch_size=4),
        AttackSetting("igsm", max_iter=5, targeted=True, batch_size=4),
    ]
    done = finish(estimator, crops, settings, batch_size=4)
    counts = [(a.entry["forward_passes"], a.entry["backward_passes"]) for a in done.attacked]
    # One forward pass scores the perturbed image; each step is one pass forward and back.
    assert counts == [
        (COUNT, 0),
        (2 * COUNT, COUNT),
        (4 * COUNT, 3 * COUNT),
        (6 * COUNT, 5 * COUNT),
    ]


def test_one_gradient_serves_all_eps_of_fgsm(estimator, crops):
    eps = [0.25, 0.5, 1, 2, 4, 8, 16, 32]
    done = finish(estimator, crops, [AttackSetting("fgsm", eps=e) for e in eps])
    assert [a.entry["eps"] for a in done.attacked] == eps
    assert sum(a.entry["backward_passes"] for a in done.attacked) == COUNT
    assert sum(a.entry["forward_passes"] for a in done.attacked) == 9 * COUNT


def test_shared_work_is_counted_on_the_first(estimator, crops):
    settings = [AttackSetting("igsm", max_iter=steps) for steps in (2, 6, 4)]
    done = finish(estimator, crops, settings)
    assert [a.entry["backward_passes"] for a in done.attacked] == [6 * COUNT, 0, 0]
    assert [a.entry["forward_passes"] for a in done.attacked] == [7 * COUNT, COUNT, COUNT]


class Watched:
    """Crops that say how many were read at a time."""

    def __init__(self, x):
        self.x, self.sizes = x, []
        self.shape = x.shape

    def __len__(self):
        return len(self.x)

    def __getitem__(self, chosen):
        found = self.x[chosen]
        self.sizes.append(len(found))
        return found


def test_people_are_read_batch_by_batch_and_perturbed_images_not_kept(estimator, crops):
    watched = replace(crops, x=Watched(crops.x))
    settings = [AttackSetting("fgsm", eps=e, batch_size=2) for e in (1, 8)]
    alive = []

    def look(setting, index, x_adv):
        alive.append(weakref.ref(x_adv))
        gc.collect()
        # Both settings of a batch, and what is still in the hands of the loop.
        assert sum(one() is not None for one in alive) <= 4

    done = finish(estimator, watched, settings, batch_size=2, num_examples=1, on_images=look)
    assert len(watched.x) == COUNT and max(watched.x.sizes) == 2
    assert done.attacked[0].examples.shape[0] == 1
    assert done.attacked[0].examples.base is None
    assert done.phases.seconds.keys() == {"read", "clean", "attack", "score", "tell"}


def test_one_long_run_gives_the_numbers_of_the_short_ones(estimator, crops):
    iterations = [1, 7, 3]
    settings = [AttackSetting("igsm", max_iter=i, batch_size=4) for i in iterations]
    settings.insert(1, AttackSetting("noise"))
    together = finish(estimator, crops, settings)
    assert [a.setting for a in together.attacked] == settings
    assert [a.entry["backward_passes"] for a in together.attacked] == [7 * COUNT, 0, 0, 0]
    for attacked in together.attacked:
        (alone,) = finish(estimator, crops, [attacked.setting]).attacked
        np.testing.assert_array_equal(attacked.poses, alone.poses)
        assert attacked.entry["PCKh"] == alone.entry["PCKh"]


@pytest.mark.parametrize("norm", [np.inf, 2, 1])
def test_every_attack_stays_within_eps(estimator, crops, norm):
    eps = {np.inf: 3.0, 2: 200.0, 1: 9000.0}[norm]
    seen = []

    def measure(setting, index, x_adv):
        change = (x_adv - crops.x[index]).astype(np.float64).reshape(len(index), -1)
        assert x_adv.min() >= 0 and x_adv.max() <= 255
        seen.append(np.linalg.norm(change, norm, axis=1).max())

    settings = [
        AttackSetting("noise", eps=eps, norm=norm),
        AttackSetting("fgsm", eps=eps, norm=norm),
        AttackSetting("igsm", eps=eps, norm=norm, max_iter=4),
        AttackSetting("igsm", eps=eps, norm=norm, max_iter=4, targeted=True),
    ]
    done = finish(estimator, crops, settings, on_images=measure)
    # With norm 1, ART spends everything on one pixel, which cannot move by more than 255.
    least = 100 if norm == 1 else 0.2 * eps
    assert len(seen) == 4 and min(seen) > least and max(seen) <= eps * (1 + 1e-5)
    if norm == np.inf:
        assert all(0 < a.entry["linf_max"] <= eps for a in done.attacked)
        assert [a.entry["linf_max"] for a in done.attacked] == pytest.approx(seen, abs=1e-6)


def test_scores_are_those_of_the_images_made(estimator, crops):
    """Scored again from the images alone, by the metric alone."""
    images = {}

    def keep(setting, index, x_adv):
        images.setdefault(setting.attack, []).append(x_adv)

    settings = [AttackSetting("noise", batch_size=4), AttackSetting("fgsm", targeted=True)]
    done = finish(estimator, crops, settings, num_examples=5, on_images=keep)
    for attacked in done.attacked:
        x_adv = np.concatenate(images[attacked.entry["attack"]])
        poses = estimator.predict(x_adv)
        np.testing.assert_allclose(attacked.poses, poses, atol=1e-3)
        np.testing.assert_array_equal(attacked.examples, x_adv[:5])
        found = crops.to_image(poses)
        score = pckh(pckh_hits(found, crops.truth, crops.head_size))
        target = crops.to_image(done.targets.poses)
        towards = pckh(pckh_hits(found, target, crops.head_size))
        assert attacked.entry["PCKh"] == score.PCKh
        assert attacked.entry["per_joint"] == score.per_joint
        # Without targets of its own, an attack is still measured against those of the run.
        assert attacked.entry["target_PCKh"] == towards.PCKh
        expected = 100 * score.PCKh / done.clean["PCKh"]
        assert attacked.entry["relative_PCKh"] == pytest.approx(expected)


def test_untargeted_attacks_alone_need_no_targets(estimator, crops):
    few = replace(crops, donors=crops.donors * [1, 1, 0])
    check_scorable(estimator, few)
    done = finish(estimator, few, [AttackSetting("fgsm")])
    assert done.targets is None
    assert done.attacked[0].entry["target_PCKh"] is None


def test_targets_are_other_people_with_all_joints(estimator, crops):
    done = finish(estimator, crops, [AttackSetting("fgsm", targeted=True)], seed=3)
    # Persons 1 and 3 of the tiny folder lack joints.
    assert set(done.targets.donors) <= {0, 2, 4, 5}
    assert np.all(done.targets.donors != crops.index)
    assert (done.targets.poses[..., 2] > 0).all()
    assert done.targets.seed == 3


def test_held_joints_do_not_count_towards_the_target(estimator, crops):
    targets = mirrored_poses(crops.y)

    def wrists(clean):
        return hold_others(targets, clean, [10, 15])

    setting = AttackSetting("igsm", targeted=True, max_iter=2)
    done = finish(estimator, crops, [setting], choose_targets=wrists)
    hits = pckh_hits(
        crops.to_image(done.attacked[0].poses), crops.to_image(targets.poses), crops.head_size
    )
    entry = done.attacked[0].entry
    assert entry["target_per_joint"]["left_hip"] is None
    assert entry["target_per_joint"]["left_wrist"] == pckh(hits).per_joint["left_wrist"]
    assert entry["target_PCKh"] == pytest.approx(100 * np.nanmean(hits[:, [10, 15]]))


def test_scores_have_their_intervals(estimator, crops):
    setting = AttackSetting("igsm", targeted=True, max_iter=2)
    done = finish(estimator, crops, [setting], seed=5)
    for entry in (done.clean, done.attacked[0].entry):
        assert entry["ci"]["seed"] == 5
        for key in ("PCKh", "relative_PCKh", "target_PCKh"):
            if key in entry:
                low, high = entry["ci"][key]
                assert low <= entry[key] <= high


def test_attacks_move_the_network_more_than_noise(estimator, crops):
    """Towards the truth or away from it: the loss says so, whatever the score is."""
    images = {}

    def keep(setting, index, x_adv):
        images[setting.attack, setting.targeted] = x_adv

    settings = [
        AttackSetting("noise"),
        AttackSetting("igsm", max_iter=5),
        AttackSetting("igsm", max_iter=5, targeted=True),
    ]
    done = finish(estimator, crops, settings, on_images=keep)
    clean = estimator.compute_loss(crops.x[:].astype(np.float32), crops.y)
    away = estimator.compute_loss(images["igsm", False], crops.y) - clean
    noise = estimator.compute_loss(images["noise", False], crops.y) - clean
    assert (away > np.abs(noise)).all()
    before = estimator.compute_loss(crops.x[:].astype(np.float32), done.targets.poses)
    after = estimator.compute_loss(images["igsm", True], done.targets.poses)
    assert (after < before).all()


def test_the_same_seed_gives_the_same_numbers(estimator, crops):
    settings = [AttackSetting("noise", seed=4), AttackSetting("igsm", targeted=True, max_iter=2)]

    def numbers():
        done = finish(estimator, crops, settings, seed=4)
        entries = [{**a.entry, "seconds": None} for a in done.attacked]
        return done.clean, entries, done.targets.donors.tolist()

    assert numbers() == numbers()


def test_progress_adds_up(estimator, crops):
    told = []
    settings = [AttackSetting("noise", batch_size=5)]
    finish(
        estimator, crops, settings, batch_size=4, on_progress=lambda name, n: told.append((name, n))
    )
    assert told == [("clean", 4), ("clean", 2), ("noise", 5), ("noise", 1)]


def test_all_outputs_are_attacked_where_asked(estimator, crops):
    settings = [AttackSetting("fgsm", outputs="all"), AttackSetting("fgsm")]
    images = []
    done = finish(estimator, crops, settings, on_images=lambda s, i, x: images.append(x))
    assert [a.entry["name"] for a in done.attacked] == ["FGSM-U-ALL", "FGSM-U"]
    assert not np.array_equal(*images)


@pytest.mark.parametrize("size", [np.nan, 0.0, -1.0])
def test_people_without_head_size_are_refused(estimator, crops, size):
    sizes = crops.head_size.copy()
    sizes[2] = size
    with pytest.raises(ValueError, match=f"Got {size} for person 2 of .*mpii_val.json: name head"):
        check_scorable(estimator, replace(crops, head_size=sizes))


def test_targeted_attacks_need_donors(crops):
    donors = crops.donors.copy()
    donors[1:, 6, 2] = 0
    with pytest.raises(ValueError, match="donors with all 16 joints .* Got 1 in a test set of 6"):
        far_targets(replace(crops, donors=donors), seed=0)


def test_joints_other_than_mpiis_are_refused(estimator, crops):
    people = replace(crops, truth=np.ones((6, 17, 3), np.float32))
    with pytest.raises(ValueError, match="MPII's 16 joints. Got a model of 16 and people of 17"):
        check_scorable(estimator, people)
