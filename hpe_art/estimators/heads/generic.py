"""Any other head of MMPose's shape: its own `predict` and `loss`, by its own codec.

Shapes: N images, K joints.
"""

from __future__ import annotations

import copy
from typing import Any

import hpe_art.compat  # noqa: F401  (before mmpose)

import numpy as np
import torch
from mmengine.structures import InstanceData, PixelData
from mmpose.datasets.transforms import GenerateTarget, PackPoseInputs
from mmpose.structures import PoseDataSample
from torch import Tensor, nn
from torch.nn.functional import pad
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten

from hpe_art.errors import UserError
from hpe_art.estimators.heads.base import ANY_OTHER, HEADS, HeadAdaptor, index_tensor


@HEADS.register_module(name=ANY_OTHER)
class GenericAdaptor(HeadAdaptor):
    """What a head puts out as it is, or, if that is no tensor (N, K, ...), packed into (N, K, D).

    Poses are those of the head's `predict`, also with flip-test: both images' outputs are kept, one
    behind the other, since only the head knows how it joins them. The loss is that of its `loss`,
    image by image, and with flip-test the mean over both images. Losses of the metric have a
    gradient where the codec decodes tensors as tensors (`support_batch_decoding`).

    Raises:
        UserError: the codec does not say how large crops are.
    """

    keeps_nothing = False

    def __init__(self, head: nn.Module) -> None:
        super().__init__(head)
        if getattr(self.codec, "input_size", None) is None:
            raise UserError(
                "Expected a codec with input_size, (W, H) of the crops. "
                f"Got {type(self.codec).__name__}."
            )
        # Shares weights with the head, which stays as it is: outputs take the place of features.
        self._head: Any = copy.copy(head)
        self._head.forward = self._as_given
        self._head.training = False
        self._was_asked = False
        self._raw: _Layout | None = None
        self._labels: _Layout | None = None
        self._joints = 0
        self._mirror: list[int] | None = None

    def outputs(self, raw: Any) -> list[Tensor]:
        """One."""
        if self._raw is None:
            first = tree_map(lambda tensor: tensor[:1].detach().clone(), raw)
            self._joints = len(self._predicted([first], 1)[0])
            self._raw = _Layout(raw)
        if isinstance(raw, Tensor) and raw.shape[1] == self._joints:
            return [raw]
        packed = self._raw.pack(raw)
        return [pad(packed, (0, -packed.shape[1] % self._joints)).unflatten(1, (self._joints, -1))]

    def unflip(self, output: Tensor, flip_indices: list[int], test_cfg: dict[str, Any]) -> Tensor:
        """As it is: `joined` keeps both."""
        return output

    def joined(
        self, own: list[Tensor], mirrored: list[Tensor], joints: list[int], test_cfg: dict[str, Any]
    ) -> list[Tensor]:
        """Both, along the last axis."""
        self._mirror = joints
        return [torch.cat(pair, dim=-1) for pair in zip(own, mirrored, strict=True)]

    def chosen(self, output: Tensor, joints: list[int]) -> Tensor:
        """Not known of these outputs."""
        raise UserError(
            f"Expected a HeadAdaptor for {type(self._head).__name__}, since the model has "
            "output_keypoint_indices. Got none: register one in hpe_art.estimators.heads.HEADS."
        )

    def decode(self, output: Tensor) -> Tensor:
        """By the head's `predict`."""
        # A copy, since some heads work in place.
        images = [self._structure(image) for image in self._images(output.clone())]
        return torch.stack(self._predicted(images, len(output))).to(output)

    def _predicted(self, images: list[Any], count: int) -> list[Tensor]:
        """Poses (K, 3) by what the head has put out, and with flip-test for the mirrors too."""
        size = np.array(self.input_size, np.float32)
        meta = {"input_size": self.input_size, "input_center": size / 2, "input_scale": size}
        sample = PoseDataSample(metainfo={**meta, "flip_indices": self._mirror})
        flip_test = len(images) == 2
        test_cfg = {**getattr(self._head, "test_cfg", {}), "flip_test": flip_test}
        features = images if flip_test else images[0]
        found = self._asked("predict", features, [sample] * count, test_cfg=test_cfg)
        return [_pose(one) for one in (found[0] if isinstance(found, tuple) else found)]

    def encode(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """By the codec, image by image; with flip-test of the mirrored poses too."""
        poses = [y] if self._mirror is None else [y, self._mirrored(y)]
        packed = []
        for some in poses:
            samples = [self._labelled(pose) for pose in some.detach().cpu().numpy()]
            labels = tree_map(lambda *tensors: torch.stack(tensors), *samples)
            self._labels = _Layout(labels)
            packed.append(self._labels.pack(labels))
        return torch.cat(packed, dim=-1).to(y), (y[..., 2] > 0).to(y.dtype)

    def loss(self, index: int, output: Tensor, target: tuple[Tensor, Tensor]) -> Tensor:
        """The sum that MMEngine trains by; the mean of both images with flip-test."""
        labels, weights = target
        assert self._labels is not None  # encoded before
        losses = []
        for number, image in enumerate(self._images(output)):
            known = labels.split(self._labels.width, dim=-1)[number]
            counts = weights if number == 0 else weights[:, self._mirror]
            each = zip(image.split(1), known.split(1), counts.split(1), strict=True)
            losses.append(torch.stack([self._loss_of(*one) for one in each]))
        return torch.stack(losses).mean(0)

    def _loss_of(self, image: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
        """Of one image."""
        assert self._labels is not None
        known = tree_map(lambda label: label[0], self._labels.unpack(labels))
        joints = known["labels"].get("keypoint_weights")
        if joints is not None and joints.shape == weights.shape:
            known["labels"]["keypoint_weights"] = joints * weights
        sample = PoseDataSample(gt_instance_labels=InstanceData(**known["labels"]))
        if known["fields"]:
            sample.gt_fields = PixelData(**known["fields"])
        features = self._structure(image.clone())
        found = self._asked("loss", features, [sample], train_cfg={"compute_acc": False})
        values = [value for name, value in found.items() if "loss" in name]
        return torch.stack([tensor.mean() for value in values for tensor in _listed(value)]).sum()

    def _labelled(self, pose: Any) -> dict[str, dict[str, Tensor]]:
        """What MMPose's pipeline packs of a pose (K, 3) for the loss."""
        encoding = GenerateTarget(encoder=[])
        encoding.encoder = self.codec
        found = {"keypoints": pose[None, :, :2].copy()}
        found["keypoints_visible"] = (pose[None, :, 2] > 0).astype(np.float32)
        found["img"] = np.zeros((1, 1, 3), np.uint8)
        sample = PackPoseInputs()(encoding(found))["data_samples"]
        fields = sample.gt_fields.items() if "gt_fields" in sample else ()
        return {"labels": dict(sample.gt_instance_labels.items()), "fields": dict(fields)}

    def _mirrored(self, y: Tensor) -> Tensor:
        """The poses in the mirrored images."""
        assert self._mirror is not None
        swapped = y.index_select(1, index_tensor(tuple(self._mirror), y.device))
        x = self.input_size[0] - 1 - swapped[..., :1]
        return torch.cat([x, swapped[..., 1:]], dim=-1)

    def _images(self, output: Tensor) -> list[Tensor]:
        """The outputs of the images, and with flip-test those of their mirrors."""
        assert self._raw is not None  # put out before
        return list(output.tensor_split(output[0].numel() // self._raw.width, dim=-1))

    def _structure(self, output: Tensor) -> Any:
        """What the head has put out."""
        assert self._raw is not None
        return self._raw.unpack(output.flatten(1))

    def _as_given(self, features: Any, *_: Any) -> Any:
        self._was_asked = True
        return features

    def _asked(self, method: str, *args: Any, **kwargs: Any) -> Any:
        self._was_asked = False
        found = getattr(self._head, method)(*args, **kwargs)
        if not self._was_asked:
            name = type(self._head).__name__
            raise UserError(
                f"Expected a head whose {method}() calls its forward(). Got {name}: register a "
                "HeadAdaptor for it in hpe_art.estimators.heads.HEADS."
            )
        return found


class _Layout:
    """How the tensors (N, ...) of a structure lie in one (N, width)."""

    def __init__(self, structure: Any) -> None:
        leaves, self._spec = tree_flatten(structure)
        self._leaves = [(leaf.shape[1:], leaf.dtype) for leaf in leaves]
        self.width = sum(shape.numel() for shape, _ in self._leaves)

    def pack(self, structure: Any) -> Tensor:
        """One tensor of all."""
        return torch.cat([leaf.flatten(1) for leaf in tree_flatten(structure)[0]], dim=1)

    def unpack(self, packed: Tensor) -> Any:
        """The structure of a tensor (N, width or more); its floating numbers have that type."""
        leaves, start = [], 0
        for shape, dtype in self._leaves:
            end = start + shape.numel()
            leaf = packed[:, start:end].unflatten(1, shape) if shape else packed[:, start]
            leaves.append(leaf if dtype.is_floating_point else leaf.to(dtype))
            start = end
        return tree_unflatten(leaves, self._spec)


def _pose(instances: InstanceData) -> Tensor:
    """(K, 3) of what a head predicts of one image."""
    points = torch.as_tensor(instances.keypoints)[0][..., :2]
    scores = torch.as_tensor(instances.keypoint_scores)[0]
    return torch.cat([points, scores.reshape(-1, 1).to(points)], dim=-1)


def _listed(value: Any) -> list[Tensor]:
    return list(value) if isinstance(value, (list, tuple)) else [value]
