"""Perturbations for networks that the attacker does not have, found on others that he has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from art.estimators.estimator import BaseEstimator, LossGradientsMixin
from torch import Tensor

from hpe_art.attacks.batches import Batch, BatchedAttack, Callback
from hpe_art.attacks.checks import check_finite, check_flags, check_loss, check_norm, check_whole
from hpe_art.attacks.resampling import Placement, smoothed
from hpe_art.attacks.steps import accumulate, clipped, direction, project
from hpe_art.losses import Goal, PoseLoss


class PoseTransfer(BatchedAttack):
    """Iterated gradient steps with what keeps them from fitting one network too closely.

    MI is `decay=1`, NI with `nesterov` too, DI is `diversity`, TI `kernel`, SI `scales`; all can be
    on at once, and with all off (`decay=None`) it is `PoseProjectedGradientDescent`. The last image
    is the result: what is strongest on the network at hand says little about others.

    Args:
        estimator: a `PyTorchPoseEstimator`.
        norm: numpy.inf, 1 or 2.
        eps: radius of the ball, for norm inf in grey levels.
        eps_step: length of a step; default eps / max_iter, as in the papers.
        max_iter: number of steps.
        decay: of the momentum; None is none.
        nesterov: takes the gradient where the momentum leads to.
        diversity: share of images that are shrunk and moved at random, anew for each gradient; 0 is
            none. Poses and goals move along.
        kernel: side in pixels, odd, of the window over which gradients are averaged; 1 is none.
        scales: number of copies in each step, each half as bright as the one before; 1 is none.
        sources: further estimators for crops of the same size, whose gradients count as much as the
            estimator's own: each is scaled to L1 norm 1.
        targeted: towards y rather than away from it.
        seed: of `diversity`, with the place of the image.
        batch_size: images per pass; the result does not depend on it.
        loss: a name in `LOSSES`, or a function; default that of each estimator.
        outputs: "last" or "all"; default that of each estimator.

    Raises:
        ValueError: an argument out of range, or sources that do not fit (the message names it).

    Source: MI, Dong et al. 2018, arXiv:1710.06081; NI and SI, Lin et al. 2020, arXiv:1908.06281;
    DI, Xie et al. 2019, arXiv:1803.06978; TI, Dong et al. 2019, arXiv:1904.02884.
    """

    attack_params: ClassVar = [
        *BatchedAttack.attack_params,
        *("norm", "eps", "eps_step", "max_iter", "decay", "nesterov", "diversity", "kernel"),
        *("scales", "sources", "targeted", "seed", "batch_size", "loss", "outputs"),
    ]
    _needs_goal = False
    _estimator_requirements = (BaseEstimator, LossGradientsMixin)

    def __init__(
        self,
        estimator: Any,
        norm: float | str = np.inf,
        eps: float = 8.0,
        eps_step: float | None = None,
        max_iter: int = 10,
        decay: float | None = 1.0,
        nesterov: bool = False,
        diversity: float = 0.0,
        kernel: int = 1,
        scales: int = 1,
        sources: Sequence[Any] = (),
        targeted: bool = False,
        seed: int = 0,
        batch_size: int = 32,
        loss: str | PoseLoss | None = None,
        outputs: str | None = None,
    ) -> None:
        super().__init__(estimator=estimator)
        self.norm = norm
        self.eps = eps
        self.eps_step = eps_step
        self.max_iter = max_iter
        self.decay = decay
        self.nesterov = nesterov
        self.diversity = diversity
        self.kernel = kernel
        self.scales = scales
        self.sources = sources
        self._targeted = targeted
        self.seed = seed
        self.batch_size = batch_size
        self.loss = loss
        self.outputs = outputs
        self._check_params()

    def _perturbed(self, batch: Batch, callback: Callback | None) -> Tensor:
        """(n, 3, H, W), where the last step ends."""
        clean = now = batch.x
        norm = float(self.norm)
        step = self.eps / max(self.max_iter, 1) if self.eps_step is None else self.eps_step
        # Momentum of L1 norm 1, spread over all pixels, then leads on by one decayed step. So it is
        # in the code of the paper, whose equation 6 would lead nowhere.
        ahead = step * (self.decay or 0.0) * clean[0].numel() ** (1 - 1 / norm)
        momentum = torch.zeros_like(clean)
        fixed = None if self.diversity else self._objectives(batch.y, batch.goal)
        for uniform in self._random(batch):
            seen = now + ahead * momentum if self.nesterov else now
            along = self._ascent(batch, seen, uniform, fixed)
            if self.kernel > 1:
                along = smoothed(along, self.kernel)
            if self.decay is not None:
                along = momentum = accumulate(momentum, along, self.decay)
            moved = clipped(now + step * direction(along, norm), self.estimator.clip_values)
            now = clean + project(moved - clean, self.eps, norm)
        return now

    def _ascent(
        self, batch: Batch, images: Tensor, uniform: Tensor, fixed: list[Any] | None
    ) -> Tensor:
        """The gradient (n, 3, H, W) of what the attacker wants more of, over copies and networks.

        Args:
            batch: what is attacked.
            images: (n, 3, H, W), where.
            uniform: (copies, n, 4), random numbers.
            fixed: the objective of each network, where poses stay in place.
        """
        totals = [torch.zeros_like(images) for _ in self._networks]
        for copy, numbers in enumerate(uniform):
            share, shown, objectives = 0.5**copy, images, fixed
            if objectives is None:
                height, width = images.shape[2:]
                placement = Placement.drawn(numbers, self.diversity, (height, width))
                goal = None if batch.goal is None else placement.of_goal(batch.goal)
                objectives = self._objectives(placement.of_poses(batch.y), goal)
                shown = placement.of(images)
            for i, objective in enumerate(objectives):
                gradient = share * objective.gradient(share * shown)
                batch.tally.note(gradient)
                totals[i] += gradient if fixed is not None else placement.back(gradient)
        if len(totals) > 1:
            totals = [accumulate(torch.zeros_like(one), one, 0.0) for one in totals]
        total = torch.stack(totals).sum(0)
        return -total if self.targeted else total

    @property
    def _networks(self) -> list[Any]:
        return [self.estimator, *self.sources]

    def _objectives(self, y: Tensor, goal: Goal | None) -> list[Any]:
        return [one.objective(y, self.loss, self.outputs, goal=goal) for one in self._networks]

    def _random(self, batch: Batch) -> Tensor:
        """(max_iter, copies, n, 4), uniform, of the seed and the place of each image."""
        shape = (self.max_iter, self.scales, 4)
        drawn = [
            np.random.default_rng([self.seed, place]).random(shape, np.float32)
            for place in batch.places.tolist()
        ]
        return torch.as_tensor(np.stack(drawn, axis=2)).to(batch.x)

    def _check_params(self) -> None:
        check_norm(self.norm)
        given = [name for name in ("eps_step", "decay") if getattr(self, name) is not None]
        check_finite(self, "eps", *given)
        check_finite(self, "diversity", most=1)
        check_whole(self, max_iter=0, scales=1, kernel=1, seed=0, batch_size=1)
        if self.kernel % 2 == 0:
            raise ValueError(f"Expected an odd kernel. Got {self.kernel}.")
        check_flags(self, "targeted", "nesterov")
        check_loss(self)
        if self.nesterov and self.decay is None:
            raise ValueError("Expected a decay with nesterov. Got None.")
        wanted = _takes(self.estimator)
        if not isinstance(self.sources, (list, tuple)):
            raise ValueError(f"Expected a list of estimators as sources. Got {self.sources!r}.")
        for source in self.sources:
            if not hasattr(source, "objective"):
                raise ValueError(f"Expected estimators of poses as sources. Got {source!r}.")
            if _takes(source) != wanted:
                raise ValueError(f"Expected sources that take {wanted}. Got {_takes(source)}.")


def _takes(estimator: Any) -> str:
    _, height, width = estimator.input_shape
    order = "blue" if estimator.packs_bgr else "red"
    return f"crops of {width} x {height}, {order} first, on {estimator.device}"
