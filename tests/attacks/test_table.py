import numpy as np
import pytest
from art.attacks.attack import EvasionAttack
from toys import hourglass, people

from hpe_art.attacks import AttackSetting, UniversalPosePerturbation, build_attack
from hpe_art.attacks.table import ATTACKS
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.evaluation.arguments import ATTACK_NAMES


@pytest.fixture(scope="module")
def estimator():
    return PyTorchPoseEstimator(hourglass(), device_type="cpu")


@pytest.mark.parametrize("norm", [np.inf, 1.0, 2.0])
@pytest.mark.parametrize("targeted", [False, True])
@pytest.mark.parametrize("name", sorted(set(ATTACKS) - {"uap"}))
def test_every_attack_is_arts_and_keeps_to_its_ball(estimator, name, targeted, norm):
    setting = AttackSetting(name, eps=4.0, targeted=targeted, max_iter=2, norm=norm, outputs="all")
    attack = build_attack(estimator, setting)
    assert isinstance(attack, EvasionAttack)
    assert estimator.outputs == "all"
    x, y = people(3)
    x_adv = attack.generate(x, y)
    sizes = np.linalg.norm((x_adv - x).reshape(3, -1), ord=norm, axis=1)
    assert (sizes <= 4.0 * (1 + 1e-4)).all() and (sizes > 0).all()
    assert x_adv.min() >= 0 and x_adv.max() <= 255


def test_defaults_are_the_papers():
    untargeted, targeted = (
        AttackSetting("igsm", eps=8.0),
        AttackSetting("igsm", eps=8.0, targeted=True),
    )
    assert untargeted.effort == dict(eps_step=pytest.approx(3.2), max_iter=10)
    assert targeted.effort == dict(eps_step=1.0, max_iter=20)
    assert AttackSetting("fgsm", eps=4.0).effort == dict(eps_step=4.0, max_iter=1)
    assert AttackSetting("noise").effort == dict(eps_step=None, max_iter=None)
    assert AttackSetting("igsm", eps_step=0.5, max_iter=7).effort == dict(eps_step=0.5, max_iter=7)


def test_an_unknown_attack_is_named():
    with pytest.raises(ValueError, match=r"out of \['fgsm', 'igsm', 'noise', 'uap'\]. Got 'pgd'"):
        AttackSetting("pgd")


def test_the_command_line_offers_every_attack():
    assert sorted(ATTACK_NAMES) == sorted(ATTACKS)


def test_a_universal_perturbation_comes_from_a_file(estimator):
    with pytest.raises(ValueError, match="file of a fitted universal perturbation. Got None"):
        build_attack(estimator, AttackSetting("uap"))


@pytest.mark.parametrize("other", [dict(eps=8.0), dict(targeted=True), dict(norm=2)])
def test_a_universal_perturbation_is_what_it_was_fitted_as(estimator, tmp_path, other):
    fitted = UniversalPosePerturbation(estimator, eps=4.0, epochs=1, verbose=False).fit(*people(2))
    path = str(fitted.save(tmp_path / "uap"))
    build_attack(estimator, AttackSetting("uap", eps=4.0, perturbation=path))
    with pytest.raises(ValueError, match=r"was fitted with, \(4.0, False, inf\). Got"):
        build_attack(estimator, AttackSetting("uap", **(dict(eps=4.0, perturbation=path) | other)))
