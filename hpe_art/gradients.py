"""Whether gradients can be climbed: counted for each image, and said.

Shapes: N images of (3, H, W) pixels.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

ZERO, NOT_FINITE = 1, 2
"""Of an image: all its gradients were zero; or one was NaN or infinite, which then counts as 0."""


class GradientWarning(UserWarning):
    """Some images have nothing to climb."""


@dataclass(frozen=True)
class GradientTally:
    """How the gradients of each image were, of some rows of a call. Nothing looks at the host.

    Attributes:
        counts: (N, 3), of gradients that were taken, not zero, not finite; of the whole call.
        rows: (n,), those that are noted.
    """

    counts: Tensor
    rows: Tensor

    @classmethod
    def begin(cls, count: int, device: torch.device) -> GradientTally:
        """That of a call with so many images."""
        with torch.inference_mode(False):
            counts = torch.zeros(count, 3, dtype=torch.int64, device=device)
            return cls(counts, torch.arange(count, device=device))

    def __getitem__(self, rows: Any) -> GradientTally:
        """That of some of these rows, in the same counts."""
        return GradientTally(self.counts, self.rows[rows])

    def note(self, gradients: Tensor, among: Tensor | None = None) -> None:
        """Takes in the gradients (n, 3, H, W) of these rows, or of those `among` them (n,)."""
        largest = gradients.flatten(1).abs().amax(1)
        taken = torch.ones_like(largest, dtype=torch.bool) if among is None else among
        seen = torch.stack([taken, taken & (largest > 0), taken & ~largest.isfinite()], dim=1)
        self.counts.index_add_(0, self.rows, seen.to(self.counts))

    def states(self) -> NDArray[np.uint8]:
        """(N,), 0 for images that could be climbed, or were not tried; else as above."""
        taken, moved, astray = (self.counts.T > 0).cpu().numpy()
        states = np.where(taken & ~moved, ZERO, 0)
        return np.where(astray, NOT_FINITE, states).astype(np.uint8)


def say_gradients(states: NDArray[np.uint8], stacklevel: int) -> None:
    """Warns of images without a gradient to climb, from their states (N,)."""
    zero, astray = (int((states == state).sum()) for state in (ZERO, NOT_FINITE))
    if zero or astray:
        warnings.warn(
            f"Expected gradients to climb. Got zero for {zero} and NaN or infinity for {astray} of "
            f"{len(states)} images, which may come back as they were: see that joints of y count, "
            "that y is not what the model itself predicts, and what the loss gives.",
            GradientWarning,
            stacklevel=stacklevel + 1,
        )
