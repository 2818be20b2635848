import numpy as np
import pytest
from toys import hourglass, people

from hpe_art.attacks import AttackSetting, build_attack
from hpe_art.attacks.shared import SharedRun, shareable
from hpe_art.estimators import PyTorchPoseEstimator


@pytest.fixture(scope="module")
def estimator():
    return PyTorchPoseEstimator(hourglass(), device_type="cpu")


def fgsm(eps, **kwargs):
    return AttackSetting("fgsm", eps=eps, **kwargs)


def igsm(max_iter, **kwargs):
    return AttackSetting("igsm", max_iter=max_iter, **kwargs)


def test_what_one_run_serves():
    settings = [
        AttackSetting("noise"),
        fgsm(1.0),
        igsm(10),
        fgsm(2.0, targeted=True),
        fgsm(4.0),
        igsm(100),
        igsm(10, eps=4.0),
        igsm(3, eps_step=3.2),
        igsm(20, eps_step=1.0),
        AttackSetting("noise", eps=4.0),
    ]
    numbers = [[settings.index(s) for s in group] for group in shareable(settings)]
    # 3.2 is the default step for eps 8.
    assert numbers == [[0], [1, 4], [2, 5, 7], [3], [6], [8], [9]]


@pytest.mark.parametrize(
    ("group", "longest"),
    [
        ([fgsm(4.0), fgsm(1.0)], 0),
        ([fgsm(4.0)], 0),
        ([igsm(1), igsm(5), igsm(3)], 1),
        ([igsm(3)], 0),
        ([igsm(6, targeted=True, batch_size=2), igsm(2, targeted=True, batch_size=2)], 0),
        ([AttackSetting("noise")], 0),
    ],
)
def test_a_shared_run_gives_what_separate_runs_give(estimator, group, longest):
    x, y = people(5)
    run = SharedRun(estimator, group)
    assert run.longest == longest
    for setting, images in zip(group, run.generate(x, y), strict=True):
        alone = build_attack(estimator, setting).generate(x, y)
        np.testing.assert_array_equal(images, alone)
