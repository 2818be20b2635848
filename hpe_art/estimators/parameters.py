"""The parameters of `PyTorchPoseEstimator`, as ART keeps them, and what they say.

Shapes: N images of (3, H, W) pixels.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from art.estimators.pytorch import PyTorchEstimator
from mmengine.model import is_model_wrapper
from numpy.typing import NDArray
from torch import Tensor, nn

from hpe_art.errors import UserError
from hpe_art.estimators.defences import NumpyDefences
from hpe_art.estimators.gradient_copy import Precision
from hpe_art.estimators.heads import HeadAdaptor
from hpe_art.estimators.network import packs_bgr
from hpe_art.estimators.objective import Outputs, check_choices
from hpe_art.estimators.workers import check_workers
from hpe_art.estimators.wrapped_model import WrappedModel
from hpe_art.losses import DISTANCE, L1, TRAINING, PoseLoss


def unwrapped(model: Any) -> Any:
    """The model itself out of DataParallel, DistributedDataParallel or torch.compile, also nested.

    They forward to it; a pose model has to be asked for more than that.
    """
    while is_model_wrapper(model) or hasattr(model, "_orig_mod"):
        model = model.module if is_model_wrapper(model) else model._orig_mod
    return model


class PoseEstimatorParameters(PyTorchEstimator):
    """The constructor and its parameters; `PyTorchPoseEstimator` says what they are."""

    estimator_params: ClassVar = [
        *PyTorchEstimator.estimator_params, "outputs", "loss", "flip_test", "precision", "compile",
        "workers",
    ]  # fmt: skip

    def __init__(
        self,
        model: nn.Module,
        outputs: Outputs = "last",
        loss: str | PoseLoss = TRAINING,
        flip_test: bool | None = None,
        precision: Precision = "float32",
        compile: bool = False,
        optimizer: torch.optim.Optimizer | None = None,
        clip_values: tuple[float, float] = (0.0, 255.0),
        preprocessing_defences: Any = None,
        postprocessing_defences: Any = None,
        preprocessing: Any = None,
        device_type: str = "gpu",
        workers: int | None = None,
    ) -> None:
        model = unwrapped(model)
        self._wrapped = WrappedModel(model)
        self.outputs: Outputs = outputs
        self.loss = loss
        self.flip_test = self._own_flip_test if flip_test is None else flip_test
        self.precision: Precision = precision
        self.compile = compile
        self.workers = workers
        self._optimizer = optimizer
        super().__init__(
            model=model,
            clip_values=None if clip_values is None else self._checked_limits(clip_values),
            channels_first=True,
            preprocessing_defences=preprocessing_defences,
            postprocessing_defences=postprocessing_defences,
            preprocessing=preprocessing,
            device_type=device_type,
        )
        self._check_params()  # the bases call only their own
        self._model.to(self._device)

    def _check_params(self) -> None:
        if self.clip_values is not None:
            self._clip_values = self._checked_limits(self.clip_values)
        super()._check_params()
        check_choices(self.head, self.loss, self.outputs, self.precision)
        if not isinstance(self.compile, bool):
            raise ValueError(f"Expected compile True or False. Got {self.compile!r}.")
        check_workers(self.workers)
        if self.flip_test and "flip_indices" not in (getattr(self._model, "dataset_meta", {})):
            raise ValueError(
                "Expected model.dataset_meta with 'flip_indices' for flip_test. Got none: build "
                "with from_config, or set dataset_meta as mmpose.apis.init_model does."
            )

    def _checked_limits(self, limits: Any) -> NDArray[np.float32]:
        """(2,), or (2, ...) that broadcasts with images."""
        try:
            low, high = np.broadcast_arrays(*(np.asarray(end, np.float32) for end in limits))
            np.broadcast_to(low, (1, *self.input_shape))
            fits = bool((low < high).all())
        except (TypeError, ValueError):
            fits = False
        if not fits:
            raise ValueError(
                "Expected clip_values as two numbers, the lowest pixel and the highest, or two "
                f"arrays that broadcast to images {self.input_shape}. Got {limits!r}."
            )
        return np.stack([low, high])

    def set_params(self, **kwargs: Any) -> None:
        """As in ART; what is refused leaves everything as it was.

        Raises:
            ValueError: an argument out of range, another model, or what is settled with it.
            TypeError: an argument of another kind.
        """
        if kwargs.get("model", self._model) is not self._model:
            raise ValueError("Expected the same model. Got another: wrap it in its own estimator.")
        for name in ("device_type", "channels_first"):
            if kwargs.get(name, getattr(self, name)) != getattr(self, name):
                raise ValueError(
                    f"Expected the {name} that the estimator was made with, "
                    f"{getattr(self, name)!r}. Got {kwargs[name]!r}: make another."
                )
        if kwargs.get("flip_test", False) is None:
            kwargs["flip_test"] = self._own_flip_test
        before = {name: getattr(self, name) for name in kwargs if hasattr(self, name)}
        try:
            super().set_params(**kwargs)
        except Exception:
            super().set_params(**before)
            raise

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(3, H, W) of the crops, from the codec."""
        return self._wrapped.input_shape

    @property
    def head(self) -> HeadAdaptor:
        """The adaptor of the model's head."""
        return self._wrapped.head

    @property
    def fits(self) -> int | None:
        """Images at once for which the device has had memory; None where all batches passed."""
        return self._wrapped.fits

    @property
    def forward_passes(self) -> int:
        """Images passed forward so far; flip-test passes two for one."""
        return self._wrapped.forward_passes

    @property
    def backward_passes(self) -> int:
        """Images passed backward so far."""
        return self._wrapped.backward_passes

    @property
    def passes_per_image(self) -> int:
        """How many passes an image takes: two with flip-test."""
        return 2 if self.flip_test else 1

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self._device

    @property
    def packs_bgr(self) -> bool:
        """Whether the pipeline packs blue first, as MMPose's `LoadImage` does by default."""
        return packs_bgr(self._model)

    @property
    def gradient_precision(self) -> str:
        """How gradients are computed, for the record: "float32", or "bfloat16, folded"."""
        return self._wrapped.gradient_precision(self.precision, self.compile)

    def is_flat_at_own_predictions(self, loss: str | PoseLoss | None = None) -> bool:
        """Whether a loss, default its own, has no gradient where y is what the model predicts."""
        loss = self.loss if loss is None else loss
        if loss in (DISTANCE, L1):
            return not self.head.has_cells
        return loss == TRAINING and self.head.flat_at_own_predictions

    def count_outputs(self) -> int:
        """Number of outputs that `outputs="all"` can sum over; passes one blank image forward."""
        return 1 if self.head.only_last and self.loss == TRAINING else self._wrapped.count_outputs()

    def count_joints(self) -> int:
        """Number of joints that it predicts; passes one blank image forward.

        Raises:
            UserError: its predictions are no finite numbers, so that every joint would be lost.
        """
        poses = self._wrapped.blank_poses()
        if not poses.isfinite().all():
            raise UserError(
                "Expected a network that predicts finite numbers. Got others, from finite weights: "
                "some are too large, or a variance is negative. Name an earlier checkpoint."
            )
        return int(poses.shape[1])

    @property
    def layer_names(self) -> list[str]:
        """Names of all modules of the model."""
        return self._wrapped.layer_names

    @property
    def _shared_by(self) -> int | None:
        """Workers of a batch; defences keep to one order, since they may draw random numbers."""
        return 0 if self.preprocessing_operations else self.workers

    @property
    def _own_flip_test(self) -> bool:
        return bool(self._wrapped.test_cfg.get("flip_test", False))

    def _defended(self, pixels: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Pixels on the device and their poses as the preprocessing defences leave them.

        The pixels have a gradient. Expectation over transformations gives several for each image.
        """
        if self.preprocessing_operations and self.all_framework_preprocessing:
            found: tuple[Tensor, Tensor | None]
            found = self._apply_preprocessing(pixels, y, fit=False, no_grad=False)
            return found
        return (NumpyDefences.apply(pixels, self) if self.preprocessing_operations else pixels), y
