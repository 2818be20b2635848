"""FGSM and PGD on poses, with ART's parameters, on the device from the first step to the last.

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
from art.attacks.attack import EvasionAttack
from art.estimators.estimator import BaseEstimator, LossGradientsMixin
from art.summary_writer import SummaryWriter
from art.utils import random_sphere
from rich.progress import track
from scipy.stats import truncnorm
from torch import Tensor

from hpe_art.attacks.checks import check_gradient_sign, check_own_predictions, per_image_eps
from hpe_art.attacks.steps import Radius, accumulate, clipped, direction, project
from hpe_art.labels import check_labels
from hpe_art.losses import PoseLoss, pose_error

# Jain et al. 2019 found the best step in [eps/3, eps/2] untargeted and [eps/9, eps/7] targeted.
UNTARGETED_STEP = 0.4
TARGETED_STEP = 1 / 8
UNTARGETED_ITERATIONS = 10
TARGETED_ITERATIONS = 20

Eps = float | np.ndarray | Sequence[float]
Callback = Callable[[int, slice, Tensor], None]


@dataclass
class _Given:
    """What one call of `generate` is about: everything but the radius and the start."""

    x: Tensor
    y: Tensor
    mask: Tensor | None
    batch_size: int
    callback: Callback | None
    directions: Tensor | None = field(default=None)

    def batches(self) -> Iterator[tuple[int, slice]]:
        """Number and rows of each batch."""
        for number, first in enumerate(range(0, len(self.x), self.batch_size)):
            yield number, slice(first, min(first + self.batch_size, len(self.x)))


class _GradientSign(EvasionAttack):
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
            **kwargs: none is known; any raises.

        Returns:
            (N, 3, H, W) of the kind of x, float32; for a list of eps a list of them.

        Raises:
            ValueError: y, mask or eps do not fit x; targeted without y; coordinates without y and
                random start; a callback with several eps or restarts.
        """
        if kwargs:
            raise TypeError(f"Expected no further arguments. Got {sorted(kwargs)}.")
        radii = self._radii(x)
        if callback is not None and (len(radii) > 1 or self.num_random_init > 1):
            raise ValueError(
                "Expected one eps and no restarts with a callback. "
                f"Got {len(radii)} eps and num_random_init {self.num_random_init}."
            )
        y = self._labels(x, y)
        given = _Given(_floating(x), torch.as_tensor(y), _mask(mask, x), self.batch_size, callback)
        found = [self._strongest(given, *radius) for radius in radii]
        if self.summary_writer is not None:
            self.summary_writer.reset()
        like_x = found if isinstance(x, Tensor) else [images.numpy() for images in found]
        return like_x if isinstance(self.eps, (list, tuple)) else like_x[0]

    @abstractmethod
    def _climb(self, given: _Given, start: Tensor | None, radius: Radius, step: Radius) -> Tensor:
        """All images attacked once, where they are."""

    def _strongest(self, given: _Given, radius: Radius, step: Radius) -> Tensor:
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

    def _errors(self, given: _Given, images: Tensor) -> Tensor:
        """(N,), how well each image serves the attacker."""
        poses = self.estimator.predict(images, given.batch_size)
        errors = pose_error(poses, given.y.to(poses))
        return -errors if self.targeted else errors

    def _start(self, given: _Given, radius: Radius) -> Tensor | None:
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

    def _objective(self, y: Tensor) -> Any:
        return self.estimator.objective(y, self.loss, self.outputs, self.precision)

    def _ascent(
        self, objective: Any, now: Tensor, mask: Tensor | None, batch: int, i: int
    ) -> Tensor:
        """The gradient of what the attacker wants more of."""
        gradient = objective.gradient(now)
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

    def _labels(self, x: Any, y: Any) -> Any:
        if y is None:
            if self.targeted:
                raise ValueError("Expected target poses y for a targeted attack. Got None.")
            if not self.num_random_init:
                check_own_predictions(self.estimator, self.loss)
            return self.estimator.predict(x, self.batch_size)
        check_labels(y, len(x))
        return y

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


