"""The loop goes on where it was stopped, and leaves the same results however it got there."""

from __future__ import annotations

import logging
import multiprocessing

import numpy as np
import pytest
import torch

from hpe_art.data.people import load_people
from hpe_art.evaluation.result_files import read_results
from hpe_art.evaluation.store import CLEAN, Store

FAST = {"type": "igsm", "max_iter": 2}
SLOW = {"type": "igsm", "max_iter": 3}
AIMED = {"type": "fgsm", "targeted": True}
NO_HEADS = {"test_dataloader.dataset.headbox_file": None}
ALL = ("noise", "fgsm", FAST, SLOW, AIMED)


@pytest.fixture
def passes(monkeypatch):
    """Images that networks were asked to predict or to give gradients of."""
    from hpe_art.evaluation.attacking import BatchAttacker

    attacked, whole = [], BatchAttacker.attack

    def counted(self, block, x):
        attacked.append({key: len(x) for key in block.lacking})
        whole(self, block, x)

    monkeypatch.setattr(BatchAttacker, "attack", counted)
    return attacked


def test_results_are_written_and_read_back(attacked, tmp_path):
    loop = attacked(*ALL)
    prepared, run = loop.finished
    assert read_results(tmp_path / "run").runs == {"tiny": run}
    assert [attack.name for attack in run.attacks] == [
        *("NOISE", "FGSM-U", "IGSM-U-2", "IGSM-U-3", "FGSM-T"),
    ]
    assert run.dataset.num_samples == len(prepared.people) == 6
    assert run.checkpoint.sha256 and run.targets.donors is not None
    assert all(0 < attack.linf_max <= 8 for attack in run.attacks)


def test_shared_work_counts_once(attacked):
    _, run = attacked(*ALL).finished
    counts = {a.name: (a.forward_passes, a.backward_passes) for a in run.attacks}
    # Six people; scoring passes each forward once more.
    assert counts == {
        "NOISE": (6, 0),
        "FGSM-U": (12, 6),
        "IGSM-U-2": (24, 18),
        "IGSM-U-3": (6, 0),
        "FGSM-T": (12, 6),
    }


def stop_after(monkeypatch, count, before=False):
    """Ctrl-C when so many shards are written, or just before the next one is."""
    add, written = Store.add, []

    def stopping(self, *shard):
        if before and len(written) == count:
            raise KeyboardInterrupt
        add(self, *shard)
        written.append(shard)
        if len(written) == count and not before:
            raise KeyboardInterrupt

    monkeypatch.setattr(Store, "add", stopping)


@pytest.mark.parametrize(("count", "before"), [(1, False), (4, False), (7, True), (10, True)])
def test_a_stopped_run_ends_with_the_same_results(
    attacked, without_times, monkeypatch, count, before
):
    settings = dict(kept=2, defences=["jpeg"])
    _, expected = attacked(*ALL, folder="whole", **settings).finished
    with monkeypatch.context() as patch:
        stop_after(patch, count, before)
        with pytest.raises(KeyboardInterrupt):
            attacked(*ALL, **settings)
    _, run = attacked(*ALL, **settings).finished
    assert without_times(run) == without_times(expected)


def test_a_run_that_is_done_is_not_done_again(attacked, without_times, passes):
    _, first = attacked("noise", FAST).finished
    passes.clear()
    _, again = attacked("noise", FAST).finished
    assert passes == []
    assert without_times(again) == without_times(first)
    assert [a.seconds for a in again.attacks] == [a.seconds for a in first.attacks]


def test_attacks_that_are_added_run_alone(attacked, without_times, passes):
    attacked("noise")
    passes.clear()
    loop = attacked(FAST, "noise")
    (key,) = (key for key in loop.prepared.attacks if key.startswith("igsm"))
    assert passes == [{key: 4}, {key: 2}]
    _, expected = attacked(FAST, "noise", folder="whole").finished
    assert without_times(loop.finished[1]) == without_times(expected)


def test_people_that_are_added_are_attacked_alone(attacked, passes, without_times):
    attacked("noise", FAST, num_samples=4)
    passes.clear()
    _, run = attacked("noise", FAST).finished
    assert [set(block.values()) for block in passes] == [{2}]
    _, expected = attacked("noise", FAST, folder="whole").finished
    assert without_times(run) == without_times(expected)


def test_people_that_are_held_twice_cost_once(attacked):
    attacked(FAST, num_samples=5)  # the last batch is of one person, and later of two
    (attack,) = attacked(FAST).finished[1].attacks
    assert (attack.forward_passes, attack.backward_passes) == (18, 12)


def test_observers_that_are_added_cost_the_network_nothing(attacked, without_times, passes):
    _, first = attacked(FAST).finished
    passes.clear()
    _, run = attacked(FAST, defences=["jpeg", "flip-perturbation"]).finished
    assert len(passes) == 2
    (attack,), (before,) = run.attacks, first.attacks
    assert attack.model_copy(update={"observed": {}}) == before
    assert list(attack.observed) == list(run.observers) == ["jpeg", "flip-perturbation"]
    _, whole = attacked(FAST, defences=["jpeg", "flip-perturbation"], folder="whole").finished
    assert without_times(run) == without_times(whole)


