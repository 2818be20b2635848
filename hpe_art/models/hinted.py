"""Trains a network towards the features of a trained one: hints (FitNets, arXiv:1412.6550).

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

from hpe_art.checkpoints import check_backbone, read_weights


@MODELS.register_module()
class HintedPoseEstimator(TopdownPoseEstimator):
    """MMPose's `TopdownPoseEstimator` with one more loss in training, `loss_hint`.

    A hint asks a 1x1 convolution of the student's features to give the teacher's (FitNets,
    equation 3). Unlike there: the teacher's channels are standardised over the batch, so that none
    of them counts more than others; the error is a mean, so that sizes do not matter; the
    convolution has no non-linearity; there may be several hints; and they join the loss of the task
    from the start, in one stage. The teacher is not part of the state dict; prediction does
    without it.

    Args:
        teacher: config of a backbone.
        teacher_weights: checkpoint of a model with that backbone (other parts and further stacks
            are left out); a path, or a name with one of MMEngine's prefixes.
        hints: for each hint a dict of `student` and `teacher`, the names of modules of the two
            backbones whose outputs (N, C, h, w) have the same h and w, and `channels`, their two
            numbers of channels C.
        hint_weight: of the sum of the hints in the loss.
        **kwargs: of `TopdownPoseEstimator`.
    Raises:
        ValueError: no hints, a hint names a module that is not there, the checkpoint lacks some of
            the teacher's weights; or, in `loss`, features of other sizes than said.
    """

    def __init__(
        self,
        teacher: dict[str, Any],
        teacher_weights: str,
        hints: list[dict[str, Any]],
        hint_weight: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.hints = hints
        self.hint_weight = hint_weight
        sizes = [hint["channels"] for hint in hints]
        self.align = nn.ModuleList(nn.Conv2d(mine, theirs, 1) for mine, theirs in sizes)
        # Inside a tuple, where `state_dict` and the optimizer do not find it.
        self._teacher = (_trained(teacher, teacher_weights),)
        _check_names(hints, self.backbone, self._teacher[0])

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
            _distance(align, features[hint["student"]], targets[hint["teacher"]], hint)
            for hint, align in zip(self.hints, self.align, strict=True)
        ]
        losses["loss_hint"] = self.hint_weight * torch.stack(hints).sum()
        return losses


def _trained(teacher: dict[str, Any], checkpoint: str) -> nn.Module:
    network = MODELS.build(teacher)
    weights = read_weights(checkpoint)
    check_backbone(network, weights, checkpoint)
    network.load_state_dict({name: weights[f"backbone.{name}"] for name in network.state_dict()})
    network.eval()  # of MMPose's ResNet this gives None
    # Twice as fast for convolutions on a CPU.
    return network.requires_grad_(False).to(memory_format=torch.channels_last)


def _check_names(hints: list[dict[str, Any]], student: nn.Module, teacher: nn.Module) -> None:
    if not hints:
        raise ValueError("Expected one hint at least. Got none.")
    for hint in hints:
        for whose, network in (("student", student), ("teacher", teacher)):
            if hint[whose] not in dict(network.named_modules()):
                raise ValueError(
                    f"Expected the name of a module of the {whose}, a {type(network).__name__}. "
                    f"Got {hint[whose]!r}."
                )


def _distance(align: nn.Module, mine: Tensor, theirs: Tensor, hint: dict[str, Any]) -> Tensor:
    """Mean squared error between the aligned features and the standardised ones to reach."""
    both = f"{hint['student']} and {hint['teacher']}"
    channels, sizes = zip(*((t.shape[1], tuple(t.shape[2:])) for t in (mine, theirs)), strict=True)
    if channels != tuple(hint["channels"]):
        raise ValueError(f"Expected {hint['channels']} channels of {both}. Got {channels}.")
    if sizes[0] != sizes[1]:
        raise ValueError(f"Expected {both} of one size. Got {sizes[0]} and {sizes[1]}.")
    # In float32, also where a hook trains the backbone in bfloat16.
    return mse_loss(align(mine.float()), batch_norm(theirs.float(), None, None, training=True))


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
