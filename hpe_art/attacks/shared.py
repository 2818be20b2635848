"""Several settings served by one run: all eps of FGSM, all step counts of IGSM."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor

from hpe_art.attacks.table import AttackSetting, build_attack


def shareable(settings: Iterable[AttackSetting]) -> list[list[AttackSetting]]:
    """The settings in groups that one run serves, in the order of the first of each group."""
    groups: dict[AttackSetting, list[AttackSetting]] = {}
    for setting in settings:
        groups.setdefault(_family(setting), []).append(setting)
    return list(groups.values())


class SharedRun:
    """One attack for a group of settings.

    Args:
        estimator: a `PyTorchPoseEstimator`, whose `outputs` are set to match.
        settings: a group from `shareable`.

    Attributes:
        attack: the ART attack that is run.
        longest: position in the group of the setting that alone would cost as much as all.
    """

    def __init__(self, estimator: Any, settings: list[AttackSetting]) -> None:
        self.settings = settings
        lengths = [setting.iterations for setting in settings]
        self.longest = lengths.index(max(lengths))
        self.attack = build_attack(estimator, settings[self.longest])
        if settings[0].attack == "fgsm":
            self.attack.set_params(eps=[setting.eps for setting in settings])

    def generate(self, x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
        """The perturbed images (N, 3, H, W) of each setting."""
        if self.settings[0].attack == "fgsm":
            images: list[np.ndarray] = self.attack.generate(x, y)
            return images
        if len(self.settings) == 1:
            return [self.attack.generate(x, y)]
        steps = {setting.iterations: x.astype(np.float32) for setting in self.settings}

        def keep(step: int, rows: slice, now: Tensor) -> None:
            if step in steps:
                steps[step][rows] = now.cpu().numpy()

        self.attack.generate(x, y, callback=keep)
        return [steps[setting.iterations] for setting in self.settings]


def _family(setting: AttackSetting) -> AttackSetting:
    if setting.attack == "fgsm":
        return replace(setting, eps=0.0)
    if setting.attack == "igsm":
        return replace(setting, eps_step=setting.step, max_iter=None)
    return setting
