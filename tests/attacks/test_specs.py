import json
import math
from dataclasses import dataclass

import numpy as np
import pytest
from art.attacks.attack import EvasionAttack
from toys import hourglass, people

from hpe_art.attacks import (
    ATTACKS,
    ArtRecipe,
    AttackSpec,
    PoseProjectedGradientDescent,
    Universal,
    UniversalPosePerturbation,
    as_config,
    build_spec,
)
from hpe_art.attacks.fgsm import Fgsm
from hpe_art.attacks.noise import Noise
from hpe_art.attacks.pgd import Igsm
from hpe_art.estimators import PyTorchPoseEstimator

DIRECT = {"noise", "fgsm", "igsm"}


@pytest.fixture(scope="module")
def estimator():
    return PyTorchPoseEstimator(hourglass(), device_type="cpu")


@pytest.fixture
def fitted(estimator, tmp_path):
    attack = UniversalPosePerturbation(estimator, eps=4.0, epochs=1, verbose=False)
    return str(attack.fit(*people(2)).save(tmp_path / "uap"))


@pytest.mark.parametrize("norm", [np.inf, 1.0, 2.0])
@pytest.mark.parametrize("name", sorted(DIRECT))
def test_every_attack_is_arts_keeps_to_its_ball_and_leaves_the_estimator(estimator, name, norm):
    more = {} if name == "noise" else dict(targeted=True, outputs="all")
    spec = build_spec(dict(type=name, eps=4.0, norm=norm, **more))
    before = estimator.get_params()
    attack = spec.build(estimator)
    assert isinstance(attack, EvasionAttack)
    x, y = people(3)
    x_adv = attack.generate(x, y)
    sizes = np.linalg.norm((x_adv - x).reshape(3, -1), ord=norm, axis=1)
    assert (sizes <= 4.0 * (1 + 1e-4)).all() and (sizes > 0).all()
    assert x_adv.min() >= 0 and x_adv.max() <= 255
    after = estimator.get_params()
    assert all(after[name] is before[name] for name in ("outputs", "loss", "precision"))


@pytest.mark.parametrize(
    ("spec", "label"),
    [
        (Noise(), "NOISE"),
        (Noise(norm="inf"), "NOISE"),
        (Noise(norm=2), "NOISE L2"),
        (Fgsm(), "FGSM-U"),
        (Fgsm(targeted=True, outputs="all"), "FGSM-T-ALL"),
        (Igsm(), "IGSM-U-10"),
        (Igsm(targeted=True), "IGSM-T-20"),
        (Igsm(targeted=True, max_iter=100, outputs="all", norm=1), "IGSM-T-100-ALL L1"),
        (Igsm(loss="distance"), "IGSM-U-10 [distance]"),
        (Universal(), "UAP-U"),
        (Universal(tag="mine"), "UAP-U mine"),
        (ArtRecipe(recipe="DeepFool"), "ART DeepFool"),
    ],
)
def test_labels_are_the_papers(spec, label):
    assert spec.label == label


def test_settings_are_json_with_the_papers_defaults():
    assert Igsm(eps=8.0).settings() == {
        "attack": "igsm",
        "eps": 8.0,
        "norm": "inf",
        "seed": 0,
        "targeted": False,
        "eps_step": pytest.approx(3.2),
        "max_iter": 10,
        "loss": "training",
        "outputs": "last",
    }
    assert Igsm(targeted=True).settings()["eps_step"] == 1.0
    assert Noise(norm=2).settings() == dict(attack="noise", eps=8.0, norm=2.0, seed=0)
    assert ArtRecipe(recipe="DeepFool").settings()["eps"] is None
    for name, kind in ATTACKS.module_dict.items():
        spec = kind(recipe="DeepFool") if name == "art" else kind()
        assert json.loads(json.dumps(spec.settings(), allow_nan=False)) == spec.settings()


def test_a_spec_goes_through_a_config_and_back():
    for spec in (Noise(), Igsm(eps=4.0, targeted=True, max_iter=3), Fgsm(norm=2.0)):
        assert build_spec(as_config(spec)) == spec
    assert as_config(Igsm(eps=4.0)) == dict(type="igsm", eps=4.0)
    assert build_spec("noise") == Noise() and build_spec(Noise()) == Noise()
    assert build_spec(dict(type="fgsm", norm="inf")).norm == math.inf


