"""PGD-AT (Madry et al. 2018, arXiv:1706.06083), and in one step FGSM with a random start."""

from __future__ import annotations

import math
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from torch import Tensor

from hpe_art.errors import UserError
from hpe_art.training.adversarial.ascent import LEVELS, Ball, statistics_kept, total

STATISTICS = ("perturbed", "clean", "both")


@HOOKS.register_module()
class PGDTrainingHook(Hook):
    """Trains on images that signed steps have moved up the model's own training loss.

    The ordinary train step sees them in place of the clean ones: any head, mixed precision,
    several processes and resumed runs go as without the hook. With `max_iter=1` it is FGSM with a
    random start (Wong et al. 2020, arXiv:2001.03994), which a `SingleStepGuardHook` should watch.

    Args:
        eps: bound in norm inf, in grey levels, 0 to 255.
        max_iter: steps for each batch, each of which costs as much as a train step.
        eps_step: grey levels of a step; default 2.5 eps / max_iter, and 1.25 eps for one step.
        random_start: begin somewhere in the ball.
        clean_share: of each batch, the share that stays clean, 0 to 1.
        warmup: iterations over which eps grows from nothing.
        statistics: of which images BatchNorm keeps running means and variances: perturbed, clean,
            or both, one after the other. Other than "perturbed" costs one more forward pass.

    Raises:
        UserError: a value is out of its range.
    """

    def __init__(
        self,
        eps: float,
        max_iter: int = 3,
        eps_step: float | None = None,
        random_start: bool = True,
        clean_share: float = 0.0,
        warmup: int = 0,
        statistics: str = "perturbed",
    ) -> None:
        usual = 1.25 * eps if max_iter == 1 else 2.5 * eps / max(max_iter, 1)
        self.eps, self.max_iter, self.random_start = eps, max_iter, random_start
        self.eps_step = usual if eps_step is None else eps_step
        self.clean_share, self.warmup, self.statistics = clean_share, warmup, statistics
        self._runner: Any = None
        for name, value in (("eps", eps), ("eps_step", self.eps_step)):
            if not (math.isfinite(value) and 0 <= value <= 2 * LEVELS):
                raise UserError(f"Expected {name} in grey levels, 0 to 255. Got {value}.")
        if max_iter < 1 or not 0 <= clean_share <= 1 or warmup < 0:
            raise UserError(
                "Expected max_iter of 1 at least, clean_share of 0 to 1, warmup of 0 at least. "
                f"Got {max_iter}, {clean_share}, {warmup}."
            )
        if statistics not in STATISTICS:
            raise UserError(f"Expected statistics: {', '.join(STATISTICS)}. Got {statistics!r}.")

    def before_train(self, runner: Runner) -> None:
        """Puts the recipe's loss in the place of the model's."""
        self._runner = runner
        wrapped: Any = runner.model
        self.model = wrapped.module if is_model_wrapper(wrapped) else wrapped
        self.own_loss = self.model.loss
        # A function of its own, or copies of the model would copy this hook and its Runner.
        self.model.loss = lambda inputs, data_samples: self.loss(inputs, data_samples)

    def after_train(self, runner: Runner) -> None:
        """Gives the model its own loss back."""
        del self.model.loss

    def loss(self, inputs: Tensor, data_samples: Any) -> dict[str, Tensor]:
        """The losses that are minimised, for normalised images (N, 3, H, W)."""
        perturbed = self.perturbed(inputs, data_samples)
        if self.statistics != "perturbed":
            with torch.no_grad():
                self.own_loss(inputs, data_samples)
        with statistics_kept(self.model, kept=self.statistics == "clean"):
            losses: dict[str, Tensor] = self.own_loss(perturbed, data_samples)
        return losses

    def perturbed(self, inputs: Tensor, data_samples: Any) -> Tensor:
        """The images that the recipe trains on; of the first of a batch the clean ones."""
        clean = round(self.clean_share * len(inputs))
        if clean == len(inputs):
            return inputs
        return torch.cat([inputs[:clean], self.moved(inputs[clean:], data_samples[clean:])])

    def moved(self, inputs: Tensor, data_samples: Any) -> Tensor:
        """The images after the recipe's steps, without a clean share."""
        eps = self.current_eps
        ball = Ball.around(inputs, self.model.data_preprocessor, eps)
        step = self.eps_step * (eps / self.eps if self.eps else 0)
        with statistics_kept(self.model):
            loss = self.inner_loss(inputs, data_samples)
            return ball.ascended(self.start(ball, eps), loss, step, self.max_iter)

    @property
    def current_eps(self) -> float:
        """Eps as far as it has grown."""
        return self.eps * min(1.0, (self._runner.iter + 1) / max(self.warmup, 1))

    def start(self, ball: Ball, eps: float) -> Tensor:
        """Where the steps begin."""
        return ball.random(eps) if self.random_start else ball.clean

    def inner_loss(self, inputs: Tensor, data_samples: Any) -> Any:
        """What the steps raise: a function of normalised images."""
        return lambda images: total(self.model, self.own_loss(images, data_samples))
