"""What FGSM and PGD on poses share: ART's parameters, on the device from first step to last.

ART's own `FastGradientMethod` and `ProjectedGradientDescent` run on the estimator too. For
estimators that are not classifiers FGSM drops the mask, PGD refuses restarts and stumbles over
momentum with more than one batch, and both go to NumPy and back in each step; these do not.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
from art.estimators.estimator import BaseEstimator, LossGradientsMixin
from art.utils import random_sphere
from scipy.stats import truncnorm
from torch import Tensor

from hpe_art.attacks.base import PoseAttack
from hpe_art.attacks.checks import (
    attacked_images,
    attacked_poses,
    check_gradient_sign,
    check_own_predictions,
    per_image_eps,
)
from hpe_art.attacks.steps import Radius, clipped, project
from hpe_art.gradients import GradientTally
from hpe_art.inputs import Numbers, as_numbers, as_tensor
from hpe_art.losses import Goal, PoseLoss, pose_error

# Jain et al. 2019 found the best step in [eps/3, eps/2] untargeted and [eps/9, eps/7] targeted.
UNTARGETED_STEP = 0.4
TARGETED_STEP = 1 / 8

Eps = float | np.ndarray | Sequence[float]
Callback = Callable[[int, slice, Tensor], None]


@dataclass
class Given:
    """What one call of `generate` is about: everything but the radius and the start."""

    x: Tensor
    y: Tensor
    mask: Tensor | None
    batch_size: int
    callback: Callback | None
    tally: GradientTally
    goal: Goal | None = None
    directions: Tensor | None = field(default=None)

    def batches(self) -> Iterator[tuple[int, slice]]:
        """Number and rows of each batch."""
        for number, first in enumerate(range(0, len(self.x), self.batch_size)):
            yield number, slice(first, min(first + self.batch_size, len(self.x)))


class GradientSignAttack(PoseAttack):
    """What FGSM and PGD share: arguments, radii, starts, and the choice among them."""

    _estimator_requirements = (BaseEstimator, LossGradientsMixin)

    norm: float | str
    eps: Any
    eps_step: Any
    num_random_init: int
    batch_size: int
    loss: str | PoseLoss | None
    outputs: str | None
    random_eps: bool = False
    decay: float | None = None
    precision: ClassVar[str | None] = None
    """Of the gradients; None is the estimator's."""

    def generate(
        self,
        x: Any,
        y: Any = None,
        mask: np.ndarray | None = None,
        callback: Callback | None = None,
        goal: Goal | None = None,
        **kwargs: Any,
    ) -> Any:
        """Perturbed images.

        Args:
            x: (N, 3, H, W), pixels within the estimator's clip values; NumPy, or a tensor.
            y: (N, K, 3), true poses, or target poses if targeted; default the estimator's own
                predictions (of heatmaps, or from a random start: else they have no gradient).
            mask: broadcasts to x; pixels where it is 0 stay as they are.
            callback: called after each step with its number from 1, the rows of the batch, and the
                batch as it is then: a tensor on the device, not to be changed.
            goal: which joints count as reached, for losses that ask for it.
            **kwargs: none is known; any raises.

        Returns:
            (N, 3, H, W) of the kind of x, float32; for a list of eps a list of them.

        Raises:
            ValueError: y, mask or eps do not fit x; targeted without y; coordinates without y and
                random start; a callback with several eps or restarts.
        """
        if kwargs:
            raise TypeError(f"Expected no further arguments. Got {sorted(kwargs)}.")
        images = attacked_images(self.estimator, x)
        radii = self._radii(images)
        if callback is not None and (len(radii) > 1 or self.num_random_init > 1):
            raise ValueError(
                "Expected one eps and no restarts with a callback. "
                f"Got {len(radii)} eps and num_random_init {self.num_random_init}."
            )
        poses = as_tensor(self._labels(images, y))
        tally = GradientTally.begin(len(images), self.estimator.device)
        given = Given(images, poses, _mask(mask, images), self.batch_size, callback, tally, goal)
        found = [self._strongest(given, *radius) for radius in radii]
        if self.summary_writer is not None:
            self.summary_writer.reset()
        self._tell_gradients(tally)
        like_x = found if isinstance(x, Tensor) else [one.numpy() for one in found]
        return like_x if isinstance(self.eps, (list, tuple)) else like_x[0]

    @abstractmethod
    def _climb(self, given: Given, start: Tensor | None, radius: Radius, step: Radius) -> Tensor:
        """All images attacked once, where they are."""

    def _strongest(self, given: Given, radius: Radius, step: Radius) -> Tensor:
        best = self._climb(given, self._start(given, radius), radius, step)
        if self.num_random_init <= 1:
            return best
        largest = self._errors(given, best)
        for _ in range(1, self.num_random_init):
            other = self._climb(given, self._start(given, radius), radius, step)
            errors = self._errors(given, other)
            better = errors > largest
            best = torch.where(better[:, None, None, None], other, best)
            largest = torch.where(better, errors, largest)
        return best

    def _errors(self, given: Given, images: Tensor) -> Tensor:
        """(N,), how well each image serves the attacker."""
        poses = self.estimator.predict(images, given.batch_size)
        errors = pose_error(poses, given.y.to(poses))
        return -errors if self.targeted else errors

    def _start(self, given: Given, radius: Radius) -> Tensor | None:
        """Uniformly drawn points of the balls, from NumPy's global generator as in ART."""
        if not self.num_random_init:
            return None
        shape = given.x.shape
        norm = float(self.norm)
        one = radius if isinstance(radius, float) else 1.0
        drawn = random_sphere(len(given.x), int(np.prod(shape[1:])), one, norm)
        moved = torch.as_tensor(drawn.astype(np.float32)).reshape(shape).to(given.x)
        if isinstance(radius, Tensor):
            moved = moved * radius.to(moved)
        moved = given.x + (moved if given.mask is None else moved * given.mask)
        return clipped(moved, self.estimator.clip_values)

    def _objective(self, given: Given, rows: slice) -> Any:
        goal = None if given.goal is None else given.goal[rows]
        y = given.y[rows]
        return self.estimator.objective(y, self.loss, self.outputs, self.precision, goal)

    def _ascent(
        self,
        objective: Any,
        now: Tensor,
        mask: Tensor | None,
        tally: GradientTally,
        batch: int,
        i: int,
    ) -> Tensor:
        """The gradient of what the attacker wants more of."""
        gradient = objective.gradient(now)
        tally.note(gradient)
        gradient = -gradient if self.targeted else gradient
        if self.summary_writer is not None:
            self.summary_writer.update(
                batch_id=batch,
                global_step=i,
                grad=gradient.cpu().numpy(),
                patch=None,
                estimator=self.estimator,
                x=now.cpu().numpy(),
                y=objective.y.cpu().numpy(),
                targeted=self.targeted,
            )
        return gradient if mask is None else gradient.masked_fill(mask == 0, 0.0)

    def _step(
        self, now: Tensor, clean: Tensor, along: Tensor, radius: Radius, step: Radius
    ) -> Tensor:
        moved = clipped(now + step * along, self.estimator.clip_values)
        return clean + project(moved - clean, radius, float(self.norm))

    def _labels(self, x: Tensor, y: Any) -> Numbers:
        if y is None:
            if self.targeted:
                raise ValueError("Expected target poses y for a targeted attack. Got None.")
            if not self.num_random_init:
                check_own_predictions(self.estimator, self.loss)
            found: Tensor = self.estimator.predict(x, self.batch_size)
            return found
        return attacked_poses(y, len(x), self.targeted)

    def _radii(self, x: Any) -> list[tuple[Radius, Radius]]:
        """(eps, eps_step) for each eps asked for."""
        several = isinstance(self.eps, (list, tuple))
        eps = list(self.eps) if several else [self.eps]
        steps = self.eps_step if isinstance(self.eps_step, (list, tuple)) else None
        pairs = []
        for i, value in enumerate(eps):
            step = steps[i] if steps else self.eps_step
            if step is None:
                step = value * (TARGETED_STEP if self.targeted else UNTARGETED_STEP)
            if self.random_eps:
                share = _drawn_share(np.shape(value))
                step, value = step * share, value * share
            norm = float(self.norm)
            ball = per_image_eps("eps", value, x, norm)
            pairs.append((ball, per_image_eps("eps_step", step, x, norm)))
        return pairs

    def _check_params(self) -> None:
        check_gradient_sign(self)


def _drawn_share(shape: tuple[int, ...]) -> Any:
    """Of eps, as ART draws `random_eps`: half of eps is the standard deviation."""
    return np.round(truncnorm.rvs(0.0, 2.0, scale=0.5, size=shape or None), 10)


def _mask(mask: Any, x: Tensor) -> Tensor | None:
    if mask is None:
        return None
    values = as_tensor(as_numbers("a mask", mask)).to(x)
    if not values.isfinite().all():
        raise ValueError("Expected a mask of finite numbers. Got NaN or infinity.")
    try:
        return values.expand(*x.shape)
    except RuntimeError:
        raise ValueError(
            f"Expected a mask that broadcasts to x of shape {tuple(x.shape)}. "
            f"Got {tuple(values.shape)}."
        ) from None


def rows_of(value: Radius, rows: slice) -> Radius:
    """A radius for those rows of a batch."""
    return value[rows] if isinstance(value, Tensor) else value


def on_device_of(value: Radius, images: Tensor) -> Radius:
    """A radius that can be multiplied with the images."""
    return value.to(images) if isinstance(value, Tensor) else value
