"""Scores of a study as bootstrap draws, so that networks and attacks are compared in pairs.

The draws are the same for every network and attack, since all see the same people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

import numpy as np

from hpe_art.attacks.pgd import Igsm
from hpe_art.evaluation.results import Attack
from hpe_art.evaluation.store import OWN
from hpe_art.metrics.bootstrap import Draws, relative_draws
from hpe_art.studies.record import RecordedRun, Row


class StudyScores:
    """What is kept, and reached, of everything in a study.

    Kept is the score in percent of the clean one, that is the relative score; of errors it is the
    clean one in percent of the score. More of it is always more robust.

    Args:
        runs: by network, all of one metric and of the same people.

    Attributes:
        networks: their names.
        key: of the metric.
        higher_is_better: False for errors.
        kept_words: what `kept` gives, in words.
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

    def eps_of(self, network: str, attack: str) -> list[float]:
        """The eps that an attack was run with."""
        return sorted(e for n, a, e in self._places if (n, a) == (network, attack) and e)

    def steps_of(self, network: str, targeted: bool, eps: float) -> list[int]:
        """The numbers of steps after which IGSM was scored."""

        def is_igsm(one: Attack) -> bool:
            if one.eps != eps or not one.max_iter:
                return False
            return one.name == Igsm(eps=eps, targeted=targeted, max_iter=one.max_iter).label

        attacks = self.runs[network].run.attacks
        return sorted(one.max_iter or 0 for one in attacks if is_igsm(one))

    def kept(self, network: str, attack: str, eps: float, group: str | None = None) -> Draws:
        """In percent, of all joints or of a group; NaN where there was nothing to keep."""
        place = self._places[network, attack, eps]
        return self._ratio(network, place, OWN, group)

    def mean_kept(self, network: str, attack: str, eps: Iterable[float]) -> Draws:
        """The mean of `kept` over several eps."""
        return np.asarray(np.mean([self.kept(network, attack, e) for e in eps], axis=0))

    def target(self, network: str, attack: str, eps: float, group: str | None = None) -> Draws:
        """The score against the target poses."""
        row = Row(self._places[network, attack, eps], to_target=True)
        return self._column(self._drawn(network, row), group)

    def training_kept(self, network: str, attack: str, eps: float) -> Draws | None:
        """`kept` on training people, where there were any."""
        one = self.runs[network].training
        known = [] if one is None else one.run.attacks
        found = (i for i, a in enumerate(known) if (a.name, a.eps) == (attack, eps))
        place = next(found, None)
        if one is None or place is None:
            return None
        return self._share(one.draws(Row(place)), one.draws(Row(None)), None)

    def shown(self, network: str, attack: str, eps: float, observer: str) -> Draws | None:
        """`kept` of an observer of the images made for a network; None if it saw none."""
        place = self._places[network, attack, eps]
        if observer not in self.runs[network].run.attacks[place].observed:
            return None
        return self._ratio(network, place, observer, None)

    def _ratio(self, network: str, place: int, observer: str, group: str | None) -> Draws:
        perturbed, clean = (self._drawn(network, Row(i, observer)) for i in (place, None))
        return self._share(perturbed, clean, group)

    def _share(self, perturbed: Draws, clean: Draws, group: str | None) -> Draws:
        one, other = self._column(perturbed, group), self._column(clean, group)
        return relative_draws(*((one, other) if self.higher_is_better else (other, one)))

    def _column(self, draws: Draws, group: str | None) -> Draws:
        """The total, or a group: the last columns."""
        if group is None:
            return draws[:, 0]
        return draws[:, draws.shape[1] - len(self.groups) + self.groups.index(group)]
