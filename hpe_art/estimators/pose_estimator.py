"""`PyTorchPoseEstimator`: an MMPose top-down model as an ART estimator.

Shapes: N images of (3, H, W) pixels, K joints. Poses are (N, K, 3): x, y in pixels of the crop,
and the score (predictions) or the visibility (labels; a joint counts where it is above 0).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from rich.progress import track
from torch import Tensor

from hpe_art.estimators.activations import layer_activations
from hpe_art.estimators.constructors import Constructors
from hpe_art.estimators.gradient_copy import Precision
from hpe_art.estimators.micro_batches import micro_batches
from hpe_art.estimators.network import eval_mode
from hpe_art.estimators.objective import Objective, Outputs, mean_per_image
from hpe_art.gradients import GradientTally, say_gradients
from hpe_art.inputs import Numbers, as_array, as_images, as_poses, check_pixels, is_on_host
from hpe_art.losses import Goal, PoseLoss


class PyTorchPoseEstimator(Constructors):
    """Makes an MMPose top-down model attackable with ART.

    Pixels are those that the model's MMPose pipeline packs: 0 to 255, channels in its order.
    Normalisation is inside the graph, so eps is in grey levels. What is attacked is what is
    scored: with flip-test on, gradients go through both passes. An attack leaves the model's
    weights, buffers, modes and `requires_grad` flags as they were.

    Args:
        model: built MMPose `TopdownPoseEstimator`, moved to the device; taken out of its wrappers.
        outputs: "last" puts the loss on the scored output only; "all" on the outputs of all
            stacks. For a network with one output they are the same.
        loss: a name in `hpe_art.losses.LOSSES`, or a function as there; default the network's
            own training loss.
        flip_test: average with the mirrored image's output; default the model's `test_cfg`.
        precision: of the gradients; poses and losses are always those of the model itself.
            "float32" takes gradients through the model, exactly. "folded" and "bfloat16" take
            them through a private copy with batch norms folded into convolutions, the latter
            rounded to bfloat16; "auto" is bfloat16 where the device has fast units for it, else
            folded. The copy is made anew when weights have changed.
        compile: take gradients through a compiled copy, which takes a minute or so once and pays
            in long runs.
        workers: threads that share each batch on a CPU, each with its own part and one core;
            default one for each core that the process may use. The results do not depend on it.
            Preprocessing defences, losses that are given as functions, and networks with hooks or
            random numbers go without.
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

    def objective(
        self,
        y: np.ndarray | Tensor,
        loss: str | PoseLoss | None = None,
        outputs: Outputs | None = None,
        precision: Precision | None = None,
        goal: Goal | None = None,
    ) -> Objective:
        """The loss for these poses as a function of pixels, with its gradient.

        Args:
            y: (N, K, 3), true or target poses in crop pixels; encoded once.
            loss: a name in `LOSSES` or a function; default the estimator's.
            outputs: "last" or "all"; default the estimator's.
            precision: of the gradients, not compiled; default the estimator's.
            goal: where the attacker wants each joint, for losses that ask for it.

        Raises:
            ValueError: y has another shape or is not finite where it counts, or an argument is out
                of range.
        """
        poses = as_poses(y, len(y) if hasattr(y, "__len__") else 0)
        return Objective(
            self._wrapped,
            self._defended,
            poses,
            loss=self.loss if loss is None else loss,
            outputs=self.outputs if outputs is None else outputs,
            precision=self.precision if precision is None else precision,
            compile=self.compile if precision is None else False,
            flip_test=self.flip_test,
            goal=goal,
            workers=self._shared_by,
        )

    def predict(self, x: np.ndarray | Tensor, batch_size: int = 128, **kwargs: Any) -> Any:
        """Poses that the model sees.

        Args:
            x: (N, 3, H, W), 0 to 255; NumPy, or a tensor.
            batch_size: images per forward pass at most; on a CPU large ones go in parts.
            **kwargs: none is known; any raises.

        Returns:
            (N, K, 3) float32 of the kind of x: x, y in crop pixels, score. Behind a defence that
            shows several transformed images for each, the mean of their poses.

        Raises:
            ValueError: x has another shape.
        """
        _no_more(kwargs)
        images = self._images(x)

        def seen(rows: slice) -> Tensor:
            pixels = self._wrapped.to_device(images[rows])
            scored = self._wrapped.outputs(self._defended(pixels)[0], self.flip_test)[-1]
            return mean_per_image(self._wrapped.decode(scored), len(pixels))

        with eval_mode(self._model), torch.no_grad():
            count, workers = len(images), self._shared_by
            joined = torch.cat(self._wrapped.in_parts(seen, count, batch_size, workers=workers))
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
        images = self._images(x)
        poses = as_poses(y, len(images))
        with torch.no_grad():
            values = [
                self.objective(poses[rows])(self._wrapped.to_device(images[rows]))
                for rows in micro_batches(len(images), batch_size)
            ]
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
        images = self._images(x)
        poses = as_poses(y, len(images))
        gradients = [
            self.objective(poses[rows]).gradient(images[rows])
            for rows in micro_batches(len(images), batch_size)
        ]
        if isinstance(images, Tensor):
            joined = gradients[0] if len(gradients) == 1 else torch.cat(gradients)
            return joined.to(images.device, _floating(images.dtype))
        found = np.concatenate([g.cpu().numpy() for g in gradients])
        tally = GradientTally.begin(len(found), torch.device("cpu"))
        tally.note(torch.from_numpy(found))
        say_gradients(tally.states(), stacklevel=2)
        return found.astype(images.dtype if images.dtype.kind == "f" else np.float32)

    def fit(
        self,
        x: np.ndarray,
        y: np.ndarray,
        batch_size: int = 128,
        nb_epochs: int = 20,
        verbose: bool = False,
        **kwargs: Any,
    ) -> None:
        """Trains the model on its own loss over all outputs, or on `loss`; without flip-test.

        Args:
            x: (N, 3, H, W), 0 to 255.
            y: (N, K, 3), poses in crop pixels.
            batch_size: images per step.
            nb_epochs: passes over x, each in a new random order (NumPy's global generator).
            verbose: shows progress.
            **kwargs: none is known; any raises.

        Raises:
            ValueError: no optimizer was given to the constructor, a wrong shape, a loss that is not
                finite, or a head whose outputs are trained towards targets that are not known.
        """
        _no_more(kwargs)
        if self._optimizer is None:
            raise ValueError("Expected an optimizer to train with. Got None: pass optimizer=...")
        images = as_array(self._images(x))
        poses = as_array(as_poses(y, len(images)))
        images, poses = self._apply_preprocessing(images, poses, fit=True)
        try:
            with eval_mode(self._model):
                # Refused in train mode it would have changed batch norms before.
                with torch.no_grad():
                    one = self._wrapped.uncounted(self._wrapped.to_device(images[:1]))
                self._wrapped.check_joints(one[-1], poses.shape[1])
                self._model.train()
                for _ in track(range(nb_epochs), "fit", transient=True, disable=not verbose):
                    order = np.random.permutation(len(images))
                    for rows in micro_batches(len(images), batch_size):
                        self._optimizer.zero_grad()
                        chosen = order[rows]
                        self._training_loss(images[chosen], poses[chosen]).backward()
                        self._optimizer.step()
        finally:
            # What a fused optimizer changes in place is not counted.
            self._wrapped.forget_copy()

    def _training_loss(self, x: np.ndarray, y: np.ndarray) -> Tensor:
        """The mean loss over all outputs, without flip-test and without defences."""
        objective = Objective(
            self._wrapped, self._defended, y, self.loss, "all", "float32", False, flip_test=False
        )
        loss = objective.of_pixels(self._wrapped.to_device(x)).mean()
        if not loss.isfinite():
            raise ValueError(f"Expected a finite loss. Got {loss:g}: lower the optimizer's lr.")
        return loss

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
            ValueError: no such layer, or one that images do not pass through.
        """
        images = self._images(x)
        seen = x if isinstance(x, Tensor) else images  # with its graph
        return layer_activations(self._wrapped, self._defended, seen, layer, batch_size, framework)

    def _images(self, x: Any) -> Numbers:
        images = as_images(x, self.input_shape)
        if is_on_host(images):
            check_pixels(images, self.clip_values)
        return images


def _floating(dtype: torch.dtype) -> torch.dtype:
    return dtype if dtype.is_floating_point else torch.float32


def _no_more(kwargs: dict[str, Any]) -> None:
    if kwargs:
        raise TypeError(f"Expected no further arguments. Got {sorted(kwargs)}.")
