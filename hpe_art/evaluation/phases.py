"""Where the time of a run goes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from hpe_art.evaluation.results import Phase


class Phases:
    """Seconds spent in each phase so far.

    Phases of `tools/attack.py`: load (model and people), fit (universal perturbations), read
    (pixels), clean (clean poses, target poses), attack, score (poses of perturbed images), store
    (files), scores (scores, intervals, official numbers), pictures.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def spent(self, phase: str) -> Iterator[None]:
        """Counts the time inside to a phase."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.add(phase, time.perf_counter() - begun)

    def add(self, phase: str, seconds: float) -> None:
        """Counts seconds to a phase."""
        self.seconds[phase] = self.seconds.get(phase, 0.0) + seconds

    def typed(self) -> dict[str, Phase]:
        """Seconds and share of each phase, as they go into the results."""
        total = sum(self.seconds.values())
        return {
            name: Phase(seconds=spent, share=spent / total if total else 0.0)
            for name, spent in self.seconds.items()
        }
