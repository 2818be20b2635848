"""Scores of a study as bootstrap draws, so that networks and attacks are compared in pairs.

The draws are the same for every network and attack, since all see the same people.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpe_art.evaluation.study.cells import read_hits
from hpe_art.intervals import Draws, drawn_scores
from hpe_art.mpii import GROUPS


class StudyScores:
    """Relative and target PCKh of everything in a study's cells.

    Args:
        cells: content of the finished cells, by network and cell.
        seed: of the draws.
    """

    def __init__(self, cells: Mapping[str, Mapping[str, Any]], seed: int) -> None:
        self.seed = seed
        self.networks = list(cells)
        self._clean = {name: read_hits(held["clean"]["hits"]) for name, held in cells.items()}
        self._onlookers = {
            (name, o["kind"], o["name"]): read_hits(o["hits"])
            for name, held in cells.items()
            for o in held["clean"]["onlookers"]
        }
        self._attacks = {
            (name, one["entry"]["name"], one["entry"]["eps"]): one
            for name, held in cells.items()
            for cell in held.values()
            for one in cell.get("attacks", ())
        }

    def has(self, network: str, attack: str, eps: float) -> bool:
        """Whether an attack on a network is in the study."""
        return (network, attack, eps) in self._attacks

    def eps_of(self, network: str, attack: str) -> list[float]:
        """The eps that an attack was run with."""
        return sorted(e for n, a, e in self._attacks if (n, a) == (network, attack))

    def steps_of(self, network: str, targeted: bool, eps: float) -> list[int]:
        """The numbers of steps after which IGSM was scored."""
        start = f"IGSM-{'T' if targeted else 'U'}-"
        names = [a for n, a, e in self._attacks if (n, e) == (network, eps) and a.startswith(start)]
        return sorted(int(a.removeprefix(start)) for a in names if a.removeprefix(start).isdigit())

    def relative(self, network: str, attack: str, eps: float, group: str | None = None) -> Draws:
        """Relative PCKh in percent, of all joints or of a group; NaN where none was to lose."""
        hits = read_hits(self._attacks[network, attack, eps]["hits"])
        return self._ratio(hits, self._clean[network], group)

    def mean_relative(self, network: str, attack: str, eps: list[float]) -> Draws:
        """Relative PCKh, the mean over several eps."""
        return np.mean([self.relative(network, attack, e) for e in eps], axis=0)

    def target(self, network: str, attack: str, eps: float, group: str | None = None) -> Draws:
        """Target PCKh in percent."""
        hits = read_hits(self._attacks[network, attack, eps]["target_hits"])
        return _column(drawn_scores(hits, self.seed), group)

    def train_relative(self, network: str, attack: str, eps: float) -> Draws | None:
        """Relative PCKh on training people, where there were any."""
        one = self._attacks[network, attack, eps]
        if "train_hits" not in one:
            return None
        clean = read_hits(one["train_clean_hits"])
        return self._ratio(read_hits(one["train_hits"]), clean, None)

    def shown(self, network: str, attack: str, eps: float, kind: str, name: str) -> Draws | None:
        """Relative PCKh of an onlooker on the images made for a network; None if it saw none."""
        for one in self._attacks[network, attack, eps]["shown"]:
            if (one["kind"], one["name"]) == (kind, name):
                clean = self._onlookers[network, kind, name]
                return self._ratio(read_hits(one["hits"]), clean, None)
        return None

    def _ratio(
        self, hits: NDArray[np.float64], clean: NDArray[np.float64], group: str | None
    ) -> Draws:
        perturbed = _column(drawn_scores(hits, self.seed), group)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = 100.0 * perturbed / _column(drawn_scores(clean, self.seed), group)
        return np.where(np.isfinite(ratio), ratio, np.nan)


def _column(scores: NDArray[np.float64], group: str | None) -> Draws:
    first_group = scores.shape[1] - len(GROUPS)
    return scores[:, 0 if group is None else first_group + list(GROUPS).index(group)]
