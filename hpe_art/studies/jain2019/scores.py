"""Scores of a study as bootstrap draws, so that networks and attacks are compared in pairs.

The draws are the same for every network and attack, since all see the same people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

import numpy as np

from hpe_art.attacks.pgd import Igsm
from hpe_art.evaluation.results import Comparison
from hpe_art.evaluation.store import OWN
from hpe_art.metrics.bootstrap import FEWEST, Draws, interval, relative_draws
from hpe_art.studies.record import RecordedRun, Row


class Missing(Exception):
    """What a claim needs and was not studied; comparisons are those of its other parts."""

    def __init__(self, what: str, comparisons: Sequence[Comparison] = ()) -> None:
        super().__init__(what)
        self.what, self.comparisons = what, list(comparisons)


class StudyScores:
    """What is kept, and reached, of everything in a study.

    Kept is the score in percent of the clean one, that is the relative score; of errors it is the
    clean one in percent of the score. More of it is always more robust.

    Args:
        runs: by network, all of one metric and of the same people.
    """

    def __init__(self, runs: Mapping[str, RecordedRun]) -> None:
        self.runs, self.networks = dict(runs), list(runs)
        named = next(iter(runs.values())).run.metric
        self.key, self.higher_is_better = named.key, named.higher_is_better
        self.kept_words = (
            f"relative {named.key}"
            if named.higher_is_better
            else f"clean in percent of perturbed {named.key}"
        )
        self._places = {
            (name, attack.name, attack.eps): i
            for name, one in runs.items()
            for i, attack in enumerate(one.run.attacks)
        }
        self._drawn = lru_cache(maxsize=128)(lambda name, row: self.runs[name].draws(row))

    @property
    def groups(self) -> list[str]:
        """Names of the groups of joints."""
        return list(next(iter(self.runs.values())).skeleton.groups)

    def has(self, network: str, attack: str, eps: float) -> bool:
        """Whether an attack on a network is in the study."""
        return (network, attack, eps) in self._places

    def check_networks(self, *names: str) -> None:
        """Raises `Missing` unless all were studied."""
        absent = [name for name in names if name not in self.networks]
        if absent:
            raise Missing(f"the network {' and '.join(absent)}")

    def check(self, networks: Iterable[str], attack: str, eps: float) -> None:
        """Raises `Missing` unless all were attacked so."""
        if not all(self.has(name, attack, eps) for name in networks):
            raise Missing(f"{attack} at eps {eps:g}")

    def eps_of(self, network: str, attack: str) -> list[float]:
        """The eps that an attack was run with."""
        return sorted(e for n, a, e in self._places if (n, a) == (network, attack) and e)

    def common_eps(self, networks: Iterable[str], attack: str) -> list[float]:
        """The eps of an attack that all have in common; raises `Missing` if there is none."""
        shared = set.intersection(*(set(self.eps_of(name, attack)) for name in networks))
        if not shared:
            raise Missing(f"{attack} on all of {', '.join(networks)}")
        return sorted(shared)

    def steps_of(self, network: str, targeted: bool, eps: float) -> list[int]:
        """The numbers of steps after which IGSM was scored."""
        attacks = self.runs[network].run.attacks
        known = [(one.name, one.max_iter) for one in attacks if one.eps == eps and one.max_iter]
        return sorted(steps for name, steps in known if name == igsm(targeted, steps))

    def longest(self, networks: Iterable[str], targeted: bool, eps: float) -> int:
        """The largest number of steps that all have in common; 0 if there is none."""
        shared = set.intersection(*(set(self.steps_of(n, targeted, eps)) for n in networks))
        return max(shared, default=0)

    def kept(self, network: str, attack: str, eps: float, group: str | None = None) -> Draws:
        """In percent, of all joints or of a group; NaN where there was nothing to keep."""
        return self._kept(network, self._places[network, attack, eps], OWN, group)

    def mean_kept(
        self, network: str, attack: str, eps: Iterable[float], group: str | None = None
    ) -> Draws:
        """The mean of `kept` over several eps."""
        return mean(self.kept(network, attack, e, group) for e in eps)

    def target(self, network: str, attack: str, eps: float, group: str | None = None) -> Draws:
        """The score against the target poses."""
        row = Row(self._places[network, attack, eps], to_target=True)
        return self._column(self._drawn(network, row), group)

    def training_kept(self, network: str, attack: str, eps: float) -> Draws | None:
        """`kept` on training people, where there were any."""
        training = self.runs[network].training
        if training is None:
            return None
        scores = StudyScores({network: training})
        return scores.kept(network, attack, eps) if scores.has(network, attack, eps) else None

    def shown(self, network: str, attack: str, eps: float, observer: str) -> Draws | None:
        """`kept` of an observer of the images made for a network; None if it saw none."""
        place = self._places[network, attack, eps]
        if observer not in self.runs[network].run.attacks[place].observed:
            return None
        return self._kept(network, place, observer)

    def _kept(self, network: str, place: int, observer: str, group: str | None = None) -> Draws:
        perturbed, clean = (
            self._column(self._drawn(network, Row(i, observer)), group) for i in (place, None)
        )
        if self.higher_is_better:
            return relative_draws(perturbed, clean)
        return relative_draws(clean, perturbed)

    def _column(self, draws: Draws, group: str | None) -> Draws:
        """The total, or a group: the last columns."""
        if group is None:
            return draws[:, 0]
        return draws[:, draws.shape[1] - len(self.groups) + self.groups.index(group)]


def compare(what: str, draws: Draws, decides: bool = False) -> Comparison:
    """A comparison; `Missing` where the draws have no value."""
    if not np.isfinite(draws[0]):
        raise Missing("a clean score above 0 of every network and joint")
    if np.isnan(draws[1:]).all():
        raise Missing(f"{FEWEST} people")
    value, low, high = interval(draws)
    return Comparison(what=what, value=value, low=low, high=high, decides=decides)


def compare_each(what: str, draws: Mapping[str, Draws]) -> list[Comparison]:
    """A comparison of each, by its name."""
    return [compare(f"{what}: {name}", one) for name, one in draws.items()]


def mean(draws: Iterable[Draws]) -> Draws:
    """Over several draws, one by one."""
    return np.asarray(np.mean(list(draws), axis=0))


def igsm(targeted: bool, steps: int) -> str:
    """The name of IGSM with so many steps."""
    return Igsm(targeted=targeted, max_iter=steps).label
