"""Which images go through a network at once: on a CPU, as few of a batch as fit its caches.

A tensor that outgrows them is written to memory and read back by the next layer, and the C library
asks the system for fresh memory in every pass. An image's gradient does not depend on the others of
its batch, so a batch is as well passed in parts (docs/performance.md).
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator
from itertools import pairwise
from numbers import Integral
from operator import is_
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from hpe_art.estimators.network import alone, eval_mode, raw_outputs

LARGEST_TENSOR = 4 * 2**20
"""Bytes that no output of a layer passes on a CPU, unless a single image has more.

As much in each worker, and so little that a batch has parts for many of them.
"""


class Seen(NamedTuple):
    """What the pass of one image shows of a network.

    Attributes:
        largest: number of values in the largest output of a layer; 0 for a network that takes no
            single image, or none without its hooks.
        keeps_nothing: whether the pass left its modules, and PyTorch's random numbers, as they
            were, so that several threads may pass images at once.
    """

    largest: int
    keeps_nothing: bool


def micro_batches(count: int, batch_size: int, at_once: int | None = None) -> Iterator[slice]:
    """The rows of each pass over `count` images: batches in parts that are as even as can be.

    No pass has more than `at_once` images; None stands for whole batches.

    Raises:
        ValueError: batches of less than one image, or of no whole number.
    """
    if not isinstance(batch_size, Integral) or batch_size < 1:
        raise ValueError(f"Expected a whole batch_size >= 1. Got {batch_size!r}.")
    for begin in range(0, count, batch_size):
        size = min(batch_size, count - begin)
        number = math.ceil(size / (at_once or size))
        ends = [begin + i * size // number for i in range(number + 1)]
        yield from (slice(first, last) for first, last in pairwise(ends))


def images_at_once(largest: int, dtype: torch.dtype) -> int | None:
    """How many images a pass takes on a CPU, from a network's `largest_output`; None for all."""
    return max(1, LARGEST_TENSOR // (largest * dtype.itemsize)) if largest else None


def largest_output(model: nn.Module, image: Tensor) -> int:
    """Number of values in the largest output of a layer; see `Seen`."""
    return look(model, image).largest


def look(model: nn.Module, image: Tensor) -> Seen:
    """Passes one normalised image (1, 3, H, W) forward, and leaves everything as it was."""
    largest = image.numel()

    def measure(module: nn.Module, inputs: Any, output: Any) -> None:
        nonlocal largest
        for one in output if isinstance(output, (list, tuple)) else [output]:
            if isinstance(one, Tensor):
                largest = max(largest, one.numel())

    # Hooks that a user has set are not to see this image.
    with alone(model), eval_mode(model), torch.no_grad(), torch.random.fork_rng(devices=[]):
        drawn, before = torch.get_rng_state(), _held(model)
        hooked = [(module, module._forward_hooks) for module in model.modules()]
        try:
            for module, _ in hooked:
                module._forward_hooks = OrderedDict()
                module.register_forward_hook(measure)
            raw_outputs(model, image)
        except Exception:
            return Seen(0, False)
        finally:
            for module, hooks in hooked:
                module._forward_hooks = hooks
        after = _held(model)
        same = len(before) == len(after) and all(map(is_, before, after))
        return Seen(largest, same and torch.equal(torch.get_rng_state(), drawn))


def _held(model: nn.Module) -> list[Any]:
    """All that hangs on the modules themselves."""
    return [
        value
        for module in model.modules()
        for values in (vars(module), module._buffers)
        for value in values.values()
    ]
