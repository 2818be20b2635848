"""Networks that hide their gradient are caught; those that do not pass."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from toys import LinearPose, people

from hpe_art.attacks.masking import masking_checks
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.gradients import GradientWarning
from hpe_art.losses import Goal


class Quantised(LinearPose):
    """Sees the image in steps of 16 grey levels, whose gradient is zero."""

    def forward(self, inputs, data_samples, mode):
        return super().forward((inputs / 16).round() * 16, data_samples, mode)


class Saturated(LinearPose):
    """Puts out one of two places, by a sigmoid that is flat nearly everywhere."""

    def forward(self, inputs, data_samples, mode):
        return torch.sigmoid(1e6 * (super().forward(inputs, data_samples, mode) - 0.5))


class Noisy(LinearPose):
    """Sees another image each time."""

    def forward(self, inputs, data_samples, mode):
        return super().forward(inputs + torch.randn_like(inputs), data_samples, mode)


def failed(network):
    estimator = PyTorchPoseEstimator(network, device_type="cpu")
    x, _ = people(4, size=8, joints=2)
    poses = estimator.predict(x)
    y = np.concatenate([poses[..., :2] + 0.1, np.ones_like(poses[..., 2:])], axis=-1)
    goal = Goal(torch.as_tensor(y[..., :2]), torch.full((4, 2), 0.5))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GradientWarning)  # what is looked for
        checks = masking_checks(estimator, x, y, goal, np.arange(4), eps=2.0)
    assert len(checks) == 6
    return [check.name for check in checks if not check.passed]


def test_a_network_that_hides_nothing_passes():
    assert failed(LinearPose()) == []


@pytest.mark.parametrize("network", [Quantised(), Saturated()])
def test_a_hidden_gradient_is_caught(network):
    assert "gradients are finite and not zero" in failed(network)


def test_chance_is_caught():
    assert failed(Noisy())[0] == "the same image has the same pose and gradient twice"
