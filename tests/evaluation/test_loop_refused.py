"""The loop refuses what cannot be meant, before any attack."""

from __future__ import annotations

import pytest
import torch

from hpe_art.errors import UserError
from hpe_art.evaluation.store import StoreError

FAST = {"type": "igsm", "max_iter": 2}
SLOW = {"type": "igsm", "max_iter": 3}
AIMED = {"type": "fgsm", "targeted": True}
NO_HEADS = {"test_dataloader.dataset.headbox_file": None}
ALL = ("noise", "fgsm", FAST, SLOW, AIMED)


def test_other_settings_are_refused_with_what_differs(attacked, prepared_loop):
    attacked("noise")
    with pytest.raises(StoreError, match="seed 0 instead of 1: choose another --work-dir"):
        prepared_loop("noise", seed=1)
    with pytest.raises(StoreError, match=r"flip_test None instead of True"):
        prepared_loop("noise", flip_test=True)
    loop = attacked("noise", seed=1, overwrite=True)
    assert loop.finished[1].seed == 1


def test_other_weights_are_refused(attacked, prepared_loop, config, weights, tmp_path):
    attacked("noise")
    held = torch.load(weights, weights_only=True)
    next(iter(held["state_dict"].values())).add_(1)
    torch.save(held, tmp_path / "other.pth")
    from hpe_art.estimators.loading import load_config
    from hpe_art.evaluation.running import attack_runner
    from hpe_art.evaluation.spec import run_spec

    spec = run_spec(attacks=["noise"], device="cpu")
    with pytest.raises(StoreError, match="run/store with other weights: choose another"):
        attack_runner(load_config(config), spec, tmp_path / "run", str(tmp_path / "other.pth"))


def test_observers_with_other_weights_or_of_one_name_are_refused(
    prepared_loop, config, weights, tmp_path, write_config, write_weights
):
    other = write_config(tmp_path / "other.py", load_from=str(tmp_path / "other.pth"))
    held = torch.load(weights, weights_only=True)
    torch.save(held, tmp_path / "other.pth")
    prepared_loop("noise", transfer_to=[str(other)])
    next(iter(held["state_dict"].values())).add_(1)
    torch.save(held, tmp_path / "other.pth")
    with pytest.raises(StoreError, match="with other weights of other: choose"):
        prepared_loop("noise", transfer_to=[str(other)])
    with pytest.raises(UserError, match="observers of different names.* Got other, other"):
        prepared_loop("noise", transfer_to=[str(other), str(other)])


def test_a_second_run_in_the_folder_is_refused_and_spoils_nothing(prepared_loop, tmp_path):
    loop = prepared_loop("noise")
    with loop.prepared.store.locked():
        with pytest.raises(StoreError, match="no other run is writing to"):
            loop.runner.test()
        with pytest.raises(StoreError, match="held by process"):
            prepared_loop("noise", seed=1, overwrite=True)
    loop.runner.test()
    assert loop.finished[1].seed == 0


@pytest.mark.parametrize(
    ("attack", "settings", "words"),
    [
        ("cw", {}, "registered attack, out of .*'noise'.* Got 'cw'"),
        ({"type": "fgsm", "loss": "no"}, {}, "out of .*'training'.* Got 'no'"),
        ({"type": "fgsm", "steps": 3}, {}, "fields of fgsm .*'steps'"),
        ("noise", {"metric": "no"}, "PCKh"),
        ("noise", {"colour": 1}, "settings out of attacks, .*Got colour"),
        ("noise", {"metric": "PCKh", "options": NO_HEADS}, "head"),
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(prepared_loop, attack, settings, words):
    with pytest.raises(UserError, match=words):
        prepared_loop(attack, **settings)


def test_a_dataloader_that_is_built_is_refused(attacked):
    from hpe_art.evaluation.loop import AttackLoop

    loop = attacked()
    with pytest.raises(UserError, match="Expected the config of a dataloader .* Got DataLoader"):
        AttackLoop(loop.runner, loop.dataloader, loop.evaluator)


def test_what_has_not_run_has_no_results(prepared_loop):
    with pytest.raises(RuntimeError, match="Expected a loop that has run"):
        _ = prepared_loop().finished


def test_joints_that_there_are_not_are_refused_before_any_attack(prepared_loop):
    with pytest.raises(UserError, match="Expected joints out of .* Got Elbo"):
        prepared_loop(AIMED, target_joints=["Elbo"])
