"""The recipes in MMEngine's Runner, by a config and by options: two iterations of each."""

from __future__ import annotations

import warnings

import pytest
import torch
from mmengine.runner import Runner

import hpe_art.plugin  # noqa: F401
from hpe_art.training import training_config

RECIPES = {
    "none": {},
    "nothing": dict(type="PGDTrainingHook", eps=0, random_start=False),
    "pgd": dict(type="PGDTrainingHook", eps=8, max_iter=2),
    "fgsm": dict(type="PGDTrainingHook", eps=8, max_iter=1),
    "trades": dict(type="TradesTrainingHook", eps=8, max_iter=2),
    "free": dict(type="FreeTrainingHook", eps=8, replays=2),
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory, config):
    """`trained(recipe)`: the folder in which the Runner trained for an epoch."""

    def run(recipe, **options):
        folder = tmp_path_factory.mktemp("trained")
        add = {f"default_hooks.adversarial.{key}": v for key, v in RECIPES[recipe].items()}
        once = {"randomness.seed": 0, "train_cfg.val_interval": 9, "experiment_name": folder.name}
        cfg = training_config(config, work_dir=str(folder), options={**once, **add, **options})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MMEngine's, as in a process of its own
            Runner.from_cfg(cfg).train()
        return folder

    return run


def saved_weights(folder):
    # Written a moment ago by the test itself.
    saved = torch.load(folder / "epoch_1.pth", map_location="cpu", weights_only=False)
    assert saved["meta"]["iter"] == 2
    return saved["state_dict"]


@pytest.fixture(scope="module")
def ordinary(trained):
    return saved_weights(trained("none"))


@pytest.mark.parametrize("recipe", [name for name in RECIPES if name != "none"])
def test_a_recipe_trains_and_leaves_an_ordinary_checkpoint(trained, ordinary, recipe):
    weights = saved_weights(trained(recipe))
    assert list(weights) == list(ordinary)
    assert all(torch.isfinite(value).all() for value in weights.values())
    same = all(torch.equal(value, ordinary[name]) for name, value in weights.items())
    assert same == (recipe == "nothing")


def test_a_recipe_trains_in_bfloat16(trained):
    folder = trained("pgd", custom_hooks=[dict(type="BFloat16BackboneHook")])
    weights = saved_weights(folder)
    assert all(torch.isfinite(value).all() for value in weights.values())


def test_the_most_robust_checkpoint_is_kept(trained):
    options = {
        "val_cfg": dict(type="AttackLoop", attacks=[dict(type="fgsm", eps=8)], num_samples=4),
        "train_cfg.val_interval": 1,
        "default_hooks.checkpoint": dict(save_best="FGSM-U_eps8/PCKh", rule="greater"),
    }
    folder = trained("pgd", **options)
    assert list(folder.glob("best_FGSM-U_eps8_PCKh_epoch_1.pth"))
