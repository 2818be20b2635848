"""Free adversarial training (Shafahi et al. 2019, arXiv:1904.12843)."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from torch import Tensor

from hpe_art.errors import UserError
from hpe_art.training.adversarial.ascent import Ball
from hpe_art.training.adversarial.pgd import PGDTrainingHook


@HOOKS.register_module()
class FreeTrainingHook(PGDTrainingHook):
    """Shows each batch several times; one backward pass moves weights and perturbation alike.

    Algorithm 1 of the paper. The perturbation goes on from batch to batch. Every iteration but the
    first of `replays` shows the batch before again in place of the loader's, so that an epoch sees
    one in `replays` of the people, and costs what an ordinary one costs.

    Args:
        eps: bound in norm inf, and the step, in grey levels.
        replays: iterations with each batch, 1 at least.
        warmup: as in `PGDTrainingHook`.
    """

    def __init__(self, eps: float, replays: int = 4, warmup: int = 0) -> None:
        super().__init__(eps, max_iter=1, eps_step=eps, warmup=warmup)
        if replays < 1:
            raise UserError(f"Expected replays of 1 at least. Got {replays}.")
        self.replays = replays
        self._batch: dict[str, Any] = {}
        self._moved: Tensor | None = None  # in grey levels
        self._shown: Tensor | None = None

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Gives the batch before once more, unless it is time for another."""
        if batch_idx % self.replays:
            data_batch.update(self._batch)
        self._batch = dict(data_batch)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Keeps the perturbation for a run that goes on."""
        checkpoint["free_perturbation"] = self._moved

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Takes the perturbation up again."""
        self._moved = checkpoint.get("free_perturbation")

    def loss(self, inputs: Tensor, data_samples: Any) -> dict[str, Tensor]:
        """The model's losses, whose backward pass reaches the images too."""
        eps = self.current_eps
        ball = Ball.around(inputs, self.model.data_preprocessor, eps)
        if self._moved is None or self._moved.shape[1:] != inputs.shape[1:]:
            self._moved = torch.zeros_like(inputs)
        if len(self._moved) < len(inputs):
            missing = torch.zeros_like(inputs[len(self._moved) :])
            self._moved = torch.cat([self._moved, missing])
        moved = self._moved[: len(inputs)].clamp(-eps, eps)
        self._shown = ball.clipped(inputs + moved * ball.level).requires_grad_()
        losses: dict[str, Tensor] = self.own_loss(self._shown, data_samples)
        return losses

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Moves the perturbation by the gradient that the weights' pass has left."""
        shown, eps = self._shown, self.current_eps
        if shown is None or shown.grad is None or self._moved is None:
            return
        moved = self._moved[: len(shown)] + eps * shown.grad.sign()
        self._moved[: len(shown)] = moved.clamp(-eps, eps)
        self._shown = None
