"""What an inner layer puts out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from hpe_art.estimators.network import eval_mode, frozen
from hpe_art.estimators.wrapped_model import WrappedModel


def layer_activations(
    wrapped: WrappedModel,
    preprocess: Callable[[Tensor], tuple[Tensor, Tensor | None]],
    x: Any,
    layer: int | str,
    batch_size: int,
    framework: bool,
) -> Any:
    """Output of an inner layer; see `PyTorchPoseEstimator.get_activations`.

    `preprocess` is the estimator's preprocessing defences.

    Raises:
        ValueError: no such layer, or one that images do not pass through.
    """
    names = wrapped.layer_names
    name = dict(enumerate(names)).get(layer, layer) if isinstance(layer, int) else layer
    if name not in names:
        raise ValueError(f"Expected a layer out of {names[:8]}... Got {layer!r}.")
    seen: list[Tensor] = []

    def keep(module: nn.Module, inputs: Any, output: Any) -> None:
        # A copy: the next layer may work in place.
        seen.append((output[-1] if isinstance(output, (list, tuple)) else output).clone())

    differentiable = framework and isinstance(x, Tensor)
    model = wrapped.model
    with eval_mode(model), frozen(model), torch.set_grad_enabled(differentiable):
        handle = model.get_submodule(name).register_forward_hook(keep)
        try:
            for rows in wrapped.micro_batches(len(x), batch_size):
                if differentiable:
                    pixels = x[rows].to(wrapped.device, wrapped.pixel_dtype)
                else:
                    pixels = wrapped.to_device(x[rows])
                before = len(seen)
                wrapped.outputs(preprocess(pixels)[0], flip_test=False)
                del seen[before:-1]
        finally:
            handle.remove()
    if not seen:
        raise ValueError(f"Expected a layer that images pass through. Got {name!r}.")
    joined = torch.cat(seen)
    if framework:
        return joined
    return (joined.float() if joined.dtype == torch.bfloat16 else joined).cpu().numpy()
