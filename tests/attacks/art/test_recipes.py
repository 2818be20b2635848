"""Every class of ART's shelf has its place, and the quick ones run."""

import inspect
from pathlib import Path

import pytest
from art.attacks import evasion

from hpe_art.attacks.art.recipes import NOT_FOR_POSES, RECIPES
from hpe_art.data.crops import load_crops
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.estimators.loading import load_config
from hpe_art.evaluation.shelf import try_attack

CONFIG = Path(__file__).parents[2] / "mmpose_configs" / "hourglass.py"
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
def crops():
    return load_crops(load_config(CONFIG), 4, with_donors=False)


def test_no_class_is_forgotten():
    classes = {name for name, _ in inspect.getmembers(evasion, inspect.isclass)}
    # This one is there only with numba.
    classes |= {"BrendelBethgeAttack"}
    assert set(RECIPES) | set(NOT_FOR_POSES) == classes
    assert not set(RECIPES) & set(NOT_FOR_POSES)


@pytest.mark.parametrize("name", QUICK)
def test_the_quick_ones_move_the_pose_within_their_bounds(name, estimator, crops):
    row = try_attack(name, estimator, crops)
    assert "error" not in row
    assert row["moved"] > 2 and row["after"] < row["before"]
    if row["eps"] is not None:
        assert row["linf"] <= row["eps"] * (1 + 1e-5)


def test_what_an_attack_raises_is_its_result(estimator, crops, monkeypatch):
    def stumble(self, *args, **kwargs):
        raise RuntimeError("no")

    monkeypatch.setattr(evasion.DeepFool, "generate", stumble)
    assert try_attack("DeepFool", estimator, crops)["error"] == "RuntimeError: no"


def test_a_missing_package_is_named(estimator, crops, monkeypatch):
    monkeypatch.setattr("hpe_art.evaluation.shelf.find_spec", lambda name: None)
    row = try_attack("CompositeAdversarialAttackPyTorch", estimator, crops)
    assert row["error"] == "needs the package kornia"


def test_weights_are_untouched(estimator):
    assert all(p.grad is None and p.requires_grad for p in estimator.model.parameters())