def test_the_spec_decides_outputs_and_loss(estimator):
    x, y = people(2)
    spec = Igsm(max_iter=2, outputs="all", loss="distance")
    attack = PoseProjectedGradientDescent(
        PyTorchPoseEstimator(hourglass(), loss="distance", outputs="all", device_type="cpu"),
        eps_step=3.2,
        max_iter=2,
        verbose=False,
    )
    np.testing.assert_array_equal(spec.build(estimator).generate(x, y), attack.generate(x, y))


def test_an_attack_of_ones_own_is_registered_by_name(estimator):
    @ATTACKS.register_module(name="nudge")
    @dataclass(frozen=True)
    class Nudge(AttackSpec):
        targeted: bool = False

        def build(self, estimator, batch_size=32):
            return Noise(self.eps).build(estimator)

    try:
        spec = build_spec(dict(type="nudge", eps=2.0, targeted=True))
        assert spec.label == "NUDGE-T" and spec.settings()["attack"] == "nudge"
        assert type(spec).passes([spec]) is None
        assert spec.share_key == build_spec(dict(type="nudge", eps=2.0, targeted=True)).share_key
    finally:
        del ATTACKS.module_dict["nudge"]


def test_a_universal_perturbation_is_what_it_was_fitted_as(estimator, fitted):
    spec = Universal.from_file(fitted, name="one")
    assert (spec.eps, spec.targeted, spec.outputs, spec.label) == (4.0, False, "last", "UAP-U one")
    x = people(2)[0]
    found = spec.build(estimator).generate(x)
    loaded = UniversalPosePerturbation.load(fitted, estimator)
    np.testing.assert_array_equal(found, loaded.generate(x))
    assert len(spec.settings()["perturbation"]) == 64
    for other in (dict(eps=8.0), dict(targeted=True), dict(outputs="all"), dict(loss="distance")):
        wrong = Universal(**{"eps": 4.0, "perturbation": fitted, **other})
        with pytest.raises(ValueError, match=f"Expected the {next(iter(other))} that .* fitted"):
            wrong.build(estimator)


def test_without_a_file_it_is_built_to_be_fitted(estimator):
    attack = Universal(eps=4.0, targeted=True, outputs="all", seed=3).build(estimator, epochs=5)
    assert attack.noise is None and (attack.eps, attack.epochs, attack.seed) == (4.0, 5, 3)
    assert attack.targeted and attack.outputs == "all"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            dict(type="pgd"),
            r"registered attack, out of \[.*'art', .*'fgsm', .*'igsm', .* Got 'pgd'",
        ),
        (dict(eps=8.0), "registered attack, .* Got None"),
        (dict(type="fgsm", max_iter=3), r"fields of fgsm out of \['eps', .* Got 'max_iter'"),
        (dict(type="fgsm", eps=-1.0), "finite eps >= 0. Got -1"),
        (dict(type="fgsm", eps="8"), "finite eps >= 0. Got '8'"),
        (dict(type="fgsm", eps=256.0), "at most 255 grey levels for norm inf. Got 256"),
        (dict(type="fgsm", norm=3), "Expected norm .* Got 3"),
        (dict(type="fgsm", outputs="first"), "outputs .* Got 'first'"),
        (dict(type="fgsm", loss="mse"), "registered loss, out of .* Got 'mse'"),
        (dict(type="fgsm", targeted=1), "targeted True or False. Got 1"),
        (dict(type="noise", seed=-1), "whole seed >= 0. Got -1"),
        (dict(type="igsm", max_iter=0), "whole max_iter >= 1. Got 0"),
        (dict(type="igsm", eps_step=0.0), "finite eps_step > 0. Got 0.0"),
        (dict(type="igsm", eps_step=9.0), "eps_step of at most eps. Got 9 for eps 8"),
        (dict(type="uap", norm=2), "norm inf of a universal perturbation. Got 2"),
        (dict(type="art", recipe="DeepFoul"), "recipe out of .*DeepFool.* Got 'DeepFoul'"),
        (dict(type="art", recipe="DPatch"), "Got 'DPatch', which attacks the boxes"),
    ],
)
def test_wrong_specs_are_named(given, message):
    with pytest.raises(ValueError, match=message):
        build_spec(given)