class PoseFastGradientMethod(_GradientSign):
    """One step of length eps along the gradient of the loss (FGSM for norm inf).

    The one gradient is always taken through the model itself, whatever the precision of the
    estimator: in bfloat16 a single step was found weaker (docs/attacks.md), and there is little
    time to win.

    Args:
        estimator: a `PyTorchPoseEstimator`.
        norm: numpy.inf, 1 or 2.
        eps: length of the step, for norm inf in grey levels. A number; an array (N,) with one for
            each image, or as ART has it, (N, 1, 1, 1); or a list of numbers: `generate` then
            returns a list, at the price of a single gradient for each image.
        targeted: towards y rather than away from it.
        num_random_init: number of starts at random points of the ball; 0 starts at the image. The
            start that ends with the largest pose error (targeted: the smallest) is kept, image by
            image.
        batch_size: images per pass; the result does not depend on it.
        loss: a name in `LOSSES`, or a function; default the estimator's.
        outputs: "last" or "all"; default the estimator's.
        summary_writer: as in ART; it looks at the step from the host.

    Raises:
        ValueError: an argument out of range (the message names it).

    Source: Goodfellow et al. 2015, arXiv:1412.6572.
    """

    attack_params: ClassVar = [
        *EvasionAttack.attack_params,
        "norm",
        "eps",
        "targeted",
        "num_random_init",
        "batch_size",
        "loss",
        "outputs",
        "summary_writer",
    ]
    max_iter = 1
    precision = "float32"

    def __init__(
        self,
        estimator: Any,
        norm: float | str = np.inf,
        eps: Eps = 8.0,
        targeted: bool = False,
        num_random_init: int = 0,
        batch_size: int = 32,
        loss: str | PoseLoss | None = None,
        outputs: str | None = None,
        summary_writer: str | bool | SummaryWriter = False,
    ) -> None:
        super().__init__(estimator=estimator, summary_writer=summary_writer)
        self.norm = norm
        self.eps = eps
        self._targeted = targeted
        self.num_random_init = num_random_init
        self.batch_size = batch_size
        self.loss = loss
        self.outputs = outputs
        self._check_params()

    @property
    def eps_step(self) -> Any:
        """The whole of eps."""
        return self.eps

    def _climb(self, given: _Given, start: Tensor | None, radius: Radius, step: Radius) -> Tensor:
        if given.directions is None or start is not None:
            given.directions = self._directions(given, start)
        begin = given.x if start is None else start
        end = self._step(begin, given.x, given.directions, _near(radius, begin), _near(step, begin))
        if given.callback is not None:
            for _, rows in given.batches():
                given.callback(1, rows, end[rows])
        return end

    def _directions(self, given: _Given, start: Tensor | None) -> Tensor:
        found = torch.empty_like(given.x)
        device = self.estimator.device
        for number, rows in given.batches():
            now = (given.x if start is None else start)[rows].to(device)
            mask = None if given.mask is None else given.mask[rows].to(device)
            ascent = self._ascent(self._objective(given.y[rows]), now, mask, number, 0)
            found[rows] = direction(ascent, float(self.norm)).to(found.device)
        return found


