"""What each precision comes to on a device."""

from pathlib import Path

import pytest
import torch
from toys import (
    dlcm,
    hourglass,
    regression,
    simple_baseline,
)

from hpe_art.commands import arguments
from hpe_art.estimators import PyTorchPoseEstimator, gradient_copy
from hpe_art.estimators.gradient_copy import PRECISIONS, has_fast_bfloat16

CONFIG = Path(__file__).parents[2] / "mmpose_configs" / "hourglass.py"

NETWORKS = {
    "hourglass": hourglass,
    "dlcm": dlcm,
    "regression": regression,
    "baseline": simple_baseline,
}


INTEL, AMD = "GenuineIntel", "AuthenticAMD"


@pytest.mark.parametrize(
    ("maker", "flags", "expected"),
    [
        (INTEL, "avx512f avx512_bf16 amx_bf16 amx_tile", True),
        (INTEL, "avx512f avx512_bf16", False),
        (AMD, "avx512f avx512_bf16", True),
        (AMD, "avx2 avx512f", False),
    ],
)
def test_auto_is_bfloat16_where_the_processor_has_fast_units(
    monkeypatch, tmp_path, maker, flags, expected
):
    file = tmp_path / "cpuinfo"
    one = f"vendor_id\t: {maker}\nflags\t\t: fpu {flags} avx\n"
    file.write_text(f"processor\t: 0\n{one}\nprocessor\t: 1\n{one}\n")
    monkeypatch.setattr(gradient_copy, "CPUINFO", file)
    gradient_copy._processor.cache_clear()
    try:
        assert has_fast_bfloat16(torch.device("cpu")) is expected
        estimator = PyTorchPoseEstimator(hourglass(), precision="auto", device_type="cpu")
        assert estimator.gradient_precision.startswith("bfloat16" if expected else "float32")
    finally:
        gradient_copy._processor.cache_clear()


def test_auto_is_float32_where_nothing_is_known_of_the_processor(monkeypatch, tmp_path):
    monkeypatch.setattr(gradient_copy, "CPUINFO", tmp_path / "none")
    gradient_copy._processor.cache_clear()
    assert not has_fast_bfloat16(torch.device("cpu"))
    gradient_copy._processor.cache_clear()


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
