"""Several specs served by one run: all eps of FGSM, all step counts of IGSM."""

from __future__ import annotations

import inspect
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpe_art.attacks.specs import AttackSpec, Images
from hpe_art.losses import Goal


def shareable(specs: Iterable[AttackSpec]) -> list[list[AttackSpec]]:
    """The specs in groups that one run serves, in the order of the first of each group."""
    groups: dict[Hashable, list[AttackSpec]] = {}
    for spec in specs:
        groups.setdefault(spec.share_key, []).append(spec)
    return list(groups.values())


class SharedRun:
    """One attack for a group of specs.

    Args:
        estimator: a `PyTorchPoseEstimator`; it is left as it is.
        specs: a group from `shareable`.
        batch_size: images per pass; the result does not depend on it.

    Attributes:
        attack: the ART attack that is run.
    """

    def __init__(self, estimator: Any, specs: Sequence[AttackSpec], batch_size: int = 32) -> None:
        self.specs = list(specs)
        self._kind = type(specs[0])
        self.attack = self._kind.build_shared(estimator, self.specs, batch_size)
        self._taken = inspect.signature(self.attack.generate).parameters

    def generate(
        self,
        x: Images,
        y: NDArray[np.float32],
        index: NDArray[np.int64] | None = None,
        goal: Goal | None = None,
    ) -> list[Images]:
        """The perturbed images of each spec.

        Args:
            x: (N, 3, H, W), 0 to 255.
            y: (N, K, 3), true poses, or target poses if targeted.
            index: (N,), the place of each image in the test set, for attacks that draw random
                numbers by it: their result depends neither on batches nor on ranks.
            goal: which joints count as reached, for attacks that aim at the metric.

        Returns:
            One (N, 3, H, W) for each spec, in their order.
        """
        known = {"index": index, "goal": goal}
        more = {name: value for name, value in known.items() if name in self._taken}
        return self._kind.generate_shared(self.attack, self.specs, x, y, **more)

    @property
    def needs_goal(self) -> bool:
        """Whether the attack aims at the metric."""
        return self.specs[0].needs_goal

    @property
    def passes(self) -> tuple[int, int] | None:
        """Images passed (forward, backward) for each image, without scoring; None if unknown."""
        return self._kind.passes(self.specs)
