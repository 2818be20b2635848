"""`Objective`: the loss that an attack climbs, as a function of pixels for fixed poses.

Shapes: N images of (3, H, W) pixels, K joints.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from hpe_art.errors import UserError
from hpe_art.estimators.encoded_head import EncodedHead, Targets
from hpe_art.estimators.gradient_copy import PRECISIONS, GradientCopy, Precision
from hpe_art.estimators.heads import HeadAdaptor
from hpe_art.estimators.wrapped_model import WrappedModel
from hpe_art.inputs import as_numbers, as_tensor, with_numbers
from hpe_art.losses import TRAINING, Goal, PoseLoss, loss_function, loss_name

Outputs = Literal["last", "all"]


@dataclass(frozen=True)
class Evaluation:
    """What one pass forward and backward says of each image.

    Attributes:
        losses: (N,).
        gradients: (N, 3, H, W), in loss per grey level; empty where none were asked for.
        poses: (N, K, 3), in crop pixels, as decoded from the outputs of this pass.
    """

    losses: Tensor
    gradients: Tensor
    poses: Tensor


class Objective:
    """A loss for poses that stay, `objective(x) -> (N,)`: their targets are encoded once.

    `PyTorchPoseEstimator.objective` makes it. Passes are counted on the estimator.

    Args:
        wrapped: the model.
        preprocess: the estimator's preprocessing defences of pixels and poses, differentiable.
        y: (N, K, 3), true or target poses in crop pixels, as `inputs.as_poses` gives them.
        loss: a name in `LOSSES`, or a function `(outputs, y, head) -> (N,)`.
        outputs: "last" puts the loss on the scored output only, "all" on those of all stacks.
        precision: of gradients; losses without a gradient are those of the model itself.
        compile: take gradients through a compiled copy.
        flip_test: average with the mirrored image's output.
        goal: where the attacker wants each joint, for losses that ask for it.
        workers: threads that share a batch on a CPU; None for one on each usable core, 0 for none
            but the caller. A function that is given as loss is called by the caller alone.

    Attributes:
        progress: share of its steps that the attack has done, 0 to 1, for losses that ask for it.

    Raises:
        ValueError: a loss or outputs that there are not, or a goal that does not fit y.

    Example:
        >>> objective = estimator.objective(y)
        >>> x = x + objective.gradient(x).sign()
    """

    def __init__(
        self,
        wrapped: WrappedModel,
        preprocess: Callable[[Tensor, Tensor], tuple[Tensor, Any]],
        y: Any,
        loss: str | PoseLoss,
        outputs: Outputs,
        precision: Precision,
        compile: bool,
        flip_test: bool,
        goal: Goal | None = None,
        workers: int | None = None,
    ) -> None:
        check_choices(wrapped.head, loss, outputs, precision)
        self._wrapped = wrapped
        self._preprocess = preprocess
        self._loss = loss_function(loss)
        self._outputs = outputs
        self._precision: Precision = precision
        self._compile = compile
        self._flip_test = flip_test
        self._workers = 0 if callable(loss) else workers
        self._encoding = Lock()
        # What is made in inference mode can never be gone back through.
        with torch.inference_mode(False):
            self.y = with_numbers(as_tensor(y, wrapped.device).to(wrapped.pixel_dtype))
            self._goal = None if goal is None else goal.to(wrapped.device, wrapped.pixel_dtype)
        if goal is not None and goal.radii.shape != self.y.shape[:2]:
            shape = tuple(goal.radii.shape)
            raise ValueError(f"Expected a goal of {tuple(self.y.shape[:2])} joints. Got {shape}.")
        self._targets: Targets | None = None
        self.progress = 0.0

    def __getitem__(self, rows: Tensor) -> Objective:
        """That of some of the images, whose targets are not encoded again."""
        some, known = copy.copy(self), self._targets
        with torch.inference_mode(False):
            some.y = self.y[rows]
            some._goal = None if self._goal is None else self._goal[rows]
            some._targets = known and [(target[rows], w[rows]) for target, w in known]
        return some

    def __call__(self, x: Tensor) -> Tensor:
        """The loss of each image.

        Args:
            x: (N, 3, H, W), 0 to 255, on the device; N as of y.

        Returns:
            (N,), differentiable in x where it asks for a gradient. NumPy preprocessing defences
            have the gradient that ART estimates.

        Raises:
            ValueError: x does not fit y, or a loss of another shape.
        """
        return self._in_parts(x, lambda *part: self._pass(*part)[0])

    def distances(self, x: Tensor) -> Tensor:
        """How far the scored output puts each joint from y, differentiable as the loss is.

        Of x (N, 3, H, W), 0 to 255, on the device, N as of y: (N, K), in crop pixels; see
        `heatmaps.expected_distances`.
        """

        def measure(pixels: Tensor, rows: slice, copy: GradientCopy | None) -> Tensor:
            seen, y = self._preprocess(pixels, self.y[rows])
            return self._wrapped.head.distances(self._raw(seen, copy)[-1], y)

        return self._in_parts(x, measure)

    def gradient(self, x: np.ndarray | Tensor) -> Tensor:
        """The gradient of each image's loss with respect to its pixels.

        Args:
            x: (N, 3, H, W), 0 to 255; N as of y. It goes through in micro-batches.

        Returns:
            (N, 3, H, W) on the device, in loss per grey level.

        Raises:
            ValueError: x does not fit y, or a loss of another shape.
        """
        return self.evaluate(x, with_poses=False).gradients

    def evaluate(
        self, x: np.ndarray | Tensor, with_poses: bool = True, with_gradients: bool = True
    ) -> Evaluation:
        """Loss, gradient and poses of one pass.

        Args:
            x: (N, 3, H, W), 0 to 255; N as of y. It goes through in micro-batches.
            with_poses: decode the outputs; else the poses are empty.
            with_gradients: go back too; else losses and poses are those of the model itself.

        Raises:
            ValueError: x does not fit y, or a loss of another shape.
        """
        x = as_numbers("x", x)
        self._check_x(x)
        how = (self._precision, self._compile) if with_gradients else ()
        with self._wrapped.ready(*how) as copy, torch.set_grad_enabled(with_gradients):
            parts = self._wrapped.in_parts(
                lambda rows: self._evaluate(x[rows], rows, copy, with_poses, with_gradients),
                len(x),
                len(x),
                copy,
                self._workers,
            )
        if len(parts) == 1:
            return Evaluation(*parts[0])
        return Evaluation(*map(torch.cat, zip(*parts, strict=True)))

    def of_pixels(self, seen: Tensor) -> Tensor:
        """The loss (N,) of preprocessed pixels (N, 3, H, W), of the model itself."""
        return self._of_outputs(self._raw(seen, None), self.y, self.y, slice(None))

    def _pass(
        self, pixels: Tensor, rows: slice, copy: GradientCopy | None
    ) -> tuple[Tensor, Tensor]:
        """The loss, and the scored output, of each image that the defences show for these rows."""
        own = self.y[rows]
        seen, y = self._preprocess(pixels, own)
        raw = self._raw(seen, copy)
        return self._of_outputs(raw, y, own, rows), raw[-1]

    def _raw(self, seen: Tensor, copy: GradientCopy | None) -> list[Tensor]:
        raw = self._wrapped.outputs(seen, self._flip_test, copy)
        self._wrapped.check_joints(raw[-1], self.y.shape[1])
        return raw

    def _of_outputs(self, raw: list[Tensor], y: Tensor, own: Tensor, rows: slice) -> Tensor:
        first = 0 if self._outputs == "all" else len(raw) - 1
        goal = None if self._goal is None else self._goal[rows]
        if goal is not None and len(y) != len(own):
            goal = goal[torch.arange(len(own)).repeat_interleave(len(y) // len(own))]
        # Poses that a defence has changed are no longer its own, and encoded anew.
        encoded = partial(self._encoded, len(raw), rows)
        head = EncodedHead(self._wrapped.head, own, first, encoded, goal, self.progress)
        loss = self._loss(raw[first:], y, head)
        if loss.shape != y.shape[:1]:
            raise ValueError(f"Expected a loss of shape ({len(y)},). Got {tuple(loss.shape)}.")
        return loss

    def _in_parts(self, x: Tensor, values: Callable[..., Tensor]) -> Tensor:
        images = as_numbers("x", x)
        self._check_x(images)
        x = x if isinstance(x, Tensor) else as_tensor(images)  # with its graph
        wanted = x.requires_grad and torch.is_grad_enabled()
        device, dtype = self._wrapped.device, self._wrapped.pixel_dtype
        # A compiled graph cannot be gone back through twice, as ART's class gradients ask for.
        how = (self._precision, False) if wanted and not self._compile else ()

        def of_rows(rows: slice, copy: GradientCopy | None) -> Tensor:
            pixels = x[rows].to(device, dtype)
            return mean_per_image(values(pixels, rows, copy), len(pixels))

        with self._wrapped.ready(*how) as copy:
            work = partial(of_rows, copy=copy)
            parts = self._wrapped.in_parts(work, len(x), len(x), copy, self._workers)
        return self._with_gradient(torch.cat(parts), wanted)

    def _evaluate(
        self, x: Any, rows: slice, copy: GradientCopy | None, with_poses: bool, back: bool
    ) -> tuple[Tensor, Tensor, Tensor]:
        pixels = self._wrapped.to_device(x).requires_grad_(back)
        losses, scored = self._pass(pixels, rows, copy)
        losses = self._with_gradient(mean_per_image(losses, len(pixels)), back)
        gradient = losses.new_empty(len(losses))
        if back:
            self._wrapped.count(backward=len(scored) * (2 if self._flip_test else 1))
            (gradient,) = torch.autograd.grad(losses.sum(), pixels)
        poses = scored.new_empty(len(losses))
        if with_poses:
            poses = mean_per_image(self._wrapped.decode(scored.detach()), len(losses))
        return losses.detach(), gradient, poses

    def _with_gradient(self, values: Tensor, wanted: bool) -> Tensor:
        if wanted and not values.requires_grad:
            head = self._wrapped.head
            raise UserError(
                f"Expected a loss with a gradient. Got {loss_name(self._loss)} without one, of "
                f"outputs that {type(head.codec).__name__} decodes: take the loss {TRAINING}, or "
                "register a HeadAdaptor whose decode() has one."
            )
        return values

    def _encoded(self, count: int, rows: slice) -> Targets:
        with self._encoding, torch.inference_mode(False):
            if self._targets is None:
                self._targets = self._wrapped.head.targets(self.y, count)
        return [(target[rows], weights[rows]) for target, weights in self._targets]

    def _check_x(self, x: Any) -> None:
        shape = (len(self.y), *self._wrapped.input_shape)
        if tuple(x.shape) != shape:
            raise ValueError(f"Expected x of shape {shape}, as y. Got {tuple(x.shape)}.")


def mean_per_image(values: Tensor, count: int) -> Tensor:
    """(count, ...), where a defence shows several in a row for each image the mean of theirs."""
    return values if len(values) == count else values.unflatten(0, (count, -1)).mean(1)


def check_choices(head: HeadAdaptor, loss: Any, outputs: Any, precision: Any) -> None:
    """Refuses losses, outputs and precisions that there are not, or that the head cannot have."""
    loss_function(loss)
    if outputs not in get_args(Outputs):
        raise ValueError(f"Expected outputs 'last' or 'all'. Got {outputs!r}.")
    if precision not in PRECISIONS:
        expected = ", ".join(map(repr, PRECISIONS))
        raise ValueError(f"Expected precision out of {expected}. Got {precision!r}.")
    if outputs == "all" and head.only_last and loss == TRAINING:
        raise ValueError(
            "Expected outputs 'last' for a head that trains each level towards targets of its "
            "own (level_indices). Got all outputs: give the head attack_targets(y), or a loss."
        )
