"""Poses as labels (N, K, 3): x, y in crop pixels, and whether the joint counts (above 0)."""

from typing import Any

import numpy as np
import torch
from torch import Tensor


def check_labels(y: Any, count: int) -> None:
    """ValueError for labels not of shape (N, K, 3), or a joint that counts at no finite place.

    Of a tensor only the shape is looked at: a GPU would be waited for.
    """
    if y.ndim != 3 or len(y) != count or y.shape[2] != 3:
        raise ValueError(f"Expected y of shape (N, K, 3), N = {count}. Got {tuple(y.shape)}.")
    if isinstance(y, Tensor):
        return
    astray = (y[..., 2] > 0) & ~np.isfinite(y[..., :2]).all(-1)
    if astray.any():
        person, joint = np.argwhere(astray)[0]
        raise ValueError(
            f"Expected finite x and y where the third value of y is above 0. "
            f"Got {y[person, joint].tolist()} for joint {joint} of person {person}."
        )


def with_numbers(y: Tensor) -> Tensor:
    """The same labels, 0 for NaN and infinity at joints that do not count, since 0 * NaN is NaN."""
    return torch.where(y[..., 2:] > 0, y, y.nan_to_num(0.0, 0.0, 0.0))