class PoseProjectedGradientDescent(_GradientSign):
    """Steps along the gradient of the loss, projected onto the ball around the image.

    Args:
        estimator: a `PyTorchPoseEstimator`.
        norm: numpy.inf, 1 or 2.
        eps: radius of the ball, for norm inf in grey levels. A number; an array (N,) with one for
            each image, or as ART has it, (N, 1, 1, 1); or a list of numbers: `generate` then
            returns a list.
        eps_step: length of a step, of the kind of `eps`, or a number; default the middle of the
            paper's best range: 0.4 eps untargeted, eps / 8 targeted.
        decay: of the momentum; None is none.
        max_iter: number of steps.
        targeted: towards y rather than away from it.
        num_random_init: number of starts at random points of the ball; 0 starts at the image. The
            start that ends with the largest pose error (targeted: the smallest) is kept, image by
            image.
        batch_size: images per pass; the result does not depend on it.
        random_eps: draws eps from a normal distribution cut at 0 and eps, anew in each call, and
            keeps the ratio of eps_step to it.
        loss: a name in `LOSSES`, or a function; default the estimator's.
        outputs: "last" or "all"; default the estimator's.
        summary_writer: as in ART; it looks at each step from the host.
        verbose: shows progress.

    Raises:
        ValueError: an argument out of range (the message names it).

    Source: Madry et al. 2018, arXiv:1706.06083.
    """

    attack_params: ClassVar = [
        *EvasionAttack.attack_params,
        "norm",
        "eps",
        "eps_step",
        "decay",
        "max_iter",
        "targeted",
        "num_random_init",
        "batch_size",
        "random_eps",
        "loss",
        "outputs",
        "summary_writer",
        "verbose",
    ]

    def __init__(
        self,
        estimator: Any,
        norm: float | str = np.inf,
        eps: Eps = 8.0,
        eps_step: Eps | None = None,
        decay: float | None = None,
        max_iter: int = 100,
        targeted: bool = False,
        num_random_init: int = 0,
        batch_size: int = 32,
        random_eps: bool = False,
        loss: str | PoseLoss | None = None,
        outputs: str | None = None,
        summary_writer: str | bool | SummaryWriter = False,
        verbose: bool = True,
    ) -> None:
        super().__init__(estimator=estimator, summary_writer=summary_writer)
        self.norm = norm
        self.eps = eps
        self.eps_step = eps_step
        self.decay = decay
        self.max_iter = max_iter
        self._targeted = targeted
        self.num_random_init = num_random_init
        self.batch_size = batch_size
        self.loss = loss
        self.outputs = outputs
        self.random_eps = random_eps
        self.verbose = verbose
        self._check_params()

    @classmethod
    def igsm(
        cls,
        estimator: Any,
        eps: Eps = 8.0,
        targeted: bool = False,
        max_iter: int | None = None,
        **kwargs: Any,
    ) -> PoseProjectedGradientDescent:
        """IGSM as in the paper: norm inf, from the image, 10 steps untargeted, 20 targeted.

        Source: Kurakin et al. 2016, arXiv:1607.02533; settings of Jain et al. 2019, section 4.
        """
        if max_iter is None:
            max_iter = TARGETED_ITERATIONS if targeted else UNTARGETED_ITERATIONS
        return cls(estimator, eps=eps, targeted=targeted, max_iter=max_iter, **kwargs)

    def _climb(self, given: _Given, start: Tensor | None, radius: Radius, step: Radius) -> Tensor:
        found = torch.empty_like(given.x)
        device = self.estimator.device
        batches = list(given.batches())
        for number, rows in track(batches, "PGD", transient=True, disable=not self.verbose):
            clean = given.x[rows].to(device)
            now = clean if start is None else start[rows].to(device)
            objective = self._objective(given.y[rows])
            mask = None if given.mask is None else given.mask[rows].to(device)
            ball, length = (_near(_cut(value, rows), clean) for value in (radius, step))
            momentum = torch.zeros_like(clean)
            for i in range(self.max_iter):
                ascent = self._ascent(objective, now, mask, number, i)
                if self.decay is not None:
                    ascent = momentum = accumulate(momentum, ascent, self.decay)
                now = self._step(now, clean, direction(ascent, float(self.norm)), ball, length)
                if given.callback is not None:
                    given.callback(i + 1, rows, now)
            found[rows] = now.to(found.device)
        return found


def _drawn_share(shape: tuple[int, ...]) -> Any:
    """Of eps, as ART draws `random_eps`: half of eps is the standard deviation."""
    return np.round(truncnorm.rvs(0.0, 2.0, scale=0.5, size=shape or None), 10)


def _floating(x: Any) -> Tensor:
    return torch.as_tensor(x).detach().to(torch.float32)


def _mask(mask: np.ndarray | None, x: Any) -> Tensor | None:
    if mask is None:
        return None
    values = torch.as_tensor(mask).to(_floating(x[:1]))
    try:
        return values.expand(*x.shape)
    except RuntimeError:
        raise ValueError(
            f"Expected a mask that broadcasts to x of shape {tuple(x.shape)}. "
            f"Got {tuple(values.shape)}."
        ) from None


def _cut(value: Radius, rows: slice) -> Radius:
    return value[rows] if isinstance(value, Tensor) else value


def _near(value: Radius, images: Tensor) -> Radius:
    return value.to(images) if isinstance(value, Tensor) else value
