"""What a step of our fast way spends its time on, and how far it is from what the device can."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.profiler import ProfilerActivity
from torch.utils.benchmark import Timer
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.cases import Case
from benchmarks.contenders import floor, ours
from hpe_art.estimators.gradient_copy import has_fast_bfloat16

OPERATIONS = 12
"""How many are named."""
MATRIX = 4096
"""Rows and columns of the matrices that the device shows its speed on."""


def profile(case: Case) -> dict[str, Any]:
    """Where a step of our fast way goes.

    Args:
        case: network and images.

    Returns:
        `operations`, the largest ones, with `calls` and `share` of the time; `gflop`, 1e9
        operations in the convolutions and matrix products of a step, for each image; and
        `gflop_per_second` of the device in a product of two large matrices, of `matrix` rows and
        columns, in the precision of that step.
    """
    with _one_thread():
        operations, flop = _operations(case), _flop(case)
    return {
        "operations": operations,
        "gflop": flop / 1e9,
        "matrix": MATRIX,
        "gflop_per_second": _flop_per_second(case.estimator.device) / 1e9,
    }


@contextmanager
def _one_thread() -> Iterator[None]:
    """What is recorded is that of the thread that asks for it, so that it has to do all."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _operations(case: Case) -> list[dict[str, Any]]:
    run = ours(case, 1, "auto")
    run()
    on_gpu = case.estimator.device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    with torch.profiler.profile(activities=activities) as recorded:
        run()
    # On a GPU kernels come by themselves too, besides the operations that start them.
    events = [one for one in recorded.key_averages() if one.device_type.name == "CPU"]

    def spent(event: Any) -> float:
        value = event.self_device_time_total if on_gpu else event.self_cpu_time_total
        return float(value)

    total = sum(map(spent, events)) or 1.0
    largest = sorted(events, key=spent, reverse=True)[:OPERATIONS]
    return [
        {"operation": event.key, "calls": event.count, "share": spent(event) / total}
        for event in largest
    ]


def _flop(case: Case) -> float:
    run = floor(case, 1)
    with FlopCounterMode(display=False) as counter:
        run()
    return float(counter.get_total_flops()) / len(case.x)


def _flop_per_second(device: torch.device) -> float:
    dtype = torch.bfloat16 if has_fast_bfloat16(device) else torch.float32
    matrix = torch.randn(MATRIX, MATRIX, device=device).to(dtype)
    timer = Timer(
        "matrix @ matrix", globals={"matrix": matrix}, num_threads=torch.get_num_threads()
    )
    return 2 * MATRIX**3 / float(timer.blocked_autorange(min_run_time=1).median)
