"""A clean loss, and how far outputs move: after TRADES (Zhang et al. 2019, arXiv:1901.08573)."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.registry import HOOKS
from torch import Tensor
from torch.nn.functional import mse_loss
from torch.utils._pytree import tree_leaves

from hpe_art.training.adversarial.ascent import Ball, statistics_kept
from hpe_art.training.adversarial.pgd import PGDTrainingHook

NEAR = 1e-3
"""Of eps, where the steps begin: at the clean image itself the distance has no gradient."""


@HOOKS.register_module()
class TradesTrainingHook(PGDTrainingHook):
    """Minimises the clean loss plus `beta` times the distance that a perturbation moves outputs.

    Equation 5 of the paper with the squared distance of the model's outputs (heatmaps of every
    stack, coordinates, scores along axes), a mean over all their values, in place of the
    classifier's divergence. The perturbation raises that distance; it does not see labels.

    Args:
        beta: weight of the distance, the paper's 1 / lambda.
        **kwargs: of `PGDTrainingHook`; of its running statistics, "clean" are those of the clean
            pass, which the recipe makes anyway.
    """

    def __init__(self, eps: float, beta: float = 6.0, **kwargs: Any) -> None:
        super().__init__(eps, **kwargs)
        self.beta = beta

    def loss(self, inputs: Tensor, data_samples: Any) -> dict[str, Tensor]:
        """The model's losses on clean images, and `loss_distance`."""
        perturbed = self.perturbed(inputs, data_samples)
        with statistics_kept(self.model, kept=self.statistics == "perturbed"):
            losses: dict[str, Tensor] = self.own_loss(inputs, data_samples)
            with statistics_kept(self.model):
                clean = self._outputs(inputs)
        with statistics_kept(self.model, kept=self.statistics == "clean"):
            moved = self._outputs(perturbed)
        losses["loss_distance"] = self.beta * _distance(moved, clean)
        return losses

    def start(self, ball: Ball, eps: float) -> Tensor:
        """Next to the clean images, or somewhere in the ball."""
        return super().start(ball, eps) if self.random_start else ball.random(NEAR * eps)

    def inner_loss(self, inputs: Tensor, data_samples: Any) -> Any:
        """The distance from the clean images' outputs."""
        with torch.no_grad():
            clean = self._outputs(inputs)
        return lambda images: _distance(self._outputs(images), clean)

    def _outputs(self, images: Tensor) -> list[Tensor]:
        outputs = tree_leaves(self.model(images, None, mode="tensor"))
        return [output for output in outputs if isinstance(output, Tensor)]


def _distance(moved: list[Tensor], clean: list[Tensor]) -> Tensor:
    pairs = zip(moved, clean, strict=True)
    return torch.stack([mse_loss(one.float(), other.float()) for one, other in pairs]).sum()
