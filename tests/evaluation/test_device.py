"""The device of the tools, on a machine that may not have it."""

import pytest
import torch

from hpe_art.errors import UserError
from hpe_art.estimators.gradient_copy import name_of
from hpe_art.evaluation.prepared import check_device, score_in_float32


def test_a_gpu_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    for asked in ("auto", "cpu"):
        check_device(asked)
    with pytest.raises(UserError, match="Expected a CUDA device for --device cuda. Got none"):
        check_device("cuda")


@pytest.mark.parametrize(("capability", "by_default"), [((8, 0), "tf32"), ((7, 5), "float32")])
def test_the_tools_score_without_tf32(capability, by_default, monkeypatch):
    monkeypatch.setattr("torch.cuda.get_device_capability", lambda device: capability)
    gpu, before = torch.device("cuda"), torch.backends.cudnn.allow_tf32
    try:
        torch.backends.cudnn.allow_tf32 = True
        assert name_of(torch.float32, gpu) == by_default
        score_in_float32()
        assert name_of(torch.float32, gpu) == "float32"
    finally:
        torch.backends.cudnn.allow_tf32 = before
