"""The strongest perturbed image found so far, for each image of a batch."""

from __future__ import annotations

import torch
from torch import Tensor

from hpe_art.losses import Goal


class Strongest:
    """Keeps, of all that is offered, the image with most joints at their goal.

    Among those with as many, the one of largest loss; without a goal only the loss counts. What is
    offered first with both the same stays.

    Args:
        images: (N, 3, H, W), clean.
        goal: of the metric; None where there is none.

    Attributes:
        images: (N, 3, H, W), the strongest; clean ones where nothing was offered.
        reached: (N,), how many joints are at their goal; -1 where nothing was offered.
        losses: (N,), of these images.
    """

    def __init__(self, images: Tensor, goal: Goal | None) -> None:
        self.images = images.clone()
        self.losses = images.new_full((len(images),), -torch.inf)
        self.reached = torch.full_like(self.losses, -1.0)
        everything = torch.full_like(self.losses, torch.inf)
        self._wanted = everything if goal is None else goal.counts.sum(1).to(everything)

    @property
    def finished(self) -> Tensor:
        """(N,), whose joints have all reached the goal, also where none counts."""
        return self.reached.clamp(min=0.0) >= self._wanted

    def offer(self, rows: Tensor, images: Tensor, reached: Tensor, losses: Tensor) -> None:
        """Takes what is stronger.

        Args:
            rows: (n,), which of the N images are offered.
            images: (n, 3, H, W).
            reached: (n,), how many joints are at their goal.
            losses: (n,), what the attacker wants more of.
        """
        before, loss_before = self.reached[rows], self.losses[rows]
        stronger = (reached > before) | ((reached == before) & (losses > loss_before))
        taken = rows[stronger]
        self.images[taken] = images[stronger]
        self.reached[taken] = reached[stronger].to(self.reached)
        self.losses[taken] = losses[stronger].to(self.losses)
