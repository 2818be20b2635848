"""The attacks by name, and one attack's settings with the paper's defaults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from art.attacks.attack import EvasionAttack

from hpe_art.attacks.fgsm import PoseFastGradientMethod
from hpe_art.attacks.gradient_sign import TARGETED_STEP, UNTARGETED_STEP
from hpe_art.attacks.noise import RandomSignNoise
from hpe_art.attacks.pgd import (
    TARGETED_ITERATIONS,
    UNTARGETED_ITERATIONS,
    PoseProjectedGradientDescent,
)
from hpe_art.attacks.universal import UniversalPosePerturbation


@dataclass(frozen=True)
class AttackSetting:
    """One attack to run.

    Attributes:
        attack: a key of `ATTACKS`.
        eps: bound on the perturbation in its norm; grey levels for inf.
        targeted: towards target poses, or away from the truth.
        eps_step: size of one step; default the middle of the paper's best range.
        max_iter: number of steps; default 10 untargeted, 20 targeted.
        norm: numpy.inf, 1 or 2.
        outputs: "last" or "all" outputs in the loss.
        seed: of what is random.
        batch_size: images per pass.
        perturbation: file of a fitted universal perturbation; only "uap" has one.
        label: added to the name in the results, where several perturbations have the same.
    """

    attack: str
    eps: float = 8.0
    targeted: bool = False
    eps_step: float | None = None
    max_iter: int | None = None
    norm: float = np.inf
    outputs: str = "last"
    seed: int = 0
    batch_size: int = 32
    perturbation: str | None = None
    label: str = ""

    def __post_init__(self) -> None:
        if self.attack not in ATTACKS:
            raise ValueError(f"Expected an attack out of {sorted(ATTACKS)}. Got {self.attack!r}.")

    @property
    def step(self) -> float:
        """The step size that is used."""
        if self.eps_step is not None:
            return self.eps_step
        return self.eps * (TARGETED_STEP if self.targeted else UNTARGETED_STEP)

    @property
    def iterations(self) -> int:
        """The number of steps that is used."""
        if self.max_iter is not None:
            return self.max_iter
        return TARGETED_ITERATIONS if self.targeted else UNTARGETED_ITERATIONS

    @property
    def effort(self) -> dict[str, Any]:
        """`eps_step` and `max_iter` as recorded: null where the attack has none."""
        if self.attack in ("noise", "uap"):
            return dict(eps_step=None, max_iter=None)
        if self.attack == "fgsm":
            return dict(eps_step=self.eps, max_iter=1)
        return dict(eps_step=self.step, max_iter=self.iterations)


def _noise(estimator: Any, s: AttackSetting) -> EvasionAttack:
    return RandomSignNoise(estimator, norm=s.norm, eps=s.eps, seed=s.seed)


def _fgsm(estimator: Any, s: AttackSetting) -> EvasionAttack:
    return PoseFastGradientMethod(
        estimator, norm=s.norm, eps=s.eps, targeted=s.targeted, batch_size=s.batch_size
    )


def _igsm(estimator: Any, s: AttackSetting) -> EvasionAttack:
    return PoseProjectedGradientDescent(
        estimator,
        norm=s.norm,
        eps=s.eps,
        eps_step=s.step,
        max_iter=s.iterations,
        targeted=s.targeted,
        batch_size=s.batch_size,
        verbose=False,
    )


def _uap(estimator: Any, s: AttackSetting) -> EvasionAttack:
    if s.perturbation is None:
        raise ValueError("Expected the file of a fitted universal perturbation. Got None.")
    attack = UniversalPosePerturbation.load(s.perturbation, estimator)
    asked, held = (s.eps, s.targeted, s.norm), (attack.eps, attack.targeted, np.inf)
    if asked != held:
        raise ValueError(
            f"Expected the eps, targeted and norm that {s.perturbation} was fitted with, {held}. "
            f"Got {asked}."
        )
    return attack


ATTACKS: dict[str, Callable[[Any, AttackSetting], EvasionAttack]] = {
    "noise": _noise,
    "fgsm": _fgsm,
    "igsm": _igsm,
    "uap": _uap,
}


def build_attack(estimator: Any, setting: AttackSetting) -> EvasionAttack:
    """The ART attack of a setting on an estimator, whose `outputs` are set to match.

    Args:
        estimator: a `PyTorchPoseEstimator`.
        setting: what to run.
    """
    estimator.set_params(outputs=setting.outputs)
    return ATTACKS[setting.attack](estimator, setting)
