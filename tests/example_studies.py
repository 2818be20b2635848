"""Runs of a study whose scores were drawn, so that what is kept is known."""

import numpy as np
from example_results import PCKH, observer, run
from example_results import attack as an_attack

from hpe_art.evaluation.results import Judged, Score
from hpe_art.metrics import PCKh
from hpe_art.skeleton import MPII
from hpe_art.studies.record import RecordedRun, Row

PEOPLE = 60


def hits(share, seed=0):
    """Hits of so many percent, on average over people."""
    drawn = np.random.default_rng(seed).uniform(0, 100, (PEOPLE, 16))
    return (drawn < share).astype(float)


def attack(name, share, eps=8.0, target=None, shown=()):
    """Joint scores of an attack, by whose they are; shares are turned into hits."""
    scores = {"own": share, "target": target, **dict(shown)}
    known = {who: one for who, one in scores.items() if one is not None}
    return name, eps, {who: one if np.ndim(one) else hits(one) for who, one in known.items()}


def network(*attacks, clean=95, observers=(), metric=None, named=PCKH):
    found, scores = [], {Row(None): clean if np.ndim(clean) else hits(clean)}
    scores |= {Row(None, name): hits(95) for name in observers}
    nothing = Judged(score=Score(value=None), relative=Score(value=None))
    for i, (name, eps, by) in enumerate(attacks):
        others = [who for who in by if who not in ("own", "target")]
        scores |= {Row(i, who): by[who] for who in ("own", *others)}
        if "target" in by:
            scores[Row(i, to_target=True)] = by["target"]
        found.append(an_attack(name, eps, None, observed=dict.fromkeys(others, nothing)))
    one = run(
        found,
        observers={name: observer() for name in observers},
        **({"metric": named} if named else {}),
    )
    return RecordedRun(one, scores, metric or PCKh(MPII))
