import numpy as np
import pytest
from toys import hourglass, people

from hpe_art.attacks import SharedRun, Universal, shareable
from hpe_art.attacks.fgsm import Fgsm
from hpe_art.attacks.noise import Noise
from hpe_art.attacks.pgd import Igsm
from hpe_art.estimators import PyTorchPoseEstimator


@pytest.fixture(scope="module")
def estimator():
    return PyTorchPoseEstimator(hourglass(), device_type="cpu")


def test_what_one_run_serves():
    specs = [
        Noise(),
        Fgsm(1.0),
        Igsm(max_iter=10),
        Fgsm(2.0, targeted=True),
        Fgsm(4.0),
        Igsm(max_iter=100),
        Igsm(4.0),
        Igsm(max_iter=3, eps_step=3.2),
        Igsm(max_iter=20, eps_step=1.0),
        Noise(4.0),
    ]
    numbers = [[specs.index(s) for s in group] for group in shareable(specs)]
    # 3.2 is the default step for eps 8.
    assert numbers == [[0], [1, 4], [2, 5, 7], [3], [6], [8], [9]]


@pytest.mark.parametrize(
    ("group", "passes"),
    [
        ([Fgsm(4.0), Fgsm(1.0)], 1),
        ([Fgsm(4.0)], 1),
        ([Igsm(max_iter=1), Igsm(max_iter=5), Igsm(max_iter=3)], 5),
        ([Igsm(max_iter=3)], 3),
        ([Igsm(max_iter=6, targeted=True), Igsm(max_iter=2, targeted=True)], 6),
        ([Noise()], 0),
    ],
)
def test_a_shared_run_gives_what_separate_runs_give(estimator, group, passes):
    x, y = people(5)
    run = SharedRun(estimator, group, batch_size=2)
    before = estimator.forward_passes, estimator.backward_passes
    found = run.generate(x, y, np.arange(5))
    spent = estimator.forward_passes - before[0], estimator.backward_passes - before[1]
    assert spent == (5 * passes, 5 * passes)
    assert run.passes == (passes, passes)
    for spec, images in zip(group, found, strict=True):
        alone = spec.build(estimator, batch_size=2).generate(x, y)
        np.testing.assert_array_equal(images, alone)


def test_noise_follows_the_place_in_the_test_set(estimator):
    x, y = people(5)
    whole = SharedRun(estimator, [Noise()]).generate(x, y, np.arange(5))[0]
    run = SharedRun(estimator, [Noise()])
    for rows in (np.array([3, 1]), np.array([4, 0, 2])):
        np.testing.assert_array_equal(run.generate(x[rows], y[rows], rows)[0], whole[rows])


def test_a_perturbation_is_not_fitted_on_those_who_are_attacked(estimator):
    with pytest.raises(ValueError, match="file of a fitted universal perturbation. Got None"):
        SharedRun(estimator, [Universal()])
