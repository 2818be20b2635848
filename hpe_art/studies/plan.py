"""What the attacks of networks will cost, before anything is run."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpe_art.attacks import AttackSpec, shareable
from hpe_art.evaluation.attacking import planned_blocks
from hpe_art.evaluation.perturbations import is_unfitted
from hpe_art.evaluation.prepared import Prepared
from hpe_art.evaluation.store import CLEAN, OWN

Needed = Sequence[tuple[int, Mapping[str, Sequence[str]]]]
"""Numbers of people, and by the attack's folder who is to see their images."""


@dataclass(frozen=True)
class PlannedRun:
    """One run of an attack, and all that it serves: the first and last attack and eps, in words.

    Attributes:
        forward, backward: images passed through the network, with scoring and fits.
        elsewhere: images passed through those who see them too.
        seconds: estimated from a batch that was timed.
        known: whether the attack says before what it costs; else its own passes are not counted.
        finished: whether all of it is in the store; the counts are then those of all of it.
    """

    network: str
    attacks: str
    eps: str
    forward: int
    backward: int
    elsewhere: int
    seconds: float
    known: bool
    finished: bool


def planned_runs(name: str, run: Prepared, batch_size: int) -> list[PlannedRun]:
    """Every run on a network, from `prepare`; times a batch if anything is missing."""
    lacking = [(len(rows), lacks) for rows, lacks in planned_blocks(run, batch_size)]
    pace = _measured_pace(run, batch_size) if lacking else defaultdict(float)
    groups: list[Sequence[AttackSpec]] = [[], *shareable(run.attacks.values())]
    return [_planned(name, run, group, lacking, pace) for group in groups]


def _planned(
    network: str,
    run: Prepared,
    group: Sequence[AttackSpec],
    lacking: Needed,
    pace: Mapping[str, float],
) -> PlannedRun:
    """The run of a group of attacks; of none, that on clean images."""
    keys = [key for key, attack in run.attacks.items() if attack in group] or [CLEAN]
    todo = [(n, {k: v for k, v in needed.items() if k in keys}) for n, needed in lacking]
    finished = not any(needed for _, needed in todo)
    if finished:
        observed_by = run.observed_by()
        todo = [(len(run.people), {key: observed_by[key] for key in keys})]
    forward, backward, seen = _counted(run, group, todo)
    if run.fit and not finished and not any(run.store.held(key) for key in keys):
        passes = len(run.fit.people) * run.fit.epochs * run.estimator.passes_per_image
        fits = passes * sum(map(is_unfitted, group))
        forward, backward = forward + fits, backward + fits
    seconds = (forward - backward) * pace[OWN] + backward * pace["gradient"]
    ordered = sorted(group, key=lambda attack: attack.settings().get("max_iter") or 0)
    return PlannedRun(
        network,
        _first_and_last([attack.label for attack in ordered] or [CLEAN]),
        _first_and_last([f"{eps:g}" for eps in sorted({attack.eps for attack in group})]),
        forward,
        backward,
        elsewhere=seen.total(),
        seconds=seconds + sum(count * pace[other] for other, count in seen.items()),
        known=not group or type(group[0]).passes(group) is not None,
        finished=finished,
    )


def _counted(
    run: Prepared, group: Sequence[AttackSpec], todo: Needed
) -> tuple[int, int, Counter[str]]:
    """Passes forward and backward, and those of each who sees the images too."""
    per_image = {one.name: one.estimator.passes_per_image for one in run.observers}
    steps = (type(group[0]).passes(group) if group else None) or (0, 0)
    forward = backward = 0
    seen: Counter[str] = Counter()
    for people, needed in todo:
        if needed:
            own = people * run.estimator.passes_per_image
            names = Counter(name for names in needed.values() for name in names)
            forward += own * (steps[0] + names.pop(OWN, 0))
            backward += own * steps[1]
            seen.update({name: people * per_image[name] * n for name, n in names.items()})
    return forward, backward, seen


def _measured_pace(run: Prepared, batch_size: int) -> dict[str, float]:
    """Seconds for a pass of an image: a prediction by each network, and a gradient."""
    people = run.people[:batch_size]
    x = people.x[:].astype(np.float32)
    estimator, size = run.estimator, len(x)
    jobs: dict[str, tuple[Any, Any]] = {
        OWN: (estimator, lambda: estimator.predict(x, size)),
        "gradient": (estimator, lambda: estimator.objective(people.y).gradient(x)),
    }
    for one in run.observers:
        jobs[one.name] = one.estimator, lambda one=one: one.poses(x, estimator.packs_bgr, size, x)
    pace = {}
    for name, (network, job) in jobs.items():
        job()  # the first is slower
        begun = time.perf_counter()
        job()
        pace[name] = (time.perf_counter() - begun) / (size * network.passes_per_image)
    return pace


def _first_and_last(words: Sequence[str]) -> str:
    known = list(dict.fromkeys(words))
    return f"{known[0]} to {known[-1]}" if len(known) > 1 else "".join(known)
