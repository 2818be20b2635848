"""The fit of a universal perturbation: over minibatches, over ranks, and on after a stop."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dist import all_reduce, broadcast_object_list, get_dist_info
from numpy.typing import NDArray
from rich.progress import track
from torch import Tensor

from hpe_art.arrays import read_arrays, write_arrays
from hpe_art.attacks.steps import clipped
from hpe_art.gradients import GradientTally
from hpe_art.inputs import as_numbers, as_tensor

SAVED_EVERY = 50
"""Steps between two states on disk."""


def fitted_noise(
    attack: Any,
    x: Any,
    y: Any,
    facts: dict[str, Any],
    tally: GradientTally,
    state: Path | None = None,
) -> NDArray[np.float32]:
    """The perturbation (3, H, W) after all steps, in grey levels.

    Where `torch.distributed` is initialised, each rank passes its part of each minibatch, and the
    gradients are summed over ranks. The same minibatches then give the same perturbation but for
    float32's rounding: where a sum is nearly 0 its sign may turn, which moves that value by two
    steps; fewer than one value in a hundred is off by more than that.

    Args:
        attack: a `UniversalPosePerturbation`.
        x: (N, 3, H, W), images; only the rows of this rank are read.
        y: (N, K, 3), their poses.
        facts: what the perturbation is fitted with; a state of other facts is refused.
        tally: of their gradients, on this rank.
        state: file that is written every 50 steps, and gone on from where it is there.

    Raises:
        ValueError: the state is of another fit, or none.
    """
    rank, world = get_dist_info()
    steps = minibatches(len(x), attack.epochs, attack.batch_size, attack.seed)
    noise, first = _begun(state, facts, tuple(x.shape[1:]), rank)
    noise = noise.to(attack.estimator.device)
    length = -attack.step if attack.targeted else attack.step
    bar = track(steps[first:], f"perturbation, eps {attack.eps:g}", disable=not attack.verbose)
    for number, chosen in enumerate(bar, first + 1):
        total = _summed_gradient(attack, x, y, chosen[rank::world], noise, tally)
        all_reduce(total)
        noise = (noise + length * total.sign()).clamp(-attack.eps, attack.eps)
        if state is not None and rank == 0 and number % SAVED_EVERY == 0:
            _write_state(state, noise, number, facts)
    found: NDArray[np.float32] = noise.cpu().numpy()
    return found


def minibatches(count: int, epochs: int, batch_size: int, seed: int) -> list[NDArray[np.int64]]:
    """The rows of each step: all images once in each epoch, in a new random order."""
    random = np.random.default_rng(seed)
    orders = [random.permutation(count) for _ in range(epochs)]
    return [order[i : i + batch_size] for order in orders for i in range(0, count, batch_size)]


def _summed_gradient(
    attack: Any, x: Any, y: Any, rows: NDArray[np.int64], noise: Tensor, tally: GradientTally
) -> Tensor:
    """(3, H, W); its sign is that of the mean."""
    if not len(rows):  # more ranks than images
        return torch.zeros_like(noise)
    device = attack.estimator.device
    images = as_tensor(as_numbers("x", x[rows]), device).to(torch.float32)
    objective = attack.estimator.objective(y[rows], attack.loss, attack.outputs)
    gradient = objective.gradient(clipped(images + noise, attack.estimator.clip_values))
    tally[torch.as_tensor(rows, device=device)].note(gradient)
    return torch.nan_to_num(gradient).sum(0)


def _begun(
    state: Path | None, facts: dict[str, Any], shape: tuple[int, ...], rank: int
) -> tuple[Tensor, int]:
    """The noise (3, H, W) and the number of steps that are done, the same on all ranks."""
    found: list[Any] = [None]
    if rank == 0:
        try:
            found = [_read_state(state, facts, shape)]
        except ValueError as error:
            found = [error]  # all ranks raise it, and none waits for another
    broadcast_object_list(found)
    if isinstance(found[0], ValueError):
        raise found[0]
    noise, done = found[0]
    return torch.as_tensor(noise), done


def _read_state(
    state: Path | None, facts: dict[str, Any], shape: tuple[int, ...]
) -> tuple[NDArray[np.float32], int]:
    if state is None or not state.is_file():
        return np.zeros(shape, np.float32), 0
    try:
        file = read_arrays(state)
        noise, step = file["noise"], int(file["step"])
        held = dict(json.loads(str(file["facts"])))
    except Exception as error:  # NumPy and zipfile have many words for a damaged file
        raise ValueError(
            f"Expected the state of a fit in {state}. Got: {error}: delete it to begin anew."
        ) from error
    other = [name for name in facts if held.get(name) != facts[name]]
    begun = noise.shape == shape and noise.dtype == np.float32 and step >= 0
    if other or not begun or not (np.abs(noise) <= facts["eps"]).all():
        raise ValueError(
            f"Expected the state of this fit in {state}. Got one with another "
            f"{', '.join(other) or 'perturbation'}: delete it to begin anew."
        )
    return noise, step


def _write_state(state: Path, noise: Tensor, step: int, facts: dict[str, Any]) -> None:
    arrays = {"noise": noise.cpu().numpy(), "step": step, "facts": np.array(json.dumps(facts))}
    write_arrays(state, arrays)
