"""`PyTorchPoseEstimator`: an MMPose top-down model as an ART estimator.

Shapes: N images of (3, H, W) pixels, K joints. Poses are (N, K, 3): x, y in pixels of the crop,
and the score (predictions) or the visibility (labels; a joint counts where it is above 0).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from art.estimators.pytorch import PyTorchEstimator
from torch import Tensor, nn

from hpe_art.estimators.adaptors import adaptor_for
from hpe_art.estimators.encoded import EncodedTargets
from hpe_art.estimators.fast import PRECISIONS, FastCopy, Precision, name_of
from hpe_art.estimators.loader import build_model, load_config
from hpe_art.estimators.passes import Pass, images_at_once, largest_output, passes
from hpe_art.estimators.scored import as_guest, frozen, normalised, packs_bgr, scored_outputs
from hpe_art.labels import check_labels, with_numbers

Outputs = Literal["last", "all"]
PoseLoss = Callable[[list[Tensor], Tensor], Tensor]


class PyTorchPoseEstimator(PyTorchEstimator):
    """Makes an MMPose top-down model attackable with ART.

    Pixels are those that the model's MMPose pipeline packs: 0 to 255, channels in its order.
    Normalisation is inside the graph, so eps is in grey levels. What is attacked is what is
    scored: with flip-test on, gradients go through both passes.

    The model is a guest: an attack leaves its weights, buffers, modes and `requires_grad` flags
    as they were.

    Args:
        model: built MMPose `TopdownPoseEstimator`, moved to the device.
        outputs: "last" puts the loss on the scored output only; "all" sums it over the outputs
            of all stacks. For a network with one output they are the same.
        loss: per-image loss `(outputs, y) -> (N,)`, with the raw outputs chosen by `outputs` as
            a list and y (N, K, 3) on the device; default the network's own training loss.
        flip_test: average with the mirrored image's output; default the model's `test_cfg`.
        precision: of the gradients; poses and losses are always those of the model itself.
            "float32" takes gradients through the model, exactly. "bfloat16" and "auto" take them
            through a private copy, with batch norms folded into convolutions and rounded to
            bfloat16: always, or for "auto" where the device has fast units for it. The copy is
            made anew when weights have changed.
        compile: take gradients through a copy that `torch.compile` has compiled, which takes a
            minute or so once and pays in long runs.
        optimizer: only `fit` needs it.
        clip_values: allowed range of pixels.
        preprocessing_defences: ART preprocessors, applied before the model.
        postprocessing_defences: ART postprocessors, applied to NumPy predictions.
        preprocessing: ART's `(mean, std)`; on top of the model's own normalisation.
        device_type: "gpu" (where there is one) or "cpu".

    Attributes:
        forward_passes: images passed forward so far (flip-test passes two for one).
        backward_passes: images passed backward so far.

    Raises:
        ValueError: the head has no adaptor, or an argument is out of range.

    Example:
        >>> estimator = PyTorchPoseEstimator.from_config("mmpose_configs/hourglass.py")
        >>> attack = ProjectedGradientDescent(estimator, eps=8, eps_step=2, max_iter=10)
        >>> x_adv = attack.generate(x, y)
    """

    estimator_params: ClassVar = [
        *PyTorchEstimator.estimator_params,
        "outputs",
        "loss",
        "flip_test",
        "precision",
        "compile",
    ]

    def __init__(
        self,
        model: nn.Module,
        outputs: Outputs = "last",
        loss: PoseLoss | None = None,
        flip_test: bool | None = None,
        precision: Precision = "float32",
        compile: bool = False,
        optimizer: torch.optim.Optimizer | None = None,
        clip_values: tuple[float, float] = (0.0, 255.0),
        preprocessing_defences: Any = None,
        postprocessing_defences: Any = None,
        preprocessing: Any = None,
        device_type: str = "gpu",
    ) -> None:
        test_cfg = dict(getattr(model, "test_cfg", None) or {})
        self._adaptor = adaptor_for(getattr(model, "head", model))
        self.outputs = outputs
        self.loss = loss
        self.flip_test = bool(test_cfg.get("flip_test", False)) if flip_test is None else flip_test
        self.precision = precision
        self.compile = compile
        self._test_cfg = test_cfg
        self._encoded = EncodedTargets(self._adaptor)
        self._copy: FastCopy | None = None
        self._largest: int | None = None
        self._optimizer = optimizer
        self.forward_passes = 0
        self.backward_passes = 0
        super().__init__(
            model=model,
            clip_values=clip_values,
            channels_first=True,
            preprocessing_defences=preprocessing_defences,
            postprocessing_defences=postprocessing_defences,
            preprocessing=preprocessing,
            device_type=device_type,
        )
        self._check_params()  # the bases call only their own
        self._model.to(self._device)

    def _check_params(self) -> None:
        super()._check_params()
        if self.outputs not in ("last", "all"):
            raise ValueError(f"Expected outputs 'last' or 'all'. Got {self.outputs!r}.")
        if self.outputs == "all":
            self._check_all()
        if self.precision not in PRECISIONS:
            expected = ", ".join(map(repr, PRECISIONS))
            raise ValueError(f"Expected precision out of {expected}. Got {self.precision!r}.")
        if not isinstance(self.compile, bool):
            raise ValueError(f"Expected compile True or False. Got {self.compile!r}.")
        if self.loss is not None and not callable(self.loss):
            raise ValueError(f"Expected loss to be callable or None. Got {self.loss!r}.")
        if self.flip_test and "flip_indices" not in (getattr(self._model, "dataset_meta", {})):
            raise ValueError(
                "Expected model.dataset_meta with 'flip_indices' for flip_test. Got none: build "
                "with from_config, or set dataset_meta as mmpose.apis.init_model does."
            )

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
            kwargs["flip_test"] = bool(self._test_cfg.get("flip_test", False))
        before = {name: getattr(self, name) for name in kwargs if hasattr(self, name)}
        try:
            super().set_params(**kwargs)
        except Exception:
            super().set_params(**before)
            raise

    @classmethod
    def from_config(
        cls,
        config: str | Path | Any,
        checkpoint: str | Path | None = None,
        device_type: str = "gpu",
        cfg_options: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> PyTorchPoseEstimator:
        """Builds the model of an MMPose config and wraps it.

        Args:
            config: path of any top-down config, or a config already read.
            checkpoint: weights; default the config's `load_from`.
            device_type: "gpu" (where there is one) or "cpu".
            cfg_options: overrides of the config, dotted keys.
            **kwargs: as for the constructor.

        Raises:
            ModelError: config or checkpoint cannot be used (the message says why).
        """
        model = build_model(load_config(config, cfg_options), checkpoint)
        return cls(model, device_type=device_type, **kwargs)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(3, H, W) of the crops, from the codec."""
        width, height = self._adaptor.codec.input_size
        return 3, int(height), int(width)

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
    def found_with(self) -> str:
        """How gradients are computed, for the record: "float32", or "bfloat16, folded"."""
        copy = self._fast_copy()
        if copy is not None:
            return copy.found_with
        return name_of(self._dtype, self._device)

    @property
    def flat_at_own_predictions(self) -> bool:
        """Whether the loss has no gradient where y is what the model itself predicts."""
        return self.loss is None and self._adaptor.flat_at_own_predictions

    def count_outputs(self) -> int:
        """Number of outputs that `outputs="all"` can sum over; passes one blank image forward."""
        blank = torch.zeros(1, *self.input_shape)
        with as_guest(self._model), torch.no_grad():
            count = len(self._raw_outputs(self._to_device(blank)))
        return 1 if self._adaptor.only_last and self.loss is None else count

    def predict(self, x: np.ndarray | Tensor, batch_size: int = 128, **kwargs: Any) -> Any:
        """Poses that the model sees.

        Args:
            x: (N, 3, H, W), 0 to 255; NumPy, or a tensor.
            batch_size: images per forward pass at most; on a CPU large ones go in parts.
            **kwargs: none is known; any raises.

        Returns:
            (N, K, 3) float32 of the kind of x: x, y in crop pixels, score.

        Raises:
            ValueError: x has another shape.
        """
        _no_more(kwargs)
        self._check_x(x)
        poses = []
        with as_guest(self._model), torch.no_grad():
            for rows, _ in self._passes(len(x), batch_size):
                batch = self._to_device(self._preprocessed(x[rows]))
                poses.append(self._adaptor.decode(self._raw_outputs(batch)[-1]).float())
        joined = torch.cat(poses)
        if isinstance(x, Tensor):
            return joined.to(x.device)
        return self._apply_postprocessing(joined.cpu().numpy(), fit=False)

    def compute_loss(
        self, x: np.ndarray | Tensor, y: np.ndarray | Tensor, batch_size: int = 128, **kwargs: Any
    ) -> Any:
        """Loss of each image.

        Args:
            x: (N, 3, H, W), 0 to 255.
            y: (N, K, 3), poses in crop pixels.
            batch_size: images per forward pass at most; on a CPU large ones go in parts.
            **kwargs: none is known; any raises.

        Returns:
            (N,) of the kind of x. With `outputs="all"`, the default loss and no flip-test its mean
            is MMPose's training loss.

        Raises:
            ValueError: x or y has another shape, or y is not finite where it counts.
        """
        _no_more(kwargs)
        self._check_x(x)
        check_labels(y, len(x))
        values = []
        with as_guest(self._model), torch.no_grad():
            for one in self._passes(len(x), batch_size):
                seen = self._to_device(self._preprocessed(x[one.rows]))
                values.append(self._per_image(seen, y[one.batch], one.within))
        joined = torch.cat(values)
        return joined.to(x.device) if isinstance(x, Tensor) else joined.cpu().numpy()

    def loss_gradient(
        self, x: np.ndarray | Tensor, y: np.ndarray | Tensor, batch_size: int = 128, **kwargs: Any
    ) -> Any:
        """Gradient of each image's loss with respect to its pixels.

        Args:
            x: (N, 3, H, W), 0 to 255.
            y: (N, K, 3), poses in crop pixels.
            batch_size: images per pass at most, on a CPU large ones go in parts; the result does
                not depend on it.
            **kwargs: none is known; any raises.

        Returns:
            (N, 3, H, W) of the kind and floating type of x, in loss per grey level.

        Raises:
            ValueError: x or y has another shape, or y is not finite where it counts.
        """
        _no_more(kwargs)
        self._check_x(x)
        check_labels(y, len(x))
        fast = self._fast_copy()
        with self._finding(fast):
            gradients = [
                self._gradient(x[one.rows], y[one.batch], one.within, fast)
                for one in self._passes(len(x), batch_size, fast)
            ]
        if isinstance(x, Tensor):
            joined = gradients[0] if len(gradients) == 1 else torch.cat(gradients)
            return joined.to(x.device, _floating(x.dtype))
        return np.concatenate([g.cpu().numpy() for g in gradients]).astype(
            x.dtype if np.issubdtype(x.dtype, np.floating) else np.float32
        )

    def _gradient(self, x: Any, y: Any, within: slice, fast: FastCopy | None) -> Tensor:
        pixels = self._to_device(x)
        if self.all_framework_preprocessing:
            pixels.requires_grad_()
            seen, _ = self._apply_preprocessing(pixels, None, fit=False, no_grad=False)
            return self._input_gradient(self._per_image(seen, y, within, fast=fast), pixels)
        # A NumPy defence breaks the graph: ART chains its own estimate of the gradient.
        numpy_x = pixels.cpu().numpy()
        seen = self._to_device(self._preprocessed(numpy_x)).requires_grad_()
        losses = self._per_image(seen, y, within, fast=fast)
        gradient = self._input_gradient(losses, seen).cpu().numpy()
        return self._to_device(self._apply_preprocessing_gradient(numpy_x, gradient))

    def _input_gradient(self, losses: Tensor, pixels: Tensor) -> Tensor:
        self.backward_passes += len(losses) * self.passes_per_image
        (gradient,) = torch.autograd.grad(losses.sum(), pixels)
        return gradient

    def joint_distances(self, x: Tensor, y: Tensor) -> Tensor:
        """How far the scored output puts each joint from y, differentiable in x.

        Without a gradient it is measured by the model itself, whatever the precision.

        Args:
            x: (N, 3, H, W), 0 to 255, on the device.
            y: (N, K, 3), poses in crop pixels, on the device.

        Returns:
            (N, K), in crop pixels; see `heatmaps.expected_distances`.

        Raises:
            ValueError: a NumPy preprocessing defence, which has no gradient.
        """
        self._check_differentiable()
        wanted = x.requires_grad and torch.is_grad_enabled()
        # A compiled graph cannot be gone back through twice, as ART's class gradients ask for.
        fast = self._fast_copy() if wanted and not self.compile else None
        with self._finding(fast):
            seen, _ = self._apply_preprocessing(x.to(self._dtype), None, fit=False, no_grad=False)
            outputs = self._raw_outputs(seen, fast=fast)
            return self._adaptor.distances(outputs[-1], y)

    def fit(
        self,
        x: np.ndarray,
        y: np.ndarray,
        batch_size: int = 128,
        nb_epochs: int = 20,
        **kwargs: Any,
    ) -> None:
        """Trains the model on its own loss over all outputs, or on `loss`; without flip-test.

        Args:
            x: (N, 3, H, W), 0 to 255.
            y: (N, K, 3), poses in crop pixels.
            batch_size: images per step.
            nb_epochs: passes over x, each in a new random order (NumPy's global generator).
            **kwargs: none is known; any raises.

        Raises:
            ValueError: no optimizer was given to the constructor, a wrong shape, or a head whose
                outputs are trained towards targets that are not known.
        """
        _no_more(kwargs)
        if self._optimizer is None:
            raise ValueError("Expected an optimizer to train with. Got None: pass optimizer=...")
        self._check_all()
        self._check_x(x)
        check_labels(y, len(x))
        x, y = self._apply_preprocessing(x, y, fit=True)
        try:
            with as_guest(self._model):
                self._model.train()
                for _ in range(nb_epochs):
                    order = np.random.permutation(len(x))
                    for rows, _ in passes(len(x), batch_size):
                        chosen = order[rows]
                        self._optimizer.zero_grad()
                        batch = self._to_device(x[chosen])
                        loss = self._per_image(batch, y[chosen], outputs="all", flip_test=False)
                        loss.mean().backward()
                        self._optimizer.step()
        finally:
            # What a fused optimizer changes in place is not counted.
            self._copy = None

    def get_activations(
        self,
        x: np.ndarray | Tensor,
        layer: int | str,
        batch_size: int = 128,
        framework: bool = False,
    ) -> Any:
        """Output of an inner layer.

        Args:
            x: (N, 3, H, W), 0 to 255.
            layer: name of a module as in `layer_names`, or its index there.
            batch_size: images per forward pass at most; on a CPU large ones go in parts.
            framework: return a tensor rather than NumPy; for a tensor x it is differentiable in x.

        Returns:
            (N, ...), what the layer puts out for the images as they are, not mirrored (the last
            one where it is a list, and of its last call where it is called several times).

        Raises:
            ValueError: no such layer, one that images do not pass through, or a gradient is asked
                for through a NumPy preprocessing defence.
        """
        self._check_x(x)
        names = self.layer_names
        name = dict(enumerate(names)).get(layer, layer) if isinstance(layer, int) else layer
        if name not in names:
            raise ValueError(f"Expected a layer out of {names[:8]}... Got {layer!r}.")
        seen: list[Tensor] = []

        def keep(module: nn.Module, inputs: Any, output: Any) -> None:
            # A copy: the next layer may work in place.
            seen.append((output[-1] if isinstance(output, (list, tuple)) else output).clone())

        differentiable = framework and isinstance(x, Tensor)
        if differentiable:
            self._check_differentiable()
        handle = self._model.get_submodule(name).register_forward_hook(keep)
        try:
            with as_guest(self._model), frozen(self._model), torch.set_grad_enabled(differentiable):
                for rows, _ in self._passes(len(x), batch_size):
                    if differentiable:
                        pixels = torch.as_tensor(x[rows], device=self._device).to(self._dtype)
                        batch, _ = self._apply_preprocessing(pixels, None, fit=False, no_grad=False)
                    else:
                        batch = self._to_device(self._preprocessed(x[rows]))
                    before = len(seen)
                    self._raw_outputs(batch, flip_test=False)
                    del seen[before:-1]
        finally:
            handle.remove()
        if not seen:
            raise ValueError(f"Expected a layer that images pass through. Got {name!r}.")
        joined = torch.cat(seen)
        return joined if framework else joined.cpu().numpy()

    @property
    def layer_names(self) -> list[str]:
        """Names of all modules of the model."""
        return [name for name, _ in self._model.named_modules() if name]

    def _per_image(
        self,
        seen: Tensor,
        given: Any,
        within: slice = slice(None),
        outputs: Outputs | None = None,
        flip_test: bool | None = None,
        fast: FastCopy | None = None,
    ) -> Tensor:
        """The loss (N,) of pixels on the device; those rows of a batch whose poses are given."""
        y = torch.as_tensor(given, device=self._device).to(seen.dtype).detach()
        y = with_numbers(y)
        raw = self._raw_outputs(seen, flip_test, fast)
        first = 0 if (outputs or self.outputs) == "all" else len(raw) - 1
        if self.loss is not None:
            loss = self.loss(raw[first:], y[within])
            if loss.shape != seen.shape[:1]:
                raise ValueError(
                    f"Expected a loss of shape ({len(seen)},). Got {tuple(loss.shape)}."
                )
            return loss
        terms = []
        for i, (target, weights) in enumerate(self._encoded.of(given, y, len(raw))):
            if i >= first:
                rows = target[within], weights[within]
                terms.append(self._adaptor.loss(i, raw[i], rows))
        return torch.stack(terms).sum(0)

    def _raw_outputs(
        self, seen: Tensor, flip_test: bool | None = None, fast: FastCopy | None = None
    ) -> list[Tensor]:
        flip_test = self.flip_test if flip_test is None else flip_test
        self.forward_passes += len(seen) * (2 if flip_test else 1)
        if fast is None:
            return scored_outputs(self._model, self._adaptor, seen, flip_test, self._test_cfg)
        half = fast.dtype == torch.bfloat16
        images = seen.float() if half else seen
        with fast.computing():
            outputs = scored_outputs(fast.model, self._adaptor, images, flip_test, self._test_cfg)
        return [output.to(seen.dtype) for output in outputs]

    @contextmanager
    def _finding(self, fast: FastCopy | None) -> Iterator[None]:
        """The model ready to take gradients through; its copy, if there is one, always is."""
        if fast is not None:
            yield
        else:
            with as_guest(self._model), frozen(self._model):
                yield

    def _fast_copy(self) -> FastCopy | None:
        """The copy to take gradients through; None for the model itself."""
        made_with = (self.precision, self.compile)
        if made_with == ("float32", False):
            return None
        copy = self._copy
        if copy is None or copy.made_with != made_with or not copy.is_current(self._model):
            self._copy = copy = FastCopy(self._model, *made_with, self._example())
        return copy

    def _passes(self, count: int, batch_size: int, fast: FastCopy | None = None) -> Iterator[Pass]:
        """What goes through the model, or its copy, at once."""
        at_once = None
        compiled = fast is not None and self.compile  # anew for every size
        if self._device.type == "cpu" and min(count, batch_size) > 1 and not compiled:
            if self._largest is None:
                self._largest = largest_output(self._model, self._example())
            dtype = self._dtype if fast is None else fast.dtype
            at_once = images_at_once(self._largest, dtype)
        return passes(count, batch_size, at_once)

    def _example(self) -> Tensor:
        """(1, 3, H, W), a normalised image of all grey levels."""
        ramp = torch.linspace(0, 255, int(np.prod(self.input_shape))).view(self.input_shape)
        return normalised(self._model, self._to_device(ramp[None]))

    def _check_all(self) -> None:
        if self._adaptor.only_last and self.loss is None:
            raise ValueError(
                "Expected outputs 'last' for a head that trains each level towards targets of its "
                "own (level_indices). Got all outputs: give the head attack_targets(y), or a loss."
            )

    def _check_differentiable(self) -> None:
        if not self.all_framework_preprocessing:
            raise ValueError(
                "Expected preprocessing defences in PyTorch, for their gradient. Got NumPy ones."
            )

    def _preprocessed(self, x: Any) -> Any:
        if isinstance(x, Tensor):
            on_device = self.all_framework_preprocessing
            x = self._to_device(x) if on_device else x.detach().cpu().numpy()
        if not isinstance(x, Tensor) and not np.issubdtype(x.dtype, np.floating):
            x = x.astype(np.float32)  # whole grey levels, which a defence need not end with
        return self._apply_preprocessing(x, None, fit=False)[0]

    def _to_device(self, values: Any) -> Tensor:
        tensor = torch.as_tensor(values, device=self._device).to(self._dtype)
        return tensor.detach().clone() if tensor is values else tensor.detach()

    @property
    def _dtype(self) -> torch.dtype:
        return next(self._model.parameters()).dtype

    def _check_x(self, x: Any) -> None:
        if tuple(x.shape[1:]) != self.input_shape:
            expected = ", ".join(map(str, self.input_shape))
            raise ValueError(f"Expected x of shape (N, {expected}). Got {tuple(x.shape)}.")
        if not len(x):
            raise ValueError("Expected at least one image. Got none.")


def _floating(dtype: torch.dtype) -> torch.dtype:
    return dtype if dtype.is_floating_point else torch.float32


def _no_more(kwargs: dict[str, Any]) -> None:
    if kwargs:
        raise TypeError(f"Expected no further arguments. Got {sorted(kwargs)}.")
