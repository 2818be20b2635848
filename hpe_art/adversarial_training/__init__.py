"""Training on perturbed images in MMEngine's Runner: hooks, each of which is a recipe.

A config gains one by `default_hooks = dict(adversarial=dict(type="PGDTrainingHook", eps=8))`.
"""

from hpe_art.adversarial_training.free import FreeTrainingHook
from hpe_art.adversarial_training.guard import SingleStepGuardHook
from hpe_art.adversarial_training.pgd import PGDTrainingHook
from hpe_art.adversarial_training.trades import TradesTrainingHook

__all__ = ["FreeTrainingHook", "PGDTrainingHook", "SingleStepGuardHook", "TradesTrainingHook"]
