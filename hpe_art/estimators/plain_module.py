"""Any `torch.nn.Module` that predicts poses, as a model of the shape that MMPose's have.

Shapes: N images of (3, H, W) pixels, K joints.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from mmpose.registry import KEYPOINT_CODECS, MODELS
from torch import Tensor, nn

Size = tuple[int, int]
Decode = Callable[[Any], Tensor]

HEATMAPS, COORDINATES, PIXELS, SIMCC = "heatmaps", "coordinates", "pixels", "simcc"
OUTPUTS = (HEATMAPS, COORDINATES, PIXELS, SIMCC)
SIGMA, SIMCC_SIGMA = 2.0, 6.0
"""Of the Gaussians that a network is taken to be trained towards, in cells and in bins."""


class PlainModel(nn.Module):
    """A module with the parts of a top-down model that an estimator looks at.

    Args:
        module: images (N, 3, H, W) to its outputs.
        output: out of `OUTPUTS`, or a function of its outputs that gives poses (N, K, 2 or 3) in
            pixels of the image.
        input_size: (W, H).
        mean, std: of its normalisation, in grey levels, for each channel or for all.

    Raises:
        ValueError: the module takes no such images, or puts out something else.
    """

    def __init__(
        self,
        module: nn.Module,
        output: str | Decode,
        input_size: Size,
        mean: float | Sequence[float] = 0.0,
        std: float | Sequence[float] = 1.0,
    ) -> None:
        super().__init__()
        if not callable(output) and output not in OUTPUTS:
            raise ValueError(
                f"Expected output out of {', '.join(OUTPUTS)}, or a function that decodes. "
                f"Got {output!r}."
            )
        self.module = module
        self._kind = output
        self._size = (int(input_size[0]), int(input_size[1]))
        self.data_preprocessor = _Normalisation(mean, std)
        self.test_cfg: dict[str, Any] = {}
        self.head = nn.Module()
        codec, loss = self._codec_and_loss(self._seen())
        self.head.decoder = KEYPOINT_CODECS.build(codec)
        self.head.loss_module = MODELS.build(loss)

    def forward(self, inputs: Tensor, data_samples: Any = None, mode: str = "tensor") -> Any:
        """The module's outputs, or fractions of the image where they are pixels."""
        found = self.module(inputs)
        if callable(self._kind) or self._kind == PIXELS:
            points = self._kind(found) if callable(self._kind) else found
            _check(points, 3, "points (N, K, 2)")
            return points[..., :2] / points.new_tensor(self._size)
        return found

    def _seen(self) -> Any:
        """What the module puts out for a blank image."""
        width, height = self._size
        weight = next(self.module.parameters(), torch.zeros(()))
        blank = torch.zeros(1, 3, height, width, device=weight.device, dtype=weight.dtype)
        training = self.module.training
        self.module.eval()
        try:
            with torch.no_grad():
                return self(blank)
        except _OutputError:
            raise
        except Exception as error:  # whatever a module raises
            raise ValueError(
                f"Expected a module that takes images (N, 3, {height}, {width}). Got "
                f"{type(error).__name__}: {error}. Wrap one of another layout in a module that "
                "permutes the channels."
            ) from error
        finally:
            self.module.train(training)

    def _codec_and_loss(self, seen: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        if self._kind == HEATMAPS:
            last = seen[-1] if isinstance(seen, (list, tuple)) else seen
            _check(last, 4, "heatmaps (N, K, h, w), or a list of them")
            cells = (last.shape[3], last.shape[2])
            codec = dict(type="MSRAHeatmap", heatmap_size=cells, sigma=SIGMA)
            return {**codec, "input_size": self._size}, _weighted("KeypointMSELoss")
        if self._kind == SIMCC:
            if not (isinstance(seen, (list, tuple)) and len(seen) == 2):
                raise ValueError(f"Expected x (N, K, X) and y (N, K, Y). Got {_shape(seen)}.")
            for axis in seen:
                _check(axis, 3, "x (N, K, X) and y (N, K, Y)")
            split = seen[0].shape[2] / self._size[0]
            if abs(seen[1].shape[2] / self._size[1] - split) > 1e-6:
                raise ValueError(
                    f"Expected as many bins for a pixel along x and y. Got {_shape(seen)} for "
                    f"images of {self._size}."
                )
            codec = dict(type="SimCCLabel", sigma=SIMCC_SIGMA, simcc_split_ratio=split)
            loss = dict(_weighted("KLDiscretLoss"), beta=10.0, label_softmax=True)
            return {**codec, "input_size": self._size}, loss
        _check(seen, 3, "points (N, K, 2)")
        return dict(type="RegressionLabel", input_size=self._size), _weighted("MSELoss")


class _Normalisation(nn.Module):
    """The part of MMPose's data preprocessor that is read."""

    _enable_normalize = True
    _channel_conversion = False

    def __init__(self, mean: float | Sequence[float], std: float | Sequence[float]) -> None:
        super().__init__()
        for name, given in (("mean", mean), ("std", std)):
            values = torch.as_tensor(given, dtype=torch.float32).flatten()
            if values.numel() not in (1, 3) or not torch.isfinite(values).all():
                raise ValueError(f"Expected {name} as one number or three. Got {given!r}.")
            self.register_buffer(name, values.expand(3).clone().view(3, 1, 1))
        if not (torch.as_tensor(std) > 0).all():
            raise ValueError(f"Expected std above 0. Got {std!r}.")


class _OutputError(ValueError):
    """What a module puts out is not what was named."""


def _check(value: Any, dimensions: int, what: str) -> None:
    wrong = not isinstance(value, Tensor) or value.dim() != dimensions
    if wrong or (dimensions == 3 and what.startswith("points") and value.shape[2] not in (2, 3)):
        raise _OutputError(
            f"Expected {what}. Got {_shape(value)}: name another output, or give a function that "
            "decodes what the module puts out."
        )


def _shape(value: Any) -> str:
    if isinstance(value, Tensor):
        return str(tuple(value.shape))
    if isinstance(value, dict):
        return f"a dict of {', '.join(map(str, value))}"
    if isinstance(value, (list, tuple)):
        return f"{type(value).__name__} of {', '.join(map(_shape, value))}"
    return type(value).__name__


def _weighted(loss: str) -> dict[str, Any]:
    return dict(type=loss, use_target_weight=True)
