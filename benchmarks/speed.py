"""Times the contenders on a case in turns; counts what each passes and how much memory it takes."""

from __future__ import annotations

import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.cases import Array, Case
from benchmarks.contenders import BESIDE, CONTENDERS, EPS, as_pixels, missing_peers
from hpe_art.memory import forget_peak, peak_mib


def timed_case(case: Case, steps: int, repeats: int, names: Sequence[str]) -> dict[str, Any]:
    """Seconds of each contender, in turns so that all meet the same disturbances.

    Args:
        case: network and images.
        steps: of an attack.
        repeats: rounds, after one step of each to warm up.
        names: of the contenders; peers that are not installed are left out.

    Returns:
        `case`, `batch_size`, `steps`, `device`, `seconds` (of each round, by name), `pace` (images
        x steps per second, by name), `passes` (images passed `forward` and `backward` in one step,
        by name), `memory` (peak MiB of the process in one step, by name, `rss` and `device`),
        `found_with` (how ours computes), and `agree` (share of pixels that are as ART left them,
        by name).

    Raises:
        RuntimeError: a contender leaves the eps ball.
    """
    names = [name for name in names if name not in missing_peers()]
    memory, counted = _one_step(case, names)
    seconds, found = _rounds(case, steps, repeats, names)
    reference = found[names[0]]
    return {
        "case": case.name,
        "batch_size": case.batch_size,
        "size": list(case.estimator.input_shape[1:]),
        "steps": steps,
        "device": device_name(case.estimator.device),
        "found_with": case.with_precision("auto", False).gradient_precision,
        "seconds": seconds,
        "pace": {
            name: case.batch_size * steps / statistics.median(spent)
            for name, spent in seconds.items()
        },
        "passes": counted,
        "memory": memory,
        "agree": {
            name: float((np.abs(images - reference) < 0.01).mean())
            for name, images in found.items()
        },
    }


def _one_step(
    case: Case, names: Sequence[str]
) -> tuple[dict[str, dict[str, float | None]], dict[str, dict[str, int]]]:
    """Peak memory, and images passed, of each contender in its first step."""
    memory, counted = {}, {}
    for name in names:
        run = CONTENDERS[name](case, 1)
        _forget_peak(case)
        with _passes(case) as counted[name]:
            run()
        finish(case)
        memory[name] = _peak(case)
        del run
        case.estimator.model.zero_grad(set_to_none=True)  # which some contenders leave behind
    return memory, counted


def _rounds(
    case: Case, steps: int, repeats: int, names: Sequence[str]
) -> tuple[dict[str, list[float]], dict[str, Array]]:
    """Seconds of each round, and the images of the last one, by contender."""
    runs = {name: CONTENDERS[name](case, steps) for name in names}
    seconds: dict[str, list[float]] = {name: [] for name in names}
    found: dict[str, Array] = {}
    for _ in range(repeats):
        for name, run in runs.items():
            with _neighbours() if name == BESIDE else nullcontext():
                begun = time.perf_counter()
                images = run()
                finish(case)
                seconds[name].append(time.perf_counter() - begun)
            found[name] = as_pixels(images, name)
            worst = float(np.abs(found[name] - case.x).max())
            if worst > EPS + 0.01:
                raise RuntimeError(f"Expected changes of at most {EPS}. Got {worst} by {name}.")
    return seconds, found


def ratios(row: Mapping[str, Any], slow: str, fast: str) -> dict[str, float] | None:
    """How many times faster one contender is than another in a round: median, lowest, highest."""
    if slow not in row["seconds"] or fast not in row["seconds"]:
        return None
    pairs = zip(row["seconds"][slow], row["seconds"][fast], strict=True)
    values = [one / other for one, other in pairs]
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}


def device_name(device: torch.device) -> str:
    """Kind of the machine: its processor or GPU."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name())
    known = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    fast = [name for name in ("amx_tile", "avx512_bf16", "avx512_f", "avx2") if known.get(name)]
    return f"{_processor()}, {torch.get_num_threads()} threads, {' '.join(fast) or 'plain'}"


def _processor() -> str:
    known = Path("/proc/cpuinfo")
    lines = known.read_text().splitlines() if known.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def finish(case: Case) -> None:
    """Waits for the device."""
    if case.estimator.device.type == "cuda":
        torch.cuda.synchronize()


@contextmanager
def _neighbours(count: int = 2) -> Iterator[None]:
    """Processes that do nothing but keep a core busy each, once they have begun."""
    work = "print(flush=True)\nwhile True: pass"
    with ExitStack() as stack:
        for _ in range(count):
            command = [sys.executable, "-S", "-c", work]
            busy = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE))
            stack.callback(busy.kill)
            assert busy.stdout is not None
            busy.stdout.readline()
        yield


@contextmanager
def _passes(case: Case) -> Iterator[dict[str, int]]:
    """Images that go forward and backward through the network, or through copies of it."""
    counted, counting = {"forward": 0, "backward": 0}, Lock()  # of several workers
    backbone = type(case.estimator.model.backbone)

    def backward(gradient: torch.Tensor) -> None:
        with counting:
            counted["backward"] += len(gradient)

    def forward(module: nn.Module, inputs: tuple[Any, ...]) -> None:
        if type(module) is backbone:
            with counting:
                counted["forward"] += len(inputs[0])
            if inputs[0].requires_grad:
                inputs[0].register_hook(backward)

    handle = nn.modules.module.register_module_forward_pre_hook(forward)
    try:
        yield counted
    finally:
        handle.remove()


def _forget_peak(case: Case) -> None:
    """Gives back what is free, and counts from what is then held."""
    forget_peak()
    if case.estimator.device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def _peak(case: Case) -> dict[str, float | None]:
    """MiB since `_forget_peak`."""
    on_gpu = case.estimator.device.type == "cuda"
    device = torch.cuda.max_memory_allocated() / 2**20 if on_gpu else None
    return {"rss": peak_mib(), "device": device}
