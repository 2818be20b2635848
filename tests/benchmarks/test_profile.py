"""Where a step goes, on a network whose multiplications can be counted by hand."""

import pytest
from torch import nn
from toys import hourglass, people

from benchmarks.cases import Case
from benchmarks.profile import OPERATIONS, profile
from hpe_art.estimators import PyTorchPoseEstimator


def test_it_shares_the_time_and_counts_the_convolutions():
    x, y = people(3)
    case = Case("toy", 3, PyTorchPoseEstimator(hourglass(), device_type="cpu"), x, y)
    forward = 0

    def count(module, inputs, output):
        nonlocal forward
        forward += 2 * output.numel() * module.weight[0].numel()

    convolutions = [m for m in case.estimator.model.modules() if isinstance(m, nn.Conv2d)]
    hooks = [module.register_forward_hook(count) for module in convolutions]
    case.estimator.predict(x[:1])
    for hook in hooks:
        hook.remove()
    found = profile(case)
    assert found["gflop"] == pytest.approx(2 * forward / 1e9)  # as many backward
    assert found["gflop_per_second"] > 0
    shares = [one["share"] for one in found["operations"]]
    assert len(shares) == OPERATIONS and shares == sorted(shares, reverse=True)
    assert 0 < sum(shares) <= 1
