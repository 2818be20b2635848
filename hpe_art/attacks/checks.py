"""Checks of the arguments that attacks share with ART's."""

from __future__ import annotations

from collections.abc import Collection
from numbers import Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hpe_art.inputs import Numbers, as_images, as_poses, as_tensor, check_pixels, check_poses
from hpe_art.losses import loss_function

NORMS = (np.inf, 1.0, 2.0)


def check_norm(norm: float | str) -> None:
    """Refuses other norms than numpy.inf ("inf"), 1 and 2."""
    if norm not in (*NORMS, "inf"):
        raise ValueError(f'Expected norm numpy.inf, "inf", 1 or 2. Got {norm!r}.')


def check_whole(attack: Any, **fewest: int) -> None:
    """Refuses attributes that are not whole numbers of at least what is said.

    Raises:
        ValueError: names the attribute, what it may be, and what it is.
    """
    for name, least in fewest.items():
        count = getattr(attack, name)
        if not isinstance(count, (int, np.integer)) or isinstance(count, bool) or count < least:
            raise ValueError(f"Expected a whole {name} >= {least}. Got {count!r}.")


def check_finite(attack: Any, *names: str, most: float = np.inf) -> None:
    """Refuses attributes that are not finite numbers from 0 to `most`.

    Raises:
        ValueError: names the attribute, what it may be, and what it is.
    """
    for name in names:
        value = getattr(attack, name)
        number = isinstance(value, Real) and not isinstance(value, bool)
        if not number or not 0 <= float(value) <= most or value == np.inf:
            least = ">= 0" if most == np.inf else f"between 0 and {most:g}"
            raise ValueError(f"Expected a finite {name} {least}. Got {value}.")


def check_flags(attack: Any, *names: str) -> None:
    """Refuses attributes that are neither True nor False.

    Raises:
        ValueError: names the attribute, and what it is.
    """
    for name in names:
        value = getattr(attack, name)
        if not isinstance(value, bool):
            raise ValueError(f"Expected {name} True or False. Got {value!r}.")


def check_choice(name: str, value: Any, choices: Collection[str]) -> None:
    """Refuses what is none of some words.

    Raises:
        ValueError: names the words, and what it is.
    """
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"Expected {name} {' or '.join(choices)}. Got {value!r}.")


def check_gradient_sign(attack: Any) -> None:
    """Refuses what the gradient-sign family cannot mean.

    Raises:
        ValueError: names the argument, what it may be, and what it is.
    """
    check_norm(attack.norm)
    _check_lengths("eps", attack.eps, positive=False)
    if attack.eps_step is not None and attack.eps_step is not attack.eps:
        _check_lengths("eps_step", attack.eps_step, positive=True)
    listed = isinstance(attack.eps, (list, tuple))
    if isinstance(attack.eps_step, (list, tuple)) and (
        not listed or len(attack.eps_step) != len(attack.eps)
    ):
        raise ValueError(
            "Expected a list of eps_step with a list of as many eps. "
            f"Got {len(attack.eps_step)} for eps {attack.eps}."
        )
    check_whole(attack, max_iter=0, num_random_init=0, batch_size=1)
    check_flags(attack, "targeted", "random_eps")
    check_loss(attack)
    decay = 0 if attack.decay is None else attack.decay
    if not isinstance(decay, Real) or not 0 <= float(decay) < np.inf:
        raise ValueError(f"Expected a finite decay >= 0, or None. Got {decay!r}.")
    if attack.summary_writer is not None and attack.num_random_init > 1:
        raise ValueError(
            "Expected a summary writer without restarts: its steps would overwrite each other. "
            f"Got num_random_init {attack.num_random_init}."
        )


def attacked_images(estimator: Any, x: Any, any_size: bool = False) -> Tensor:
    """What is to be attacked: (N, 3, H, W), float32, where it is.

    Raises:
        ValueError: other images than the estimator takes.
    """
    images = as_images(x, (3, "H", "W") if any_size else tuple(estimator.input_shape))
    check_pixels(images, estimator.clip_values)
    return as_tensor(images).to(torch.float32)


def attacked_poses(y: Any, count: int, targeted: bool) -> Numbers:
    """What an attack is about: (N, K, 3), true or target poses of so many images.

    Raises:
        ValueError: none, others, or joints that count and are nowhere.
    """
    if y is None:
        wanted = "target poses" if targeted else "true poses"
        raise ValueError(f"Expected {wanted} y of shape (N, K, 3). Got None.")
    poses = as_poses(y, count)
    check_poses(poses)
    return poses


def check_loss(attack: Any) -> None:
    """Refuses a loss or outputs that there are not; None stands for the estimator's.

    Raises:
        ValueError: names what there is.
    """
    if attack.loss is not None:
        loss_function(attack.loss)
    if attack.outputs not in (None, "last", "all"):
        raise ValueError(f'Expected outputs "last", "all" or None. Got {attack.outputs!r}.')


def _check_lengths(name: str, value: Any, positive: bool) -> None:
    """Of balls and steps: a number, or an array or a list of some."""
    try:
        numbers = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        numbers = np.asarray(np.nan)
    low = numbers <= 0 if positive else numbers < 0
    if not numbers.size or not np.isfinite(numbers).all() or low.any():
        least = "> 0" if positive else ">= 0"
        raise ValueError(f"Expected a finite {name} {least}. Got {value}.")


def check_own_predictions(estimator: Any, loss: Any = None) -> None:
    """Refuses a loss that is flat where y is the estimator's own prediction.

    Args:
        estimator: a `PyTorchPoseEstimator`.
        loss: default the estimator's.

    Raises:
        ValueError: the loss measures coordinates, so that there is nothing to climb from.
    """
    if estimator.is_flat_at_own_predictions(loss):
        raise ValueError(
            "Expected true poses y: against its own predictions the loss of coordinates has no "
            "gradient. Got None: give y, or num_random_init >= 1."
        )


def per_image_eps(name: str, value: Any, x: Any, norm: float) -> float | Tensor:
    """A radius or step that steps can be multiplied with.

    Args:
        name: "eps" or "eps_step", for the message.
        value: a number, or an array of (N,), or one of four dimensions that broadcasts to x.
        x: (N, 3, H, W).
        norm: with 1 and 2 all pixels of an image have the same value.

    Returns:
        A Python float, or a tensor (N, ...) of four dimensions.

    Raises:
        ValueError: an array that does not fit x.
    """
    values = np.asarray(value)
    if values.ndim == 0:
        return float(values)
    count = len(x)
    if values.shape == (count,):
        values = values.reshape(-1, 1, 1, 1)
    try:
        if values.ndim != 4 or (norm != np.inf and values[0].size != 1):
            raise ValueError
        np.broadcast_to(values, tuple(x.shape))
        values = np.broadcast_to(values, (count, *values.shape[1:]))
    except ValueError:
        raise ValueError(
            f"Expected {name} as a number, or of shape (N,) or (N, 1, 1, 1), N = {count}. "
            f"Got shape {values.shape}."
        ) from None
    return torch.as_tensor(values.astype(np.float32))
