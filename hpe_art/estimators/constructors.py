"""The ways to an estimator: from a config of MMPose, or from any module."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import nn
from typing_extensions import Self

from hpe_art.estimators.loading import build_model, load_config
from hpe_art.estimators.parameters import PoseEstimatorParameters
from hpe_art.estimators.plain_module import Decode, PlainModel, Size


class Constructors(PoseEstimatorParameters):
    """Those of `PyTorchPoseEstimator`."""

    @classmethod
    def from_config(
        cls,
        config: str | Path | Any,
        checkpoint: str | Path | None = None,
        device_type: str = "gpu",
        cfg_options: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Self:
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

    @classmethod
    def from_module(
        cls,
        module: nn.Module,
        output: str | Decode,
        input_size: Size,
        mean: float | Sequence[float] = 0.0,
        std: float | Sequence[float] = 1.0,
        device_type: str = "gpu",
        **kwargs: Any,
    ) -> Self:
        """Wraps any module that predicts poses, without MMPose's configs and classes.

        Args:
            module: takes images (N, 3, H, W), red first, normalised by `mean` and `std`.
            output: what it puts out. "heatmaps" (N, K, h, w), whose cells lie h/H and w/W apart, or
                a list of them, the last of which is scored; "coordinates" (N, K, 2), as fractions
                of width and height; "pixels" (N, K, 2); "simcc", x (N, K, X) and y (N, K, Y); or a
                function of what it puts out that gives poses (N, K, 2 or 3) in pixels.
            input_size: (W, H) of the images.
            mean: in grey levels, of all channels or of each.
            std: likewise. A module that takes pixels of 0 to 1 has mean 0 and std 255.
            device_type: "gpu" (where there is one) or "cpu".
            **kwargs: as for the constructor; `loss` may be a function `(outputs, y, head) -> (N,)`.

        Raises:
            ValueError: the module takes no such images, or puts out something else (the message
                says what).

        Example:
            >>> estimator = PyTorchPoseEstimator.from_module(net, "heatmaps", (192, 256), std=255)
            >>> y = estimator.predict(x)
            >>> x_adv = PoseProjectedGradientDescent(estimator, eps=4).generate(x, y)
        """
        model = PlainModel(module, output, input_size, mean, std)
        return cls(model, device_type=device_type, **kwargs)
