"""Threads that each take parts of a batch through a network on a CPU, one core each.

Where all cores share each operation, all wait for the slowest, hundreds of times in a pass: beside
a busy neighbour for most of the time. Parts of a batch do not depend on each other, so that workers
wait only at its end (docs/performance.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import joblib
import torch

Part = TypeVar("Part")
Result = TypeVar("Result")


def usable_cores() -> int:
    """Those that this process may use: by affinity, cgroups and what PyTorch was told."""
    return min(torch.get_num_threads(), joblib.cpu_count())


def check_workers(workers: Any) -> None:
    """Refuses numbers of workers that there cannot be.

    Raises:
        ValueError: neither None nor a whole number of at least 1.
    """
    if workers is not None and (type(workers) is not int or workers < 1):
        raise ValueError(f"Expected workers None or a whole number >= 1. Got {workers!r}.")


def side_by_side(
    work: Callable[[Part], Result], parts: Iterable[Part], workers: int | None
) -> list[Result]:
    """What `work` gives for each part, in their order.

    A part that is alone has all of PyTorch's threads. Several have one each, or more where cores
    outnumber them: whatever the number of workers, so that the results are the same bit for bit.
    PyTorch is left as it was set.

    Args:
        work: of a part; called by several threads at once.
        parts: of a batch.
        workers: threads; None for one on each usable core.
    """
    waiting, threads = list(parts), torch.get_num_threads()
    number = min(workers or usable_cores(), len(waiting))
    if len(waiting) < 2 or number == threads == 1:
        return [work(part) for part in waiting]
    each, recorded = max(1, usable_cores() // len(waiting)), torch.is_grad_enabled()

    def begin() -> None:
        torch.set_num_threads(each)  # also of threads that begin later, until it is set back
        torch.set_grad_enabled(recorded)

    try:
        # Of this call alone: threads that stay are missing in processes that are forked.
        with ThreadPoolExecutor(number, initializer=begin) as pool:
            return list(pool.map(work, waiting))
    finally:
        torch.set_num_threads(threads)
