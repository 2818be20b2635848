"""Catastrophic overfitting of single-step training, noticed while it trains."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from hpe_art.errors import UserError
from hpe_art.training.adversarial.ascent import Ball, statistics_kept
from hpe_art.training.adversarial.pgd import PGDTrainingHook


@HOOKS.register_module()
class SingleStepGuardHook(Hook):
    """Stops training once small steps find a loss that the training's one step no longer finds.

    A network trained on single steps may learn to withstand these alone (Wong et al. 2020, section
    5.4, who stop when the score under PGD falls). Every `interval` iterations both losses are
    computed on the batch at hand.

    Args:
        interval: iterations between two looks.
        max_iter: small steps of a look.
        ratio: of the loss after small steps to that after one, from which on training stops.

    Raises:
        UserError: while training, when it stops; checkpoints stay.
    """

    def __init__(self, interval: int = 100, max_iter: int = 10, ratio: float = 2.0) -> None:
        if interval < 1 or max_iter < 2 or not ratio > 1:
            raise UserError(
                "Expected interval of 1 at least, max_iter of 2 at least, a ratio above 1. "
                f"Got {interval}, {max_iter}, {ratio}."
            )
        self.interval, self.max_iter, self.ratio = interval, max_iter, ratio

    def before_train(self, runner: Runner) -> None:
        """Finds the recipe that it watches."""
        recipes = [hook for hook in runner.hooks if isinstance(hook, PGDTrainingHook)]
        if len(recipes) != 1:
            raise UserError(
                f"Expected one recipe of adversarial training to watch. Got {len(recipes)}."
            )
        self.recipe = recipes[0]

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Compares the two losses."""
        if not self.every_n_train_iters(runner, self.interval):
            return
        recipe, model = self.recipe, self.recipe.model
        data = model.data_preprocessor(data_batch, True)
        inputs, samples, eps = data["inputs"], data["data_samples"], recipe.current_eps
        loss = recipe.inner_loss(inputs, samples)
        ball = Ball.around(inputs, model.data_preprocessor, eps)
        with statistics_kept(model):
            single = recipe.moved(inputs, samples)
            small = ball.ascended(ball.clean, loss, 2.5 * eps / self.max_iter, self.max_iter)
            with torch.no_grad():
                one, many = float(loss(single)), float(loss(small))
        runner.message_hub.update_scalar("train/small_to_single_steps", many / max(one, 1e-30))
        if many > self.ratio * one:
            raise UserError(
                f"Expected single steps to find most of the loss. Got {one:.3g} after one and "
                f"{many:.3g} after {self.max_iter} small ones at iteration {runner.iter + 1}: the "
                "network withstands single steps only. Go on from an earlier checkpoint with "
                "max_iter=2 or more, or a smaller eps_step."
            )
