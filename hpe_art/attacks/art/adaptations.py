"""What ART's attacks need before they run on poses: labels, pixels of 0 to 1, blocks, patches.

Each gives a function (target, x, y) to perturbed images; the target is the estimator or its view.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from art.attacks import evasion
from art.estimators.classification import PyTorchClassifier
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, interpolate

from hpe_art.estimators.classifier_view import BROKEN, INTACT

EPS = 8.0
Generate = Callable[[Any, np.ndarray, np.ndarray], np.ndarray]


def plain(name: str, **arguments: Any) -> Generate:
    """The attack's class, called with the target and these arguments."""

    def generate(target: Any, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        attack = getattr(evasion, name)(target, **arguments)
        images: np.ndarray = attack.generate(x, y if not _is_view(target) else None)
        return images

    return generate


def one_by_one(name: str, **arguments: Any) -> Generate:
    """For attacks that take a single image."""

    def generate(target: Any, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        attack = getattr(evasion, name)(target, **arguments)
        return np.concatenate([attack.generate(x[i : i + 1]) for i in range(len(x))])

    return generate


def towards_broken(name: str, **arguments: Any) -> Generate:
    """For attacks that want a target class."""

    def generate(target: Any, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        attack = getattr(evasion, name)(target, **arguments)
        images: np.ndarray = attack.generate(x, _broken(len(x)))
        return images

    return generate


def patch(name: str, **arguments: Any) -> Generate:
    """For attacks that make a patch, which is then put onto each image."""

    def generate(target: Any, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        attack = getattr(evasion, name)(target, **arguments)
        attack.generate(x, _broken(len(x)))
        images: np.ndarray = attack.apply_patch(x, scale=0.4)
        return images

    return generate


def on_probabilities(generate: Generate) -> Generate:
    """For attacks that insist on probabilities."""
    return lambda view, x, y: generate(view.with_probabilities(), x, y)


def on_unit_pixels(generate: Generate) -> Generate:
    """For attacks whose arguments mean pixels of 0 to 1."""
    return lambda view, x, y: generate(view.with_unit_pixels(), x / 255, y) * 255


def on_blocks(count: int, generate: Generate, probabilities: bool = False) -> Generate:
    """For attacks that try every pixel: they see and move count x count blocks of each image."""

    def on_some(view: Any, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        blocks = _Blocks(x, count).to(view.device)
        coarse = _BlockView(
            nn.Sequential(blocks, view.model, *([nn.Softmax(1)] if probabilities else [])),
            nn.CrossEntropyLoss(),
            blocks.means.shape[1:],
            view.nb_classes,
            clip_values=view.clip_values,
            device_type="cpu" if view.device.type == "cpu" else "gpu",
        )
        coarse.blocks, coarse.estimator = blocks, view.estimator
        moved = generate(coarse, blocks.means.cpu().numpy(), y)
        return blocks(torch.as_tensor(moved, device=view.device)).cpu().numpy()

    return on_some


class _Blocks(nn.Module):
    """Means of blocks to whole images: each block is moved as its mean was."""

    images: Tensor
    means: Tensor

    def __init__(self, x: np.ndarray, count: int) -> None:
        super().__init__()
        self.register_buffer("images", torch.as_tensor(x))
        self.register_buffer("means", adaptive_avg_pool2d(self.images, count))

    def forward(self, means: Tensor) -> Tensor:
        nearest = torch.cdist(means.flatten(1), self.means.flatten(1)).argmin(1)
        images = self.images[nearest]
        moved = interpolate(means - self.means[nearest], images.shape[2:], mode="nearest")
        return (images + moved).clamp(0, 255)


class _BlockView(PyTorchClassifier):
    """The view of blocks, with the network's own inner features."""

    blocks: _Blocks
    estimator: Any

    def get_activations(
        self, x: Any, layer: Any, batch_size: int = 128, framework: bool = False
    ) -> Any:
        images = self.blocks(torch.as_tensor(x, device=self.device)).cpu().numpy()
        return self.estimator.get_activations(images, "backbone", batch_size, framework)


def square_on_the_estimator(target: Any, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Square wants to know what success is, and a loss to lower; ours are of poses."""

    def error(truth: np.ndarray, poses: np.ndarray) -> np.ndarray:
        counts = truth[..., 2] > 0
        distances = np.linalg.norm(poses[..., :2] - truth[..., :2], axis=-1)
        return np.asarray((distances * counts).sum(1) / counts.sum(1).clip(min=1))

    attack = evasion.SquareAttack(
        target,
        eps=16.0,
        max_iter=100,
        adv_criterion=lambda truth, poses: error(truth, poses) > 1e9,
        loss=lambda images, truth: -error(truth, target.predict(images)),
        verbose=False,
    )
    images: np.ndarray = attack.generate(x, y)
    return images


def features(target: Any, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Towards the inner features of the next person."""
    attack = evasion.FeatureAdversariesPyTorch(
        target, delta=EPS, layer="backbone", max_iter=20, step_size=1.0, verbose=False
    )
    images: np.ndarray = attack.generate(x, np.roll(x, 1, axis=0))
    return images


def features_by_differences(target: Any, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The same without a gradient, one image at a time."""
    attack = evasion.FeatureAdversariesNumpy(target, delta=EPS, layer=0)
    pairs = zip(x, np.roll(x, 1, axis=0), strict=True)
    return np.concatenate(
        [attack.generate(one[None], other[None], eps=1.0, maxiter=3) for one, other in pairs]
    )


def with_labels(name: str, **arguments: Any) -> Generate:
    """For attacks that do not ask the classifier for labels themselves."""

    def generate(target: Any, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        attack = getattr(evasion, name)(target, **arguments)
        labels = np.eye(3, dtype=np.float32)[[INTACT] * len(x)]
        images: np.ndarray = attack.generate(x, labels)
        return images

    return generate


def laser(view: Any, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A beam drawn over the image; the attack takes channels last, and pixels of 0 to 1."""
    from art.attacks.evasion.laser_attack.laser_attack import LaserBeam, LaserBeamGenerator

    unit = view.with_unit_pixels()
    last = PyTorchClassifier(
        nn.Sequential(_ChannelsFirst(), unit.model),
        nn.CrossEntropyLoss(),
        (*view.input_shape[1:], 3),
        view.nb_classes,
        channels_first=False,
        clip_values=(0.0, 1.0),
        device_type="cpu" if view.device.type == "cpu" else "gpu",
    )
    generator = LaserBeamGenerator(
        LaserBeam.from_array([380, 0, 0, 2]), LaserBeam.from_array([750, np.pi, 128, 12])
    )
    attack = evasion.LaserAttack(last, iterations=20, laser_generator=generator)
    images = attack.generate((x / 255).transpose(0, 2, 3, 1).astype(np.float32))
    return np.asarray(images.transpose(0, 3, 1, 2) * 255)


class _ChannelsFirst(nn.Module):
    """Images (N, H, W, 3) to (N, 3, H, W)."""

    def forward(self, images: Tensor) -> Tensor:
        return images.permute(0, 3, 1, 2).float()


def graphite_blackbox(classifier: Any, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """It starts from images of the target class: those of a few gradient steps."""
    start = evasion.ProjectedGradientDescentPyTorch(
        classifier, eps=16 / 255, eps_step=4 / 255, max_iter=10, verbose=False
    ).generate(x)
    attack = evasion.GRAPHITEBlackbox(
        classifier,
        noise_size=(128, 128),
        net_size=(128, 128),
        heat_patch_size=(64, 64),
        heat_patch_stride=(64, 64),
        num_xforms_mask=4,
        num_xforms_boost=4,
        num_boost_queries=40,
        rotation_range=(-5.0, 5.0),
    )
    images: np.ndarray = attack.generate(x, _broken(len(x)), x_tar=start)
    return images


def _broken(count: int) -> np.ndarray:
    return np.eye(3, dtype=np.float32)[[BROKEN] * count]


def _is_view(target: Any) -> bool:
    return isinstance(target, PyTorchClassifier)
