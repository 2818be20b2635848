"""`Goal`: where an attacker wants each joint, as the metric that scores the attack sees it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Goal:
    """Joints that are to leave a circle around their place, or, if targeted, to enter one.

    `hpe_art.evaluation.goals.goal_of` makes it of a metric and its people.

    Shapes: N images, K joints.

    Attributes:
        centres: (N, K, 2), in crop pixels.
        radii: (N, K), in crop pixels; 0 where the joint does not count.
        targeted: the circles are to be entered.
    """

    centres: Tensor
    radii: Tensor
    targeted: bool = False

    def __post_init__(self) -> None:
        if self.radii.shape != self.centres.shape[:-1] or self.centres.shape[-1] != 2:
            raise ValueError(
                "Expected centres (N, K, 2) and radii (N, K). "
                f"Got {tuple(self.centres.shape)} and {tuple(self.radii.shape)}."
            )

    def __len__(self) -> int:
        return len(self.radii)

    def __getitem__(self, rows: Any) -> Goal:
        """That of some images: a slice, a mask, or an array of numbers."""
        return replace(self, centres=self.centres[rows], radii=self.radii[rows])

    def to(self, device: torch.device, dtype: torch.dtype) -> Goal:
        """A copy on a device, in a dtype."""
        centres, radii = (one.to(device, dtype, copy=True) for one in (self.centres, self.radii))
        return replace(self, centres=centres, radii=radii)

    @property
    def counts(self) -> Tensor:
        """(N, K), which joints count."""
        return self.radii > 0

    def reached(self, poses: Tensor) -> Tensor:
        """Which joints are where the attacker wants them: (N, K); False where none counts.

        Args:
            poses: (N, K, 2 or 3), predicted, in crop pixels. One that is not finite is lost.
        """
        inside = (poses[..., :2] - self.centres).norm(dim=-1) < self.radii
        return (inside if self.targeted else ~inside) & self.counts
