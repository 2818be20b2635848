"""Training on perturbed images in MMEngine's Runner: hooks, each of which is a recipe.

A config gains one by `default_hooks = dict(adversarial=dict(type="PGDTrainingHook", eps=8))`.
"""

from hpe_art.training.adversarial.free import FreeTrainingHook
from hpe_art.training.adversarial.guard import SingleStepGuardHook
from hpe_art.training.adversarial.pgd import PGDTrainingHook
from hpe_art.training.adversarial.trades import TradesTrainingHook

__all__ = ["FreeTrainingHook", "PGDTrainingHook", "SingleStepGuardHook", "TradesTrainingHook"]
