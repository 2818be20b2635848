"""Attacks that may only ask: images go in, answers come out, and nothing goes back."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
import torch
from art.estimators.estimator import BaseEstimator, NeuralNetworkMixin
from numpy.typing import NDArray
from torch import Tensor

from hpe_art.attacks.batches import Batch, BatchedAttack, Callback
from hpe_art.attacks.checks import (
    check_choice,
    check_finite,
    check_flags,
    check_loss,
    check_whole,
)
from hpe_art.attacks.sign_flips import SignFlips
from hpe_art.attacks.squares import InfSquares, Squares, TwoSquares
from hpe_art.attacks.strongest import Strongest
from hpe_art.losses import MARGIN, Goal, PoseLoss

LOSS, COUNT = FEEDBACK = ("loss", "count")
KINDS: dict[float, type[Squares]] = {np.inf: InfSquares, 2.0: TwoSquares}


class QueryAttack(BatchedAttack):
    """What attacks by queries share: they try images, and keep those with no worse an answer.

    Attributes:
        queries: (N,), how many each image of the last call took.
    """

    _takes_callback = True
    _estimator_requirements = (BaseEstimator, NeuralNetworkMixin)

    eps: float
    max_iter: int
    seed: int
    batch_size: int
    feedback: str = COUNT
    loss: str | PoseLoss = MARGIN
    outputs: str | None = None
    queries: NDArray[np.int64]

    @property
    @abstractmethod
    def proposals(self) -> type[Squares] | type[SignFlips]:
        """What says which images are tried."""

    def _begin(self, count: int, goal: Goal | None) -> None:
        self.queries = np.zeros(count, np.int64)

    def _perturbed(self, batch: Batch, callback: Callback | None) -> Tensor:
        images, asked = self._search(batch, callback)
        self.queries[batch.first : batch.first + len(asked)] = asked.cpu().numpy()
        return images

    def _search(self, batch: Batch, callback: Callback | None) -> tuple[Tensor, Tensor]:
        """The strongest images (n, 3, H, W), and how many queries (n,) each took."""
        assert batch.goal is not None
        strongest = Strongest(batch.x, batch.goal)
        rows = torch.arange(len(batch.x), device=batch.x.device)
        asked = torch.zeros_like(rows)
        tries: Any = self.proposals.drawn(self, batch.x, batch.places)
        now, best = batch.x, torch.full_like(strongest.losses, -torch.inf)
        objective, goal = self._objective(batch), batch.goal
        for number in range(self.max_iter):
            tried = tries.tried(number, now)
            reached, answers = self._answers(tried, objective, goal)
            asked[rows] += 1
            strongest.offer(rows, tried, reached, answers)
            if callback is not None:
                callback(number, batch.first + rows, strongest.images[rows])
            taken = answers >= best
            best = torch.where(taken, answers, best)
            now = torch.where(taken[:, None, None, None], tried, now)
            left = ~strongest.finished[rows]
            if not left.all():
                rows, tries, now, best = rows[left], tries[left], now[left], best[left]
                if not len(rows):
                    break
                goal = goal[left]
                objective = None if objective is None else objective[left]
        return strongest.images, asked

    def _objective(self, batch: Batch) -> Any:
        """What answers are of; None where they are counts."""
        if self.feedback == COUNT:
            return None
        return self.estimator.objective(batch.y, self.loss, self.outputs, goal=batch.goal)

    def _answers(self, images: Tensor, objective: Any, goal: Goal) -> tuple[Tensor, Tensor]:
        """(n,) joints at their goal, and (n,) what is climbed."""
        if objective is None:
            reached = goal.reached(self.estimator.predict(images, self.batch_size)).sum(1)
            return reached, reached.to(images)
        seen = objective.evaluate(images, with_gradients=False)
        sign = -1 if self.targeted else 1
        return goal.reached(seen.poses).sum(1), sign * seen.losses

    def _check_params(self) -> None:
        check_finite(self, "eps")
        check_whole(self, max_iter=1, seed=0, batch_size=1)
        check_flags(self, "targeted")
        check_loss(self)


class PoseSquare(QueryAttack):
    """Random squares that are kept where they help, by answers alone; no gradient is taken.

    ART's `SquareAttack` runs on the estimator too (the recipe SquareAttack). But it asks three
    times for each square, and draws one square for all images of a batch from NumPy's global
    generator, so that what an image ends as depends on the others; here it depends on the seed and
    the place of the image.

    Args:
        estimator: a `PyTorchPoseEstimator`.
        norm: numpy.inf or 2.
        eps: radius of the ball, for norm inf in grey levels.
        max_iter: queries for each image, the first with the image itself. Who has no joint left to
            lose takes no further one.
        p_init: share of the image that the first squares cover.
        feedback: what an answer is: "loss", the number that the attack climbs, or "count", only how
            many joints are at their goal.
        targeted: towards y rather than away from it.
        seed: of the squares, with the place of the image.
        batch_size: images per pass; the result does not depend on it.
        loss: a name in `LOSSES`, or a function; default "margin".
        outputs: "last" or "all"; default the estimator's.

    Attributes:
        queries: (N,), how many each image of the last call took.

    Raises:
        ValueError: an argument out of range (the message names it).

    Source: Andriushchenko et al. 2020, arXiv:1912.00049, algorithms 1 to 3.
    """

    attack_params: ClassVar = [
        *BatchedAttack.attack_params,
        *("norm", "eps", "max_iter", "p_init", "feedback", "targeted", "seed", "batch_size"),
        *("loss", "outputs"),
    ]

    def __init__(
        self,
        estimator: Any,
        norm: float | str = np.inf,
        eps: float = 8.0,
        max_iter: int = 1000,
        p_init: float = 0.8,
        feedback: str = "loss",
        targeted: bool = False,
        seed: int = 0,
        batch_size: int = 32,
        loss: str | PoseLoss = MARGIN,
        outputs: str | None = None,
    ) -> None:
        super().__init__(estimator=estimator)
        self.norm = norm
        self.eps = eps
        self.max_iter = max_iter
        self.p_init = p_init
        self.feedback = feedback
        self._targeted = targeted
        self.seed = seed
        self.batch_size = batch_size
        self.loss = loss
        self.outputs = outputs
        self._check_params()

    @property
    def proposals(self) -> type[Squares]:
        """Those of the norm."""
        return KINDS[float(self.norm)]

    def _check_params(self) -> None:
        if self.norm not in (*KINDS, "inf"):
            raise ValueError(f'Expected norm numpy.inf, "inf" or 2. Got {self.norm!r}.')
        super()._check_params()
        check_finite(self, "p_init", most=1)
        check_choice("feedback", self.feedback, FEEDBACK)


class PoseRayS(QueryAttack):
    """Ends of the ball that are changed for smaller and smaller blocks, by counts of joints alone.

    All that it hears is how many joints the metric counts as lost (targeted: reached). Norm inf.

    Args:
        estimator: a `PyTorchPoseEstimator`.
        eps: radius of the ball, in grey levels.
        max_iter: queries for each image, the first with the image itself. Who has no joint left to
            lose takes no further one.
        targeted: towards y rather than away from it.
        seed: of the stripes at first, with the place of the image.
        batch_size: images per pass; the result does not depend on it.

    Attributes:
        queries: (N,), how many each image of the last call took.

    Raises:
        ValueError: an argument out of range (the message names it).

    Source: RayS, Chen and Gu 2020, arXiv:2006.12792; see `SignFlips` for what differs.
    """

    attack_params: ClassVar = [
        *BatchedAttack.attack_params,
        *("eps", "max_iter", "targeted", "seed", "batch_size"),
    ]
    proposals = SignFlips

    def __init__(
        self,
        estimator: Any,
        eps: float = 8.0,
        max_iter: int = 1000,
        targeted: bool = False,
        seed: int = 0,
        batch_size: int = 32,
    ) -> None:
        super().__init__(estimator=estimator)
        self.eps = eps
        self.max_iter = max_iter
        self._targeted = targeted
        self.seed = seed
        self.batch_size = batch_size
        self._check_params()
