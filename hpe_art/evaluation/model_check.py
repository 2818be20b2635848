"""Whether a model is attacked as it is scored, shown on random images and weights.

MMPose's own `test_step` is the oracle for poses, central differences in float64 for gradients.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample
from numpy.typing import NDArray
from torch import Tensor

from hpe_art.attacks import PoseProjectedGradientDescent
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.estimators.objective import Outputs

EPS = 4.0
STEPS = (1e-3, 1e-4, 1e-2, 1e-1)
"""Of central differences, in grey levels along a unit direction of norm inf; the first that agrees
counts. Large ones meet the corners of ReLUs, small ones the rounding of float64."""
POSES_APART, GRADIENTS_APART = 0.005, 0.01
"""Crop pixels, and a share of the larger of both, up to which two count as equal."""
DIRECTIONS = 2
JITTERS = 8


@dataclass
class ModelCheck:
    """What was found of one model.

    Attributes:
        outputs: how many it has.
        poses_apart: largest distance between its poses and MMPose's own, in crop pixels, over
            flip-test off and on, of joints that rounding does not move in MMPose itself.
        gradients_apart: largest relative difference between the gradient along a direction and
            central differences, over flip-test off and on, and all outputs.
        seconds: what all of it took.
        faults: in words; none where all is well.
    """

    outputs: int = 0
    poses_apart: float = 0.0
    gradients_apart: float = 0.0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)


def check_model(model: Any, seed: int = 0) -> ModelCheck:
    """Checks a built model with random weights; it is left in float64.

    Args:
        model: MMPose `TopdownPoseEstimator` with `dataset_meta`.
        seed: of images, poses and directions.
    """
    begun, found = time.perf_counter(), ModelCheck()
    random = np.random.default_rng(seed)
    estimator = PyTorchPoseEstimator(model, device_type="cpu")
    x = random.integers(0, 256, (2, *estimator.input_shape)).astype(np.float32)
    y = _random_poses(estimator, x, random)
    found.outputs = estimator.count_outputs()
    for flip_test in (False, True):
        model.test_cfg["flip_test"] = flip_test
        estimator = PyTorchPoseEstimator(model, device_type="cpu")
        apart = _poses_apart(model, estimator.predict(x)[..., :2], x, random)
        found.poses_apart = max(found.poses_apart, apart)
    if not found.poses_apart <= POSES_APART:
        found.faults.append(f"poses are {found.poses_apart:.3g} pixels from MMPose's own")
    _check_attack(estimator, x, y, found)
    _check_gradients(model.double(), x, y, found, random)
    found.seconds = time.perf_counter() - begun
    return found


def _poses_apart(
    model: Any, poses: NDArray[Any], x: NDArray[Any], random: np.random.Generator
) -> float:
    """The largest distance from MMPose's own, over the joints that rounding does not move there.

    With random weights maps are nearly flat, and refining a maximum of one divides by next to
    nothing: a joint that MMPose itself moves when pixels change by a hundredth does not count.
    """
    own = own_poses(model, x)
    apart = np.abs(poses - own).max(-1)
    if apart.max() > POSES_APART:
        moved = np.zeros(apart.shape, bool)
        for _ in range(JITTERS):
            jittered = x + random.choice([-0.01, 0.01], x.shape).astype(x.dtype)
            moved |= np.abs(own_poses(model, jittered) - own).max(-1) > POSES_APART
        if moved.mean() <= 0.5:
            apart = apart[~moved]
    return float(apart.max())


def own_poses(model: Any, x: NDArray[Any]) -> NDArray[np.float32]:
    """What MMPose itself predicts, through `test_step`: (N, K, 2) in crop pixels.

    Args:
        model: MMPose `TopdownPoseEstimator` with `dataset_meta`.
        x: (N, 3, H, W), 0 to 255, as its pipeline packs them.
    """
    size = np.array(x.shape[:1:-1], np.float32)
    meta = dict(model.dataset_meta)
    samples = []
    for _ in x:
        # A box that is the crop, so that poses in the image are poses in the crop.
        sample = PoseDataSample(
            metainfo={
                "input_size": tuple(size.astype(int)),
                "input_center": size / 2,
                "input_scale": size,
                "flip_indices": meta["flip_indices"],
            }
        )
        whole = np.array([[0, 0, *size]], np.float32)
        sample.gt_instances = InstanceData(bboxes=whole, bbox_scores=np.ones(1, np.float32))
        samples.append(sample)
    with torch.no_grad():
        images = list(torch.as_tensor(x, dtype=next(model.parameters()).dtype))
        predicted = model.test_step({"inputs": images, "data_samples": samples})
    points = [np.asarray(one.pred_instances.keypoints)[0] for one in predicted]
    return np.stack(points).astype(np.float32)[..., :2]


def _random_poses(
    estimator: PyTorchPoseEstimator, x: NDArray[Any], random: np.random.Generator
) -> NDArray[np.float32]:
    """Somewhere in the middle, all visible."""
    _, height, width = estimator.input_shape
    joints = estimator.predict(x[:1]).shape[1]
    points = random.uniform(0.2, 0.8, (len(x), joints, 2)) * (width, height)
    return np.concatenate([points, np.ones((len(x), joints, 1))], -1).astype(np.float32)


def _check_attack(
    estimator: PyTorchPoseEstimator, x: NDArray[Any], y: NDArray[Any], found: ModelCheck
) -> None:
    attack = PoseProjectedGradientDescent(
        estimator, eps=EPS, eps_step=EPS, max_iter=1, verbose=False
    )
    moved = np.abs(attack.generate(x, y) - x)
    if not 0 < moved.max() <= EPS + 1e-4:
        found.faults.append(f"a step of PGD of eps {EPS:g} changes pixels by {moved.max():.3g}")


def _check_gradients(
    model: Any,
    x: NDArray[Any],
    y: NDArray[Any],
    found: ModelCheck,
    random: np.random.Generator,
) -> None:
    ways: list[tuple[bool, Outputs]] = [(False, "last"), (True, "last")]
    if found.outputs > 1:
        ways.append((False, "all"))
    for flip_test, outputs in ways:
        estimator = PyTorchPoseEstimator(
            model, device_type="cpu", flip_test=flip_test, outputs=outputs
        )
        objective = estimator.objective(torch.as_tensor(y[:1], dtype=torch.float64))
        pixels = torch.as_tensor(x[:1], dtype=torch.float64)
        gradient = objective.gradient(pixels)
        if not torch.isfinite(gradient).all() or not (gradient != 0).any():
            found.faults.append(f"no gradient of {outputs} output with flip-test {flip_test}")
            continue
        for _ in range(DIRECTIONS):
            signs = torch.as_tensor(random.choice([-1.0, 1.0], pixels.shape))
            apart = _apart(objective, pixels, gradient, signs)
            found.gradients_apart = max(found.gradients_apart, apart)
    if not found.gradients_apart <= GRADIENTS_APART:
        found.faults.append(
            f"gradients are {100 * found.gradients_apart:.2g} % from central differences"
        )


def _apart(objective: Any, pixels: Tensor, gradient: Tensor, direction: Tensor) -> float:
    # Along the gradient's own signs too, or random directions might be nearly orthogonal to it.
    direction = torch.where(torch.rand_like(direction) < 0.5, direction, gradient.sign())
    expected, least = float((gradient * direction).sum()), float("inf")
    for step in STEPS:
        with torch.no_grad():
            ahead, behind = (objective(pixels + sign * step * direction).sum() for sign in (1, -1))
        measured = float(ahead - behind) / (2 * step)
        apart = abs(measured - expected) / max(abs(measured), abs(expected), 1e-30)
        least = min(least, apart)
        if least <= GRADIENTS_APART / 10:
            break
    return least
