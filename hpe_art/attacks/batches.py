"""Images that are attacked together, with what the attack is about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hpe_art.labels import check_labels
from hpe_art.losses import Goal


@dataclass
class Batch:
    """Images on the device.

    Attributes:
        x: (N, 3, H, W), 0 to 255.
        y: (N, K, 3), poses.
        goal: of the metric; None where there is none.
        places: (N,), in the test set.
        first: row of the first of them in what was given.
    """

    x: Tensor
    y: Tensor
    goal: Goal | None
    places: NDArray[np.int64]
    first: int = 0

    def __getitem__(self, rows: Tensor) -> Batch:
        """Some of them, numbered anew."""
        goal = None if self.goal is None else self.goal[rows]
        return Batch(self.x[rows], self.y[rows], goal, self.places[rows.cpu().numpy()])


def batches(
    attack: Any, images: Tensor, y: Any, goal: Goal | None, index: NDArray[np.int64] | None
) -> Iterator[Batch]:
    """Images of at most `batch_size` at once, on the estimator's device.

    Args:
        attack: with `estimator` and `batch_size`.
        images: (N, 3, H, W).
        y: (N, K, 3), poses.
        goal: of these; None where there is none.
        index: (N,), their places in the test set; default those in `images`.
    """
    places = np.arange(len(images)) if index is None else np.asarray(index)
    device = attack.estimator.device
    for first in range(0, len(images), attack.batch_size):
        rows = slice(first, first + attack.batch_size)
        yield Batch(
            images[rows].to(device),
            torch.as_tensor(y[rows], device=device),
            None if goal is None else goal[rows].to(device, torch.float32),
            places[rows],
            first,
        )


def check_goal(x: Any, y: Any, goal: Goal | None, targeted: bool) -> None:
    """Refuses poses and goals that do not fit the images.

    Raises:
        ValueError: no y, y or a goal of other people or joints, or one of the other direction.
    """
    if y is None:
        wanted = "target poses" if targeted else "true poses"
        raise ValueError(f"Expected {wanted} y of shape (N, K, 3). Got None.")
    check_labels(y, len(x))
    if goal is None:
        return
    if goal.radii.shape != tuple(y.shape[:2]):
        raise ValueError(
            f"Expected a goal of {tuple(y.shape[:2])} joints, as y. Got {tuple(goal.radii.shape)}."
        )
    if goal.targeted != targeted:
        raise ValueError(
            f"Expected a goal with targeted {targeted}, as the attack. Got {goal.targeted}."
        )
