"""An MMPose model as the estimator uses it: outputs, gradient copy, micro-batches, counted passes.

Shapes: N images of (3, H, W) pixels.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from hpe_art.errors import UserError
from hpe_art.estimators.gradient_copy import GradientCopy, Precision, name_of
from hpe_art.estimators.heads import head_adaptor
from hpe_art.estimators.micro_batches import Seen, images_at_once, look, micro_batches
from hpe_art.estimators.network import (
    alone,
    eval_mode,
    frozen,
    has_hooks,
    normalised,
    scored_outputs,
)
from hpe_art.estimators.workers import side_by_side
from hpe_art.inputs import as_tensor

Result = TypeVar("Result")
_COUNTING = Lock()
if hasattr(os, "register_at_fork"):
    # A process that is forked while it is held would wait for it for ever.
    os.register_at_fork(
        before=_COUNTING.acquire,
        after_in_parent=_COUNTING.release,
        after_in_child=_COUNTING.release,
    )


class WrappedModel:
    """The one way through a model, for predictions and for gradients; the model is a guest.

    Args:
        model: MMPose `TopdownPoseEstimator`.

    Attributes:
        head: the adaptor of its head.
        test_cfg: the model's.
        forward_passes: images passed forward so far (flip-test passes two for one).
        backward_passes: images passed backward so far.
        fits: images at once for which the device has had memory, once it had none for more.

    Raises:
        ValueError: the head has no adaptor, or weights that were made in inference mode or are not
            finite.
    """

    def __init__(self, model: nn.Module) -> None:
        if any(weight.is_inference() for weight in model.parameters()):
            raise ValueError(
                "Expected a model with gradients. Got one that was built, or moved, inside of "
                "torch.inference_mode: build it outside; the estimator itself works inside."
            )
        for name, values in model.state_dict(keep_vars=True).items():
            # Buffers such as masks of attention may be infinite.
            known = values.isfinite() if isinstance(values, nn.Parameter) else ~values.isnan()
            if not known.all():
                raise ValueError(
                    f"Expected finite weights. Got {name} with values that are not: its training "
                    "diverged, or its file is damaged. Load others."
                )
        self.model = model
        self.head = head_adaptor(getattr(model, "head", model))
        self.test_cfg: dict[str, Any] = dict(getattr(model, "test_cfg", None) or {})
        self.forward_passes = 0
        self.backward_passes = 0
        self._copy: GradientCopy | None = None
        self._seen: Seen | None = None
        self._joints: int | None = None
        self.fits: int | None = None

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(3, H, W) of the crops, from the codec."""
        width, height = self.head.input_size
        return 3, height, width

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return next(self.model.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """Of its weights."""
        return next(self.model.parameters()).dtype

    @property
    def pixel_dtype(self) -> torch.dtype:
        """Of pixels, poses and losses: float32, whatever narrower type the weights have."""
        return torch.float64 if self.dtype == torch.float64 else torch.float32

    @property
    def layer_names(self) -> list[str]:
        """Names of all modules of the model."""
        return [name for name, _ in self.model.named_modules() if name]

    def to_device(self, values: Any) -> Tensor:
        """NumPy or a tensor as pixels for the model, without a graph."""
        tensor = as_tensor(values, self.device).to(self.pixel_dtype)
        return tensor.detach().clone() if tensor is values else tensor.detach()

    def outputs(
        self, pixels: Tensor, flip_test: bool, copy: GradientCopy | None = None
    ) -> list[Tensor]:
        """Raw outputs for pixels (N, 3, H, W) on the device; the last is the scored one.

        Args:
            pixels: 0 to 255.
            flip_test: average with the outputs for the mirrored image.
            copy: to pass them through; default the model itself.
        """
        self.count(forward=len(pixels) * (2 if flip_test else 1))
        if copy is None:
            return self.uncounted(pixels, flip_test)
        # In bfloat16 each layer rounds for itself.
        dtype = torch.float32 if copy.dtype == torch.bfloat16 else copy.dtype
        how = (self.head, pixels, flip_test, self.test_cfg, dtype)
        with copy.computing():
            outputs = scored_outputs(copy.model, *how)
        return [output.to(pixels.dtype) for output in outputs]

    def count(self, forward: int = 0, backward: int = 0) -> None:
        """Notes images that are passed."""
        with _COUNTING:
            self.forward_passes += forward
            self.backward_passes += backward

    def uncounted(self, pixels: Tensor, flip_test: bool = False) -> list[Tensor]:
        """Those of the model itself, by a pass that does not count."""
        how = (self.head, pixels, flip_test, self.test_cfg, self.dtype)
        return [output.to(pixels.dtype) for output in scored_outputs(self.model, *how)]

    def decode(self, scored: Tensor) -> Tensor:
        """The scored output as poses (N, K, 3), float32."""
        return self.head.decode(scored).float()

    def check_joints(self, scored: Tensor, count: int) -> None:
        """Sees that poses have as many joints as the scored output (N, K, ...) is decoded to.

        Raises:
            ValueError: they have not.
        """
        if self._joints is None:
            with torch.no_grad():
                self._joints = self.decode(scored[:1].detach()).shape[1]
        if count != self._joints:
            raise ValueError(
                f"Expected y of the {self._joints} joints that the model predicts. Got {count}."
            )

    def count_outputs(self) -> int:
        """Number of outputs; passes one blank image forward."""
        return len(self._of_blank())

    def blank_poses(self) -> Tensor:
        """(1, K, 3), predicted for a blank image, whatever joints the flip-test is told of."""
        return self.decode(self._of_blank()[-1])

    def _of_blank(self) -> list[Tensor]:
        with eval_mode(self.model), torch.no_grad():
            blank = self.to_device(torch.zeros(1, *self.input_shape))
            return self.outputs(blank, flip_test=False)

    @contextmanager
    def ready(
        self, precision: Precision = "float32", compile: bool = False
    ) -> Iterator[GradientCopy | None]:
        """The model ready to take gradients through, or the copy, which is given."""
        with alone(self.model):
            copy = self.gradient_copy(precision, compile)
            if copy is not None:
                yield copy
            else:
                with eval_mode(self.model), frozen(self.model):
                    yield None

    def gradient_copy(self, precision: Precision, compile: bool) -> GradientCopy | None:
        """The copy to take gradients through; None for the model itself."""
        if (precision, compile) == ("float32", False):
            return None
        made_with = (precision, compile)
        with alone(self.model):
            copy = self._copy
            if copy is None or copy.made_with != made_with or not copy.is_current(self.model):
                self._copy = copy = GradientCopy(self.model, precision, compile, self._example())
        return copy

    def forget_copy(self) -> None:
        """After changes of the weights that PyTorch does not count."""
        self._copy = None

    def gradient_precision(self, precision: Precision, compile: bool) -> str:
        """How gradients are computed, for the record: "float32", or "bfloat16, folded"."""
        copy = self.gradient_copy(precision, compile)
        return name_of(self.dtype, self.device) if copy is None else copy.gradient_precision

    def in_parts(
        self,
        work: Callable[[slice], Result],
        count: int,
        batch_size: int,
        copy: GradientCopy | None = None,
        workers: int | None = None,
    ) -> list[Result]:
        """What `work` gives for the rows of each pass over `count` images, in their order.

        On a CPU workers share them (`side_by_side`), unless a pass leaves something on the network,
        draws random numbers, or calls a user's functions: then the order matters.

        Args:
            work: passes these rows; the model is ready, and stays with the caller.
            count: of images.
            batch_size: images per pass at most.
            copy: what they go through; default the model itself.
            workers: threads; None for one on each usable core, 0 for none but the caller.
        """
        parts = list(self.micro_batches(count, batch_size, copy))
        network = self.model if copy is None else copy.model
        free = self._seen is not None and self._seen.keeps_nothing and self.head.keeps_nothing
        if len(parts) < 2 or workers == 0 or not free or has_hooks(network):
            return self._one_by_one(work, parts)
        return side_by_side(work, parts, workers)

    def _one_by_one(self, work: Callable[[slice], Result], parts: Sequence[slice]) -> list[Result]:
        """What `work` gives for each part, or for its halves where the device's memory is full."""
        results, waiting = [], list(reversed(parts))
        while waiting:
            rows = waiting.pop()
            size = rows.stop - rows.start
            try:
                results.append(work(rows))
            except torch.cuda.OutOfMemoryError as error:
                if size == 1:
                    raise UserError(
                        f"Expected a device with memory for one image. Got {self.device}, which "
                        f"is full: free some, or take --device cpu. {error}"
                    ) from error
                # An image's gradient does not depend on the others of its batch.
                self.fits = size // 2
                torch.cuda.empty_cache()
                middle = rows.start + self.fits
                waiting += [slice(middle, rows.stop), slice(rows.start, middle)]
        return results

    def micro_batches(
        self, count: int, batch_size: int, copy: GradientCopy | None = None
    ) -> Iterator[slice]:
        """The rows that go through the model, or its copy, at once."""
        at_once = None
        compiled = copy is not None and copy.made_with[1]  # anew for every size
        if self.device.type == "cpu" and min(count, batch_size) > 1 and not compiled:
            if self._seen is None:
                self._seen = look(self.model, self._example())
            dtype = self.dtype if copy is None else copy.dtype
            at_once = images_at_once(self._seen.largest, dtype)
        known = [number for number in (at_once, self.fits) if number is not None]
        return micro_batches(count, batch_size, min(known, default=None))

    def _example(self) -> Tensor:
        """(1, 3, H, W), a normalised image of all grey levels."""
        ramp = torch.linspace(0, 255, int(np.prod(self.input_shape))).view(self.input_shape)
        return normalised(self.model, self.to_device(ramp[None])).to(self.dtype)
