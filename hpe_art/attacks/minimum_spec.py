"""The spec of the search for the smallest perturbation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from hpe_art.attacks.minimum import PoseFMN
from hpe_art.attacks.specs import ATTACKS, AttackSpec, option


@ATTACKS.register_module(name="fmn")
@dataclass(frozen=True)
class Fmn(AttackSpec):
    """The smallest perturbation of each joint; the image is that of the person's nearest joint.

    Attributes:
        eps: infinite: it is what is looked for.
        targeted: into the circles of target poses, or out of those of the truth.
        max_iter: number of steps, with one gradient for each joint.
    """

    says: ClassVar = "the smallest perturbation that loses each joint (Pintor et al. 2021)"

    eps: float = np.inf
    targeted: bool = option(False, "towards target poses, not away from the truth")
    max_iter: int = option(50, "number of steps")

    def __post_init__(self) -> None:
        if self.eps != np.inf:
            raise ValueError(f"Expected no eps: the smallest is found. Got {self.eps!r}.")
        object.__setattr__(self, "eps", 0.0)  # to have the rest checked
        super().__post_init__()
        object.__setattr__(self, "eps", np.inf)
        if self.norm == 1:
            raise ValueError("Expected norm inf or 2. Got 1.")
        self._check_whole("max_iter", least=1)

    @property
    def needs_goal(self) -> bool:
        """The metric's circles are what joints are moved out of."""
        return True

    def settings(self) -> dict[str, Any]:
        """Without an eps."""
        return {**super().settings(), "eps": None}

    def build(self, estimator: Any, batch_size: int = 32) -> PoseFMN:
        """`PoseFMN`."""
        return PoseFMN(
            estimator,
            norm=self.norm,
            max_iter=self.max_iter,
            targeted=self.targeted,
            batch_size=batch_size,
        )

    @classmethod
    def takes(cls) -> set[str]:
        """All but eps."""
        return super().takes() - {"eps"}
