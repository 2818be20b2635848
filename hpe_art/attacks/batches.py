"""Images that are attacked together, with what the attack is about."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hpe_art.attacks.base import PoseAttack
from hpe_art.attacks.checks import attacked_images, attacked_poses
from hpe_art.gradients import GradientTally
from hpe_art.inputs import Numbers, as_tensor
from hpe_art.losses import Goal

Callback = Callable[[int, Tensor, Tensor], None]


@dataclass
class Batch:
    """Images on the device.

    Attributes:
        x: (N, 3, H, W), 0 to 255.
        y: (N, K, 3), poses.
        goal: of the metric; None where there is none.
        places: (N,), in the test set.
        tally: of their gradients.
        first: row of the first of them in what was given.
    """

    x: Tensor
    y: Tensor
    goal: Goal | None
    places: NDArray[np.int64]
    tally: GradientTally
    first: int = 0

    def __getitem__(self, rows: Tensor) -> Batch:
        """Some of them, numbered anew."""
        goal = None if self.goal is None else self.goal[rows]
        places = self.places[rows.cpu().numpy()]
        return Batch(self.x[rows], self.y[rows], goal, places, self.tally[rows])


def batches(
    attack: Any,
    images: Tensor,
    y: Any,
    goal: Goal | None,
    index: NDArray[np.int64] | None,
    tally: GradientTally,
) -> Iterator[Batch]:
    """Images of at most `batch_size` at once, on the estimator's device.

    Args:
        attack: with `estimator` and `batch_size`.
        images: (N, 3, H, W).
        y: (N, K, 3), poses.
        goal: of these; None where there is none.
        index: (N,), their places in the test set; default those in `images`.
        tally: of their gradients.
    """
    places = np.arange(len(images)) if index is None else np.asarray(index)
    if places.shape != (len(images),) or places.dtype.kind not in "iu":
        raise ValueError(
            f"Expected an index of ({len(images)},) whole numbers, places in the test set. "
            f"Got {places.dtype} of shape {places.shape}."
        )
    device = attack.estimator.device
    for first in range(0, len(images), attack.batch_size):
        rows = slice(first, first + attack.batch_size)
        yield Batch(
            images[rows].to(device),
            as_tensor(y[rows], device),
            None if goal is None else goal[rows].to(device, torch.float32),
            places[rows],
            tally[rows],
            first,
        )


def check_goal(y: Numbers, goal: Goal | None, targeted: bool) -> None:
    """Refuses goals that do not fit the poses.

    Raises:
        ValueError: no goal, one of other people or joints, or one of the other direction.
    """
    if goal is None:
        return
    if not isinstance(goal, Goal):
        raise ValueError(f"Expected a goal as hpe_art.goal_of gives it. Got {type(goal).__name__}.")
    if goal.radii.shape != tuple(y.shape[:2]):
        raise ValueError(
            "Expected y and a goal of the same people and joints. "
            f"Got {tuple(y.shape[:2])} and {tuple(goal.radii.shape)}."
        )
    if goal.targeted != targeted:
        raise ValueError(
            f"Expected a goal with targeted {targeted}, as the attack. Got {goal.targeted}."
        )


class BatchedAttack(PoseAttack):
    """What attacks share that take each batch to the device, with the goal that it has.

    An attack has `estimator`, `targeted` and `batch_size`, and says in `_perturbed` what becomes of
    a batch.
    """

    _needs_goal: ClassVar[bool] = True
    _takes_callback: ClassVar[bool] = False

    def generate(
        self,
        x: Any,
        y: Any = None,
        goal: Goal | None = None,
        index: NDArray[np.int64] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Perturbed images.

        Args:
            x: (N, 3, H, W), pixels within the estimator's clip values; NumPy, or a tensor.
            y: (N, K, 3), true poses, or target poses if targeted.
            goal: of the metric: which joints count as reached. Where an attack can do without, the
                largest loss wins.
            index: (N,), the place of each image in the test set, which random numbers depend on;
                default its place in x.
            **kwargs: `callback`, of attacks that have one: called after each pass with its number
                from 0, the rows (n,) of x that are still attacked, and the images (n, 3, H, W) that
                the attack is at, on the device, not to be changed. Any other raises.

        Returns:
            (N, 3, H, W) of the kind of x, float32.

        Raises:
            ValueError: no goal where one is needed, or y or the goal do not fit x or the attack.
        """
        callback = kwargs.pop("callback", None) if self._takes_callback else None
        if kwargs:
            raise TypeError(f"Expected no further arguments. Got {sorted(kwargs)}.")
        if goal is None and self._needs_goal:
            raise ValueError(
                "Expected the goal of a metric (hpe_art.evaluation.goals). Got None: without one "
                "take PoseAPGD."
            )
        images = attacked_images(self.estimator, x)
        poses = attacked_poses(y, len(images), self.targeted)
        check_goal(poses, goal, self.targeted)
        found = images.clone()
        self._begin(len(images), goal)
        tally = GradientTally.begin(len(images), self.estimator.device)
        for batch in batches(self, images, poses, goal, index, tally):
            rows = slice(batch.first, batch.first + len(batch.x))
            found[rows] = self._perturbed(batch, callback).to(found.device)
        self._tell_gradients(tally)
        return found if isinstance(x, Tensor) else found.numpy()

    def _begin(self, count: int, goal: Goal | None) -> None:
        """Forgets what the last call said of its images."""

    @abstractmethod
    def _perturbed(self, batch: Batch, callback: Callback | None) -> Tensor:
        """(n, 3, H, W), the perturbed images of a batch."""
