"""What each precision comes to on a device."""

from pathlib import Path

import pytest
import torch
from toys import (
    dlcm,
    hourglass,
    people,
    regression,
    simple_baseline,
)

from hpe_art.commands import arguments
from hpe_art.estimators import PyTorchPoseEstimator, gradient_copy
from hpe_art.estimators.gradient_copy import (
    PRECISIONS,
    _convolves_faster_in_bfloat16,
    has_fast_bfloat16,
)

CONFIG = Path(__file__).parents[2] / "mmpose_configs" / "hourglass.py"

NETWORKS = {
    "hourglass": hourglass,
    "dlcm": dlcm,
    "regression": regression,
    "baseline": simple_baseline,
}


@pytest.mark.parametrize(("cost", "expected"), [(0.4, True), (1.0, False), (3.0, False)])
def test_auto_is_bfloat16_where_that_is_timed_to_be_faster(monkeypatch, cost, expected):
    clock = [0.0]

    def convolve(image, weight, padding):
        clock[0] += cost if image.dtype == torch.bfloat16 else 1.0

    _convolves_faster_in_bfloat16.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr("hpe_art.estimators.gradient_copy.conv2d", convolve)
        patch.setattr("hpe_art.estimators.gradient_copy.time.perf_counter", lambda: clock[0])
        assert has_fast_bfloat16(torch.device("cpu")) is expected
    estimator = PyTorchPoseEstimator(hourglass(), precision="auto", device_type="cpu")
    estimator.loss_gradient(*people(1))
    assert estimator.gradient_precision == ("bfloat16, folded" if expected else "float32, folded")
    _convolves_faster_in_bfloat16.cache_clear()


def test_the_command_line_has_the_same_precisions():
    assert set(arguments.PRECISIONS) == set(PRECISIONS)


@pytest.mark.parametrize(("fast", "comes_to"), [(True, "bfloat16"), (False, "folded")])
def test_auto_is_settled_by_the_device_and_the_others_are_what_they_say(
    fast, comes_to, monkeypatch
):
    monkeypatch.setattr(gradient_copy, "has_fast_bfloat16", lambda device: fast)
    cpu = torch.device("cpu")
    assert gradient_copy.settled("auto", cpu) == comes_to
    assert [gradient_copy.settled(p, cpu) for p in ("float32", "folded", "bfloat16")] == [
        "float32",
        "folded",
        "bfloat16",
    ]
