"""The way through a model leaves its weights alone."""

import numpy as np
from toys import (
    hourglass,
    people,
    regression,
)

from hpe_art.estimators import PyTorchPoseEstimator


def test_frozen_weights_change_no_bit(monkeypatch):
    from contextlib import nullcontext

    x, y = people(3)
    for model in (hourglass(), regression()):
        estimator = PyTorchPoseEstimator(model, outputs="all", device_type="cpu")
        frozen = estimator.loss_gradient(x, y)
        with monkeypatch.context() as patch:
            patch.setattr("hpe_art.estimators.wrapped_model.frozen", lambda model: nullcontext())
            np.testing.assert_array_equal(estimator.loss_gradient(x, y), frozen)
