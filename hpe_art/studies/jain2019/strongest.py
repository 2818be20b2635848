"""Which of the claims survive the strongest attack: they were made of what the paper's leaves."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from hpe_art.evaluation.results import Comparison, Finding
from hpe_art.metrics.bootstrap import interval
from hpe_art.studies.jain2019.comparisons import (
    Under,
    all_outputs,
    depth,
    dlcm,
    joints,
    output_type,
    pre_training,
    transfer,
)
from hpe_art.studies.jain2019.findings import Measure, claims, judged
from hpe_art.studies.jain2019.grid import AUTO, CARRIED, LAST_ONLY, SHORT_U, STRONGEST, Grid
from hpe_art.studies.jain2019.scores import Missing, StudyScores, compare

ORDER = {
    "claim": f"Networks are in the order that {SHORT_U} puts them in.",
    "paper": "Its networks are compared by what this attack, and one step, leave of them.",
}
MEASURES: dict[int, Measure] = {
    1: lambda scores, grid: output_type(scores, _under(grid)),
    2: lambda scores, grid: pre_training(scores, _under(grid)),
    3: lambda scores, grid: dlcm(scores, _under(grid)),
    5: lambda scores, grid: depth(scores, _under(grid)),
    6: lambda scores, grid: all_outputs(scores, LAST_ONLY.label, AUTO),
    9: lambda scores, grid: transfer(scores, CARRIED, grid.curve_eps),
    10: lambda scores, grid: joints(scores, AUTO, grid.strongest_eps),
}
"""By number of the claim; the others are of steps and universal perturbations, not of strength."""


def strongest_findings(scores: StudyScores, grid: Grid) -> list[Finding]:
    """The order of networks, and each claim that is about strength; none where it was not run."""
    if STRONGEST not in grid.parts:
        return []
    texts = claims()
    known = [judged(n, texts[n - 1], measure, scores, grid) for n, measure in MEASURES.items()]
    return [judged(None, ORDER, _order, scores, grid), *known]


def _under(grid: Grid) -> Under:
    return Under((AUTO, SHORT_U), grid.strongest_eps)


def _order(scores: StudyScores, grid: Grid) -> list[Comparison]:
    """Of every two that the paper's attack tells apart, the more robust minus the other."""
    under, names = _under(grid), scores.networks
    if len(names) < 2:
        raise Missing("two networks")
    kept = {}
    for attack in under.attacks:
        eps = under.common_eps(scores, names, attack)
        kept[attack] = {name: scores.mean_kept(name, attack, eps) for name in names}
    before, now = kept[SHORT_U], kept[AUTO]
    ranked = sorted(names, key=lambda name: -float(before[name][0]))
    apart = [(a, b) for a, b in combinations(ranked, 2) if interval(before[a] - before[b])[1] > 0]
    if not apart:
        raise Missing(f"two networks that {SHORT_U} tells apart")
    words = f"{scores.kept_words}, mean over eps"
    least = np.min([now[a] - now[b] for a, b in apart], axis=0)
    pairs = f"the more robust minus the other, least of the {len(apart)} pairs told apart"
    return [
        compare(f"{words}, under {AUTO}: {pairs} by {SHORT_U}", least, True),
        *(
            compare(f"{words}, under {attack}: {name}", kept[attack][name])
            for attack in under.attacks
            for name in ranked
        ),
    ]
