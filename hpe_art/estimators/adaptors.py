"""What one family of MMPose heads puts out, seen from an attack: its loss, flip and decoding.

Shapes: N images, K joints, H x W heatmap cells. The adaptors read the head's own codec and loss
modules; they do not change the head.

To attack another family of heads, write an `OutputAdaptor` and name its codec in `ADAPTORS`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from hpe_art import losses
from hpe_art.heatmaps import decode_heatmaps, encode_heatmaps, expected_distances


class OutputAdaptor(ABC):
    """One output of a head: how it is flipped, decoded, and compared with poses."""

    flat_at_own_predictions = False
    """Whether encoding what was decoded gives the output itself, where a loss has its minimum."""

    def __init__(self, head: nn.Module) -> None:
        self.codec: Any = head.decoder
        self.loss_module: Any = head.loss_module
        self._attack_targets: Any = getattr(head, "attack_targets", None)
        self._output_flip_indices: Any = getattr(head, "output_flip_indices", None)
        levels = getattr(head, "level_indices", None) or ()
        # MSPN and RSN train each level towards Gaussians of its own size.
        self.only_last = self._attack_targets is None and len(set(levels)) > 1

    @abstractmethod
    def unflip(self, output: Tensor, flip_indices: list[int], test_cfg: dict[str, Any]) -> Tensor:
        """The output for a mirrored image, brought back to the frame of the image itself."""

    @abstractmethod
    def decode(self, output: Tensor) -> Tensor:
        """The output as poses (N, K, 3): x, y in crop pixels, score."""

    @abstractmethod
    def encode(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Poses (N, K, 3) as the target of an output, and the weight (N, K) of each joint."""

    @abstractmethod
    def loss(self, index: int, output: Tensor, target: tuple[Tensor, Tensor]) -> Tensor:
        """The head's own training loss of output number `index`, per image: (N,)."""

    def distances(self, output: Tensor, y: Tensor) -> Tensor:
        """How far each joint lies from y, in crop pixels, with a gradient: (N, K).

        Only `PoseClassifierView` needs it.
        """
        raise NotImplementedError(
            f"Expected an adaptor with distances(output, y). Got {type(self).__name__}: add it."
        )

    def targets(self, y: Tensor, count: int) -> list[tuple[Tensor, Tensor]]:
        """What each of `count` outputs is trained towards: its target and weights.

        The same for all, unless the head says otherwise: `attack_targets(y)` of a head gives one
        (target, weights) for each of its outputs.
        """
        if self._attack_targets is None:
            return [self.encode(y)] * count
        targets = list(self._attack_targets(y))
        if len(targets) != count:
            raise ValueError(
                f"Expected attack_targets of the head to give {count} targets, one for each "
                f"output. Got {len(targets)}."
            )
        return targets

    def flip_indices(self, index: int, joints: list[int]) -> list[int]:
        """Which channel of output number `index` is the mirror of which.

        That of the dataset's joints, unless the head has `output_flip_indices`, a list for each
        output.
        """
        return joints if self._output_flip_indices is None else self._output_flip_indices[index]

    def module(self, index: int) -> Any:
        """The loss module of output number `index`; heads have one, or one for each."""
        modules = self.loss_module
        return modules[index] if isinstance(modules, nn.ModuleList) else modules