def test_target_poses_of_another_metric_are_another_attack(attacked):
    first, second = (attacked("noise", AIMED, metric=name).prepared for name in ("PCKh", "EPE"))
    (noise, aimed), (again, other) = first.attacks, second.attacks
    assert noise == again and aimed != other


def test_a_damaged_shard_is_named_and_made_again(attacked, without_times, passes, caplog):
    first = attacked("noise", FAST)
    (path,) = first.prepared.store.folder.glob("igsm*/000004*.npz")
    path.write_bytes(path.read_bytes()[:300])
    passes.clear()
    with caplog.at_level(logging.WARNING, "hpe_art"):
        second = attacked("noise", FAST)
    assert f"{path} is damaged" in caplog.text
    assert passes == [{path.parent.name: 2}]
    assert without_times(second.finished[1]) == without_times(first.finished[1])


def poses_of(loop):
    run = loop.prepared
    return {key: run.store.gathered(key, run.people.index) for key in (CLEAN, *run.attacks)}


def test_the_batch_size_does_not_matter(attacked):
    first, *others = (attacked(*ALL, batch_size=n, folder=f"by {n}") for n in (4, 1, 5))
    expected = poses_of(first)
    for other in others:
        for key, poses in poses_of(other).items():
            np.testing.assert_allclose(poses, expected[key], atol=1e-3)
        assert [a.name for a in other.finished[1].attacks] == [
            a.name for a in first.finished[1].attacks
        ]


def test_the_model_is_left_as_it_was(prepared_loop):
    loop = prepared_loop(*ALL, defences=["jpeg"])
    model = loop.runner.model
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    flags = {name: value.requires_grad for name, value in model.named_parameters()}
    loop.runner.test()
    after = model.state_dict()
    assert all(torch.equal(after[name], value) for name, value in weights.items())
    assert {name: value.requires_grad for name, value in model.named_parameters()} == flags
    assert not any(module.training for module in model.modules())
    assert all(value.grad is None for value in model.parameters())


def test_no_attacks_are_a_clean_score(attacked):
    _, run = attacked().finished
    assert run.attacks == [] and run.clean.score.value > 0


def test_metrics_and_losses_are_taken_by_name(attacked):
    _, run = attacked({"type": "fgsm", "loss": "distance"}, metric="EPE").finished
    assert (run.metric.key, run.metric.unit) == ("EPE", "px")
    assert run.attacks[0].name == "FGSM-U [distance]" and run.attacks[0].loss == "distance"


def test_detections_that_show_nobody_are_attacked_and_not_scored(tmp_path):
    """The first detections of a COCO set, and a network with random weights."""
    from hpe_art.estimators.loading import build_model, load_config
    from hpe_art.evaluation.running import attack_runner, loop_of
    from hpe_art.evaluation.spec import run_spec

    cfg = load_config("mmpose_configs/coco_resnet_heatmap.py", {"load_from": None})
    dataset = cfg.test_dataloader.dataset
    dataset.bbox_file = f"{cfg.labels}/person_detections_val.json"
    torch.save(build_model(cfg).state_dict(), tmp_path / "random.pth")
    unmatched = next(
        i for i, y in enumerate(load_people(cfg, detections=True).y) if not y[:, 2].any()
    )
    spec = run_spec(
        attacks=["fgsm"],
        detections=True,
        device="cpu",
        flip_test=False,
        num_samples=unmatched + 1,
        batch_size=8,
    )
    loop = loop_of(attack_runner(cfg, spec, tmp_path / "run", str(tmp_path / "random.pth")))
    loop.progress = False
    loop.runner.test()
    prepared, run = loop.finished
    assert run.dataset.detections == "person_detections_val.json"
    assert run.metric.key == "OKS" and "coco/AP" in run.clean.official
    assert "detections of the config" in run.notes[-1]
    (key,) = prepared.attacks
    assert prepared.store.missing(key, prepared.people.index).size == 0


def test_worker_processes_read_the_same_pixels(attacked, without_times):
    _, expected = attacked("fgsm", folder="alone").finished
    options = {"test_dataloader.num_workers": 2, "test_dataloader.persistent_workers": True}
    loop = attacked("fgsm", options=options)
    assert without_times(loop.finished[1]) == without_times(expected)
    assert loop.dataloader.num_workers == 2
    assert not multiprocessing.active_children()  # the loop is alive, its workers are not


def test_auto_precision_goes_on_as_the_folder_began(attacked, monkeypatch):
    """Another machine may be slow at what the first was fast at."""
    from hpe_art.estimators import gradient_copy

    monkeypatch.setattr(gradient_copy, "has_fast_bfloat16", lambda device: True)
    first = attacked("fgsm", FAST, precision="auto").finished[1]
    monkeypatch.setattr(gradient_copy, "has_fast_bfloat16", lambda device: False)
    loop = attacked("fgsm", FAST, SLOW, precision="auto")
    assert loop.spec.precision == "bfloat16"
    assert loop.finished[1].precision == first.precision == "bfloat16, folded"
