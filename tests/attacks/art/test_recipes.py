"""Every evasion attack of ART has its place, and the quick ones run."""

import inspect
from pathlib import Path

import numpy as np
import pytest
import torch
from art.attacks import evasion
from art.attacks.attack import EvasionAttack

from hpe_art.attacks import ArtRecipe, SharedRun
from hpe_art.attacks.art.recipes import NOT_FOR_POSES, RECIPES
from hpe_art.data.people import load_people
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.estimators.loading import load_config

CONFIG = Path(__file__).parents[3] / "mmpose_configs" / "hourglass.py"
# Those that move a pose within a second or two.
QUICK = [
    "AdversarialPatch",
    "AdversarialPatchPyTorch",
    "AutoProjectedGradientDescent",
    "BasicIterativeMethod",
    "DeepFool",
    "FastGradientMethod",
    "FeatureAdversariesPyTorch",
    "HopSkipJump",
    "MomentumIterativeMethod",
    "ProjectedGradientDescent",
    "ProjectedGradientDescentPyTorch",
    "TargetedUniversalPerturbation",
    "UniversalPerturbation",
]


@pytest.fixture(scope="module")
def estimator():
    return PyTorchPoseEstimator.from_config(load_config(CONFIG), device_type="cpu")


@pytest.fixture(scope="module")
def people():
    some = load_people(load_config(CONFIG), 4)
    return some.x[:].astype(np.float32), some.y


def test_no_class_is_forgotten():
    classes = {name for name, _ in inspect.getmembers(evasion, inspect.isclass)}
    # This one is there only with numba.
    classes |= {"BrendelBethgeAttack"}
    assert set(RECIPES) | set(NOT_FOR_POSES) == classes
    assert not set(RECIPES) & set(NOT_FOR_POSES)


@pytest.mark.parametrize("name", QUICK)
def test_the_quick_ones_move_the_pose_within_their_bounds(name, estimator, people):
    x, y = people
    np.random.seed(0)
    torch.manual_seed(0)
    spec = ArtRecipe(recipe=name)
    run = SharedRun(estimator, [spec])
    assert isinstance(run.attack, EvasionAttack)
    (x_adv,) = run.generate(x, y)
    clean, found = estimator.predict(x), estimator.predict(x_adv)
    assert np.linalg.norm((found - clean)[..., :2], axis=-1).mean() > 2
    assert x_adv.dtype == np.float32 and x_adv.min() >= 0 and x_adv.max() <= 255
    assert np.abs(x_adv - x).max() <= spec.eps * (1 + 1e-5)


def test_a_missing_package_is_named(estimator, monkeypatch):
    monkeypatch.setattr("hpe_art.attacks.art.recipe_spec.find_spec", lambda name: None)
    with pytest.raises(ValueError, match="Expected the package kornia for Composite.* Got none"):
        ArtRecipe(recipe="CompositeAdversarialAttackPyTorch").build(estimator)


def test_weights_are_untouched(estimator):
    assert all(p.grad is None and p.requires_grad for p in estimator.model.parameters())