def loss_per_image(module: nn.Module, output: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Any MMPose loss module, image by image: (N,). Exact, but N calls."""
    images = zip(output.split(1), target.split(1), weights.split(1), strict=True)
    return torch.stack([module(*image) for image in images])


@lru_cache
def _index(joints: tuple[int, ...], device: torch.device) -> Tensor:
    """On the device once: a list would be sent there in each pass, which waits for it."""
    with torch.inference_mode(False):
        return torch.tensor(joints, device=device)


class HeatmapAdaptor(OutputAdaptor):
    """Heatmaps (N, K, H, W), of one stage or many.

    MMPose's `MSRAHeatmap` and `PartHeatmap` are encoded and decoded on the device; the other
    heatmap codecs through their own NumPy code, image by image.
    """

    def __init__(self, head: nn.Module) -> None:
        super().__init__(head)
        codec = self.codec
        self.on_device = (
            type(codec).__name__ in ("MSRAHeatmap", "PartHeatmap")
            and float(codec.sigma * 3).is_integer()
        )

    def unflip(self, output: Tensor, flip_indices: list[int], test_cfg: dict[str, Any]) -> Tensor:
        """As MMPose's `flip_heatmaps`."""
        mode = test_cfg.get("flip_mode", "heatmap")
        if mode != "heatmap":
            raise ValueError(f"Expected flip_mode 'heatmap'. Got {mode!r}.")
        output = output.index_select(1, _index(tuple(flip_indices), output.device)).flip(-1)
        if test_cfg.get("shift_heatmap", False):
            output = torch.cat([output[..., :1], output[..., :-1]], dim=-1)
        return output

    def decode(self, output: Tensor) -> Tensor:
        """Maximum of each heatmap, refined as the codec does."""
        if self.on_device:
            blur = _blur(self.codec) if self.codec.unbiased else None
            return decode_heatmaps(output, _factor(self.codec, output), blur)
        decoded = [self.codec.decode(image) for image in output.detach().cpu().numpy()]
        poses = np.stack([np.dstack([points, scores])[0] for points, scores in decoded])
        return torch.as_tensor(poses, dtype=torch.float32, device=output.device)

    def encode(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Gaussians around the joints, peak 1; joints off the map have weight 0."""
        if self.on_device:
            codec = self.codec
            factor = _factor(codec, y)
            return encode_heatmaps(y, factor, codec.heatmap_size, codec.sigma, codec.unbiased)
        poses = y.detach().cpu().numpy()
        encoded = [
            self.codec.encode(pose[None, :, :2], (pose[None, :, 2] > 0).astype(np.float32))
            for pose in poses
        ]
        targets = np.stack([e["heatmaps"] for e in encoded])
        weights = np.concatenate([e["keypoint_weights"] for e in encoded])
        return torch.as_tensor(targets).to(y), torch.as_tensor(weights).to(y)

    def loss(self, index: int, output: Tensor, target: tuple[Tensor, Tensor]) -> Tensor:
        """`KeypointMSELoss` at once; other losses image by image."""
        module = self.module(index)
        if type(module).__name__ == "KeypointMSELoss" and not module.skip_empty_channel:
            return losses.heatmap_mse(output, *target) * module.loss_weight
        return loss_per_image(module, output, *target)

    def distances(self, output: Tensor, y: Tensor) -> Tensor:
        """Averaged over a sharpened heatmap."""
        return expected_distances(output, y[..., :2], _factor(self.codec, output))


class CoordinateAdaptor(OutputAdaptor):
    """Coordinates (N, K, 2) as fractions of the crop's width and height."""

    flat_at_own_predictions = True

    def unflip(self, output: Tensor, flip_indices: list[int], test_cfg: dict[str, Any]) -> Tensor:
        """As MMPose's `flip_coordinates`."""
        shift = 1.0 / self.codec.input_size[0] if test_cfg.get("shift_coords", True) else 0.0
        output = output.index_select(1, _index(tuple(flip_indices), output.device))
        return torch.stack([1.0 - output[..., 0] - shift, output[..., 1]], dim=-1)

    def decode(self, output: Tensor) -> Tensor:
        """Fractions to crop pixels; the score is 1, as in MMPose's `RegressionLabel`."""
        pixels = output * output.new_tensor(self.codec.input_size)
        return torch.cat([pixels, torch.ones_like(pixels[..., :1])], dim=-1)

    def encode(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Crop pixels to fractions; joints outside the crop have weight 0."""
        size = y.new_tensor(self.codec.input_size)
        points = y[..., :2]
        inside = ((points >= 0) & (points <= size - 1)).all(-1)
        return points / size, (inside & (y[..., 2] > 0)).to(y.dtype)

    def loss(self, index: int, output: Tensor, target: tuple[Tensor, Tensor]) -> Tensor:
        """`MSELoss` at once; other losses image by image."""
        module = self.module(index)
        points, weights = target
        if type(module).__name__ == "MSELoss" and module.use_target_weight:
            return losses.coordinate_mse(output, points, weights) * module.loss_weight
        return loss_per_image(module, output, points, weights[..., None])

    def distances(self, output: Tensor, y: Tensor) -> Tensor:
        """Of the points; rounded off below a pixel, so that there is a gradient at 0."""
        offsets = output * output.new_tensor(self.codec.input_size) - y[..., :2]
        return (offsets.square().sum(-1) + 1).sqrt() - 1


ADAPTORS: dict[str, type[OutputAdaptor]] = {
    "MSRAHeatmap": HeatmapAdaptor,
    "UDPHeatmap": HeatmapAdaptor,
    "MegviiHeatmap": HeatmapAdaptor,
    "PartHeatmap": HeatmapAdaptor,
    "RegressionLabel": CoordinateAdaptor,
}


# They have the codec of plain coordinates, and put out deviations or heatmaps beside them.
_WITH_MORE_THAN_COORDINATES = ("RLEHead", "IntegralRegressionHead", "DSNTHead")


def adaptor_for(head: nn.Module) -> OutputAdaptor:
    """The adaptor of an MMPose head, chosen by its codec.

    Raises:
        ValueError: no adaptor for this head (the message lists the codecs there are ones for).
    """
    codec = getattr(head, "decoder", None)
    name = type(codec).__name__
    combined = getattr(codec, "heatmap_type", "gaussian") == "combined"
    more = type(head).__name__ in _WITH_MORE_THAN_COORDINATES
    if name not in ADAPTORS or combined or more or not hasattr(head, "loss_module"):
        raise ValueError(
            f"Expected a head of heatmaps or of plain coordinates, with a codec out of "
            f"{sorted(ADAPTORS)}. "
            f"Got {type(head).__name__} with {name}{' of offsets' if combined else ''}: "
            "add an OutputAdaptor for it to hpe_art.estimators.adaptors.ADAPTORS."
        )
    return ADAPTORS[name](head)


def _blur(codec: Any) -> Tensor:
    """The kernel that MMPose's `gaussian_blur` has from OpenCV."""
    return torch.from_numpy(cv2.getGaussianKernel(codec.blur_kernel_size, 0)[:, 0])


def _factor(codec: Any, like: Tensor) -> Tensor:
    return torch.as_tensor(codec.scale_factor, dtype=like.dtype, device=like.device)
