"""Trains a network towards what a trained one has inside: hints (FitNets, arXiv:1412.6550).

Small ResNets learn slowly from joints alone which side of a body is its left. A trained hourglass
knows, at every scale, and says so to each cell.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import hpe_art.compat  # noqa: F401  (before mmpose)

import torch
from mmpose.models import TopdownPoseEstimator
from mmpose.registry import MODELS
from torch import Tensor, nn
from torch.nn.functional import batch_norm, mse_loss


@MODELS.register_module()
class HintedPoseEstimator(TopdownPoseEstimator):
    """MMPose's `TopdownPoseEstimator` with one more loss in training, `loss_hint`.

    A hint is the mean squared error (FitNets, equation 3) between features of the teacher, each
    channel standardised over the batch, and a 1x1 convolution of the student's features. Unlike
    there it joins the loss of the task from the start. The teacher is not part of the state dict;
    prediction does without it.

    Args:
        teacher: config of a backbone; its `init_cfg` names trained weights.
        hints: for each hint a dict of `student` and `teacher`, the names of modules of the two
            backbones whose outputs (N, C, h, w) have the same h and w, and `channels`, their two
            numbers of channels C.
        hint_weight: of the sum of the hints in the loss.
        **kwargs: of `TopdownPoseEstimator`.
    """

    def __init__(
        self,
        teacher: dict[str, Any],
        hints: list[dict[str, Any]],
        hint_weight: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.hints = hints
        self.hint_weight = hint_weight
        sizes = [hint["channels"] for hint in hints]
        self.align = nn.ModuleList(nn.Conv2d(mine, theirs, 1) for mine, theirs in sizes)
        trained = MODELS.build(teacher)
        trained.init_weights()
        # Inside a tuple, where `state_dict` and the optimizer do not find it.
        self._teacher = (trained.eval().requires_grad_(False),)

    def loss(self, inputs: Tensor, data_samples: list) -> dict[str, Tensor]:
        """The task's losses and the hints' for normalised images (N, 3, H, W)."""
        teacher = self._teacher[0].to(inputs.device)
        names = [hint["student"] for hint in self.hints]
        with _outputs(self.backbone, names) as features:
            losses = super().loss(inputs, data_samples)
        names = [hint["teacher"] for hint in self.hints]
        with torch.no_grad(), _outputs(teacher, names) as targets:
            teacher(inputs)
        hints = [
            mse_loss(
                align(features[hint["student"]]),
                batch_norm(targets[hint["teacher"]], None, None, training=True),
            )
            for hint, align in zip(self.hints, self.align, strict=True)
        ]
        losses["loss_hint"] = self.hint_weight * torch.stack(hints).sum()
        return losses


@contextmanager
def _outputs(network: nn.Module, names: list[str]) -> Iterator[dict[str, Tensor]]:
    """Fills a dict with the outputs of the named modules as the network runs."""
    outputs: dict[str, Tensor] = {}

    def keep(name: str) -> Any:
        return lambda module, inputs, output: outputs.__setitem__(name, output)

    handles = [network.get_submodule(name).register_forward_hook(keep(name)) for name in names]
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()
