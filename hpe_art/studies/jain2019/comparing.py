"""How a claim is put: differences of bootstrap draws, or what is missing for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from hpe_art.attacks.pgd import Igsm
from hpe_art.evaluation.results import Comparison
from hpe_art.metrics.bootstrap import Draws, interval
from hpe_art.studies.jain2019.scores import StudyScores


class Missing(Exception):
    """What a claim needs and was not studied; comparisons are those of its other parts."""

    def __init__(self, what: str, comparisons: Sequence[Comparison] = ()) -> None:
        super().__init__(what)
        self.what, self.comparisons = what, list(comparisons)


def compare(what: str, draws: Draws, decides: bool = False) -> Comparison:
    """A comparison; `Missing` where the draws have no value."""
    if not np.isfinite(draws[0]):
        raise Missing("a clean score above 0 of every network and joint")
    value, low, high = interval(draws)
    return Comparison(what=what, value=value, low=low, high=high, decides=decides)


def mean(draws: Iterable[Draws]) -> Draws:
    """Over several draws, one by one."""
    return np.asarray(np.mean(list(draws), axis=0))


def check_networks(scores: StudyScores, *names: str) -> None:
    """Raises `Missing` unless all were studied."""
    absent = [name for name in names if name not in scores.networks]
    if absent:
        raise Missing(f"the network {' and '.join(absent)}")


def check_attack(scores: StudyScores, names: Iterable[str], attack: str, eps: float) -> None:
    """Raises `Missing` unless all were attacked so."""
    if not all(scores.has(name, attack, eps) for name in names):
        raise Missing(f"{attack} at eps {eps:g}")


def common_eps(scores: StudyScores, attack: str, names: Iterable[str]) -> list[float]:
    """The eps of an attack that all have in common; raises `Missing` if there is none."""
    shared = set.intersection(*(set(scores.eps_of(name, attack)) for name in names))
    if not shared:
        raise Missing(f"{attack} on all of {', '.join(names)}")
    return sorted(shared)


def longest_common(scores: StudyScores, names: Iterable[str], targeted: bool, eps: float) -> int:
    """The largest number of steps that all have in common; 0 if there is none."""
    shared = set.intersection(*(set(scores.steps_of(name, targeted, eps)) for name in names))
    return max(shared, default=0)


def igsm(targeted: bool, steps: int) -> str:
    """The name of IGSM with so many steps."""
    return Igsm(targeted=targeted, max_iter=steps).label
