"""What is drawn in an epoch does not depend on whether training was stopped before it."""

from __future__ import annotations

from typing import Any

import hpe_art.compat  # noqa: F401  (before mmengine loads a checkpoint)

import numpy as np
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.registry import FUNCTIONS, HOOKS
from mmengine.runner import Runner, set_random_seed


@HOOKS.register_module()
class EpochSeedHook(Hook):
    """Seeds Python, NumPy and PyTorch anew before each epoch.

    The seed depends on that of the run, the epoch and the process alone. MMEngine seeds once, so
    that the augmentations and random starts of a run which goes on are others than those of one
    that was not stopped.
    """

    priority = "VERY_HIGH"

    def before_train_epoch(self, runner: Runner) -> None:
        """Seeds before the loader begins: its workers are seeded by what PyTorch draws then."""
        numbers = (runner.seed, runner.epoch, get_rank())
        set_random_seed(int(np.random.SeedSequence(numbers).generate_state(1)[0]))


@FUNCTIONS.register_module()
def keep_seeds_of_torch(worker: int, **_: Any) -> None:
    """Leaves a worker's generators as PyTorch seeds them: MMEngine's function knows no epochs."""


def seeded_by_epoch(loader: dict[str, Any]) -> dict[str, Any]:
    """The settings of a loader whose workers begin anew, and are seeded, in each epoch."""
    if not loader.get("num_workers"):
        return loader
    own = {"worker_init_fn": dict(type=keep_seeds_of_torch.__name__)}
    return {**own, **loader, "persistent_workers": False}
