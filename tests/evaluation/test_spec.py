from __future__ import annotations

import math

import pytest

from hpe_art.attacks import build_spec, default_specs
from hpe_art.errors import UserError
from hpe_art.evaluation.spec import FitSpec, RunSpec, SpecError, run_spec


def test_without_settings_it_is_the_usual_run():
    spec = run_spec()
    assert spec.attacks == tuple(default_specs()) and spec.targeted
    assert [attack.label for attack in spec.attacks] == [
        *("NOISE", "FGSM-U", "IGSM-U-10", "IGSM-T-20"),
    ]


def test_attacks_are_built_as_a_config_says_them():
    given = [{"type": "igsm", "eps": 4, "norm": "inf"}, "noise", build_spec("fgsm")]
    spec = run_spec(attacks=given)
    assert [attack.label for attack in spec.attacks] == ["IGSM-U-10", "NOISE", "FGSM-U"]
    assert spec.attacks[0].eps == 4 and spec.attacks[0].norm == math.inf
    assert not spec.targeted


def test_settings_are_a_config_that_gives_the_same_spec():
    spec = run_spec(
        attacks=[{"type": "igsm", "targeted": True, "eps": 2.5}, "noise"],
        num_samples=3,
        target_joints=["Wrist"],
        defences=["jpeg"],
        fit=FitSpec(samples=5),
    )
    settings = spec.settings
    assert settings["attacks"][1] == {"type": "noise"}
    assert "seed" not in settings
    assert run_spec(**settings) == spec


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"num_samples": 0}, r"another num_samples. Got 0: .*greater than or equal to 1"),
        ({"seed": -1}, "another seed. Got -1"),
        ({"device": "tpu"}, "another device. Got 'tpu'"),
        ({"precision": "half"}, "another precision"),
        ({"fit": {"epochs": 0}}, "another fit.epochs. Got 0"),
        ({"defences": ["wall"]}, "defence out of smoothing, .*flip-perturbation. Got wall"),
        ({"behind": "wall"}, "defence out of .* Got wall"),
        ({"behind": "flip-perturbation"}, "sees nothing but the image. Got flip-pert.*--defence"),
        ({"epochs": 2}, "settings out of attacks, .* Got epochs"),
        ({"attacks": [{"type": "igsm", "eps": -1}]}, "finite eps >= 0. Got -1"),
        ({"attacks": ["no"]}, "registered attack.* Got 'no'"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_setting(settings, words):
    with pytest.raises(SpecError, match=words):
        run_spec(**settings)
    assert issubclass(SpecError, UserError)


def test_a_spec_does_not_change():
    with pytest.raises(ValueError, match="frozen"):
        RunSpec(attacks=["noise"]).seed = 3
