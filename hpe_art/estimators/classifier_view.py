"""A pose estimator seen as a classifier, for ART's attacks that know nothing but classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from art.estimators.classification import PyTorchClassifier
from torch import Tensor, nn

from hpe_art.estimators.pose_estimator import PyTorchPoseEstimator
from hpe_art.inputs import as_array, as_images, as_poses

INTACT, BROKEN = 0, 1
SCALE = 5.0


class PoseLogits(nn.Module):
    """Images to three logits: the pose is intact, it is broken, and a floor below both.

    An image is matched to the nearest of the reference images, and its pose compared with the
    reference pose. With d_k the distance of joint k (`Objective.distances`) and t
    the threshold times the longer side of the reference pose,

        lost = mean over labelled k of sigmoid((d_k - t) / (t / 3))
        logits = SCALE * (1 - 2 lost, 2 lost - 1, -1)

    so "broken" wins where more than half of the joints are lost. `lost` grows with every d_k. The
    reference images are x (M, 3, H, W), their poses y (M, K, 3). The estimator is no submodule, so
    no `train` or `to` reaches it.
    """

    references: Tensor
    poses: Tensor
    reach: Tensor

    def __init__(
        self, estimator: PyTorchPoseEstimator, x: np.ndarray, y: np.ndarray, threshold: float
    ) -> None:
        super().__init__()
        self.estimator = estimator
        images = torch.as_tensor(np.asarray(x, np.float32))
        self.register_buffer("references", images.flatten(1))
        self.register_buffer("poses", torch.as_tensor(np.asarray(y, np.float32)))
        self.register_buffer("reach", threshold * _longer_side(self.poses))
        # A parameter, since some attacks ask the first one where the model is.
        self.floor = nn.Parameter(torch.tensor(-1.0), requires_grad=False)

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W), 0 to 255, to logits (N, 3)."""
        with torch.no_grad():
            nearest = torch.cdist(images.flatten(1), self.references).argmin(1)
        lost = self.lost(images, nearest)
        return SCALE * torch.stack([1 - 2 * lost, 2 * lost - 1, self.floor.expand_as(lost)], dim=1)

    def lost(self, images: Tensor, references: Tensor) -> Tensor:
        """(N,), the smooth share, 0 to 1, of lost joints; `references` (N,) are their numbers."""
        poses, reach = self.poses[references], self.reach[references][:, None]
        distances = self.estimator.objective(poses).distances(images)
        labelled = (poses[..., 2] > 0).to(distances.dtype)
        shares = torch.sigmoid((distances - reach) / (reach / 3))
        return (shares * labelled).sum(1) / labelled.sum(1)


class PoseClassifierView(PyTorchClassifier):
    """A `PyTorchClassifier` of whether poses are intact or broken.

    ART's DeepFool, AutoAttack, HopSkipJump, SquareAttack, ZOO and so on then look for the
    perturbation that breaks the pose. The view is made for the images that will be attacked; it
    tells them apart by the nearest one, so perturbations must be small beside the differences of
    the images.

    Args:
        estimator: a `PyTorchPoseEstimator`; through NumPy preprocessing defences its gradient is
            ART's estimate.
        x: (M, 3, H, W), the images that will be attacked.
        y: (M, K, 3), the poses that count as intact; default the estimator's own predictions, so
            that every image is intact at first.
        threshold: distance at which a joint is lost, in longer sides of the pose.
    Raises:
        ValueError: y does not fit x, a pose without a labelled joint, or a threshold that is not
            above 0.
    Example:
        >>> view = PoseClassifierView(estimator, x)
        >>> x_adv = DeepFool(view).generate(x)
    """

    def __init__(
        self,
        estimator: PyTorchPoseEstimator,
        x: np.ndarray,
        y: np.ndarray | None = None,
        threshold: float = 0.1,
    ) -> None:
        images = as_array(as_images(x, estimator.input_shape))
        poses = estimator.predict(images) if y is None else as_array(as_poses(y, len(images)))
        labelled = (poses[..., 2] > 0).any(axis=1)
        if not labelled.all():
            first = int(np.argmin(labelled))
            raise ValueError(f"Expected a labelled joint for everyone. Got none for {first}.")
        if not threshold > 0:
            raise ValueError(f"Expected a threshold > 0. Got {threshold}.")
        self._settings = dict(
            loss=nn.CrossEntropyLoss(),
            input_shape=estimator.input_shape,
            nb_classes=3,
            device_type="cpu" if estimator.device.type == "cpu" else "gpu",
        )
        model = PoseLogits(estimator, images, poses, threshold)
        super().__init__(model, clip_values=estimator.clip_values, **self._settings)
        self.estimator = estimator

    def broken(self, x: np.ndarray, batch_size: int = 128) -> np.ndarray:
        """(N,), which images no longer show their reference pose to the network."""
        logits: Any = self.predict(x, batch_size)
        return np.asarray(logits.argmax(1) == BROKEN)

    def with_probabilities(self) -> PyTorchClassifier:
        """The same with a softmax, for attacks that insist on probabilities."""
        model = nn.Sequential(self.model, nn.Softmax(dim=1))
        return PyTorchClassifier(model, clip_values=self.clip_values, **self._settings)

    def with_unit_pixels(self) -> PyTorchClassifier:
        """The same for images of 0 to 1, for attacks whose arguments mean such pixels."""
        model = nn.Sequential(_Grey(), self.model)
        return PyTorchClassifier(model, clip_values=(0.0, 1.0), **self._settings)


class _Grey(nn.Module):
    """Pixels of 0 to 1 to grey levels."""

    def forward(self, images: Tensor) -> Tensor:
        return images * 255.0


def _longer_side(poses: Tensor) -> Tensor:
    """(M,), of the box around the labelled joints; at least a pixel."""
    labelled = (poses[..., 2] > 0)[..., None]
    low = poses[..., :2].masked_fill(~labelled, torch.inf).amin(1)
    high = poses[..., :2].masked_fill(~labelled, -torch.inf).amax(1)
    return (high - low).amax(1).clamp(min=1.0)
