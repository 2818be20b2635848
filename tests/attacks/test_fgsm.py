"""FGSM: one gradient for all eps, and the optimum of a linear model."""

import numpy as np
import pytest
from toys import LinearPose, hourglass, people, regression

from hpe_art.attacks import PoseFastGradientMethod
from hpe_art.estimators import PyTorchPoseEstimator

NETWORKS = dict(hourglass=hourglass(), regression=regression())
QUIET = dict(verbose=False)


def estimator_of(network="hourglass", **kwargs):
    return PyTorchPoseEstimator(NETWORKS[network], device_type="cpu", **kwargs)


def test_fgsm_needs_one_gradient_for_all_eps():
    estimator = estimator_of()
    x, y = people(5)
    before = estimator.backward_passes
    PoseFastGradientMethod(estimator, eps=[0.25, 0.5, 1, 2, 4, 8], batch_size=2).generate(x, y)
    assert estimator.backward_passes - before == 5


def test_fgsm_reaches_the_optimum_of_a_linear_model():
    """Per coordinate a step along signs moves by eps times the L1 norm of its row."""
    model = LinearPose()
    estimator = PyTorchPoseEstimator(model, device_type="cpu", flip_test=False)
    x = np.full((1, 3, 8, 8), 127.0, np.float32)
    y = np.concatenate([estimator.predict(x)[..., :2], np.zeros((1, 2, 1))], -1).astype(np.float32)
    y[0, 0, 2] = 1
    y[0, 0, 0] -= 0.01  # the loss sees x of the first joint alone
    attacked = PoseFastGradientMethod(estimator, eps=8.0).generate(x, y)
    moved = (estimator.predict(attacked) - estimator.predict(x))[0, 0, 0]
    row = model.linear.weight.detach()[0]
    assert moved == pytest.approx(8 * 8.0 * float(row.abs().sum()), rel=1e-4)


def test_arguments_that_would_be_ignored_raise():
    with pytest.raises(TypeError, match="no further arguments"):
        PoseFastGradientMethod(estimator_of()).generate(*people(1), masks=None)
