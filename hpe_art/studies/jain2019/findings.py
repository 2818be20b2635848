"""The ten claims of Jain et al. 2019, each tested on a study's numbers.

A claim is put as differences that are above 0 where it holds. Its verdict follows from their 95 %
bootstrap intervals over people, drawn in pairs: it holds if every one of them lies above 0, does
not hold if one lies below, and cannot be told otherwise. Where a part of it could not be tested,
the others can still show that it does not hold.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from importlib import resources

import numpy as np

from hpe_art.attacks import Universal
from hpe_art.attacks.fgsm import Fgsm
from hpe_art.attacks.pgd import Igsm
from hpe_art.evaluation.results import Comparison, Finding
from hpe_art.metrics.bootstrap import Draws
from hpe_art.studies.jain2019.comparisons import (
    DEEP,
    SHALLOW,
    Under,
    all_outputs,
    depth,
    dlcm,
    joints,
    output_type,
    pre_training,
    transfer,
)
from hpe_art.studies.jain2019.grid import PARTS, SHORT_T, SHORT_U, Grid
from hpe_art.studies.jain2019.scores import Missing, StudyScores, compare, compare_each, igsm, mean

HOLDS, FAILS, UNSURE = "holds", "does not hold", "cannot be told"
UNTESTED = "not tested here"
ONE_STEP, UNIVERSAL = Fgsm().label, Universal().label
SHORT_ALL = Igsm(max_iter=10, outputs="all").label
PAPER = Under((SHORT_U, ONE_STEP))
Measure = Callable[[StudyScores, Grid], list[Comparison]]
ABOUT = 10.0
"""Percentage points within which a universal perturbation counts as about as effective."""


def _iterations(scores: StudyScores, grid: Grid) -> list[Comparison]:
    eps, names = grid.curve_eps, scores.networks
    longest = scores.longest(names, False, eps)
    if longest <= 10:
        raise Missing("more than 10 iterations")
    long_u, long_t = igsm(False, longest), igsm(True, scores.longest(names, True, eps) or 1)
    scores.check(names, SHORT_U, eps)
    every = {name: scores.kept(name, SHORT_U, eps) for name in names}
    short = {name: kept for name, kept in every.items() if kept[0] > 0}
    if not short:
        raise Missing(f"a network of which {SHORT_U} leaves something at eps {eps:g}")
    long = {name: scores.kept(name, long_u, eps) for name in short}
    least = np.min([short[name] / 2 - long[name] for name in short], axis=0)
    words = f"{scores.kept_words} at eps {eps:g}"
    halved = f"{long_u} leaves less than half of what {SHORT_U} leaves, by"
    those = f"least of the {len(short)} networks of which {SHORT_U} leaves something"
    gains = {name: short[name] - long[name] for name in short}
    both = [n for n in short if all(scores.has(n, one, eps) for one in (long_t, SHORT_T))]
    aimed = {n: scores.target(n, long_t, eps) - scores.target(n, SHORT_T, eps) for n in both}
    aimed_words = f"target {scores.key} at eps {eps:g}, {long_t} minus {SHORT_T}"
    return [
        compare(f"{words}: {halved} ({those})", least, True),
        *compare_each(f"{words}, {SHORT_U} minus {long_u}", gains),
        *compare_each(aimed_words, {} if long_t == SHORT_T else aimed),
    ]


def _targeted_takes_longer(scores: StudyScores, grid: Grid) -> list[Comparison]:
    eps, names = grid.curve_eps, scores.networks
    if not scores.higher_is_better:
        raise Missing(f"a score of which more is better, which {scores.key} is not")
    # To the same length, or the shorter run would be half way earlier for that alone.
    longest = min(scores.longest(names, targeted, eps) for targeted in (False, True))
    later = {}
    for name in names:
        untargeted, targeted = (
            _steps_to_half(scores, name, which, longest, eps) for which in (False, True)
        )
        later[name] = targeted - untargeted
    effect = f"half of the effect of {longest} steps at eps {eps:g}"
    words = f"steps to {effect}, targeted minus untargeted"
    everywhere = f"{words}, mean of {len(names)} networks"
    return [compare(everywhere, mean(later.values()), True), *compare_each(words, later)]


def _steps_to_half(
    scores: StudyScores, name: str, targeted: bool, longest: int, eps: float
) -> Draws:
    """How many steps reach half of the effect of the last, read off the broken line."""
    steps = [n for n in scores.steps_of(name, targeted, eps) if n <= longest]
    if len(steps) < 3:
        raise Missing("a curve over iterations")
    attacks = [igsm(targeted, n) for n in steps]
    if targeted:
        effects = np.stack([scores.target(name, attack, eps) for attack in attacks])
    else:
        effects = 100 - np.stack([scores.kept(name, attack, eps) for attack in attacks])
    # No step, no effect; more steps never count as less.
    effects = np.maximum.accumulate(np.vstack([np.zeros(effects.shape[1]), effects]))
    return np.array([np.interp(e[-1] / 2, e, [0, *steps]) for e in effects.T])


def _universal(scores: StudyScores, grid: Grid) -> list[Comparison]:
    eps = max(grid.universal_eps)
    both = (UNIVERSAL, SHORT_U)
    names = [n for n in scores.networks if all(scores.has(n, attack, eps) for attack in both)]
    if not names:
        raise Missing(f"{UNIVERSAL} and {SHORT_U} at eps {eps:g}")
    compared, gaps = [], []
    for name in names:
        gaps.append(scores.kept(name, UNIVERSAL, eps) - scores.kept(name, SHORT_U, eps))
        words = f"{scores.kept_words} at eps {eps:g}, {UNIVERSAL} minus {SHORT_U}: {name}"
        compared.append(compare(words, gaps[-1]))
        training = scores.training_kept(name, UNIVERSAL, eps)
        if training is not None:
            words = f"{scores.kept_words} under {UNIVERSAL} on training people: {name}"
            compared.append(compare(words, training))
    words = f"{scores.kept_words} at eps {eps:g}, mean of {len(names)} networks: {UNIVERSAL} "
    words += f"leaves less than {ABOUT:g} points more than {SHORT_U}, by"
    return [compare(words, ABOUT - mean(gaps), decides=True), *compared]


def _depth(scores: StudyScores, grid: Grid) -> list[Comparison]:
    compared = depth(scores, PAPER)
    eps = grid.curve_eps
    if longest := scores.longest((DEEP, SHALLOW), False, eps):
        attack = igsm(False, longest)
        more = scores.kept(DEEP, attack, eps) - scores.kept(SHALLOW, attack, eps)
        words = f"{scores.kept_words} under {attack} at eps {eps:g}: {DEEP} minus {SHALLOW}"
        compared.append(compare(words, more))
    return compared


def _joints(scores: StudyScores, grid: Grid) -> list[Comparison]:
    eps, names = grid.curve_eps, scores.networks
    compared = joints(scores, SHORT_U, [eps])
    if all(scores.has(n, SHORT_T, eps) for n in names):
        words = f"target {scores.key} under {SHORT_T} at eps {eps:g}, mean of {len(names)} networks"
        aimed = {g: mean(scores.target(n, SHORT_T, eps, g) for n in names) for g in scores.groups}
        compared += compare_each(words, aimed)
    return compared


MEASURES: tuple[Measure, ...] = (
    lambda scores, grid: output_type(scores, PAPER),
    lambda scores, grid: pre_training(scores, PAPER),
    lambda scores, grid: dlcm(scores, PAPER),
    _iterations,
    _depth,
    lambda scores, grid: all_outputs(scores, SHORT_U, SHORT_ALL),
    _targeted_takes_longer,
    _universal,
    lambda scores, grid: transfer(scores, SHORT_U, grid.curve_eps),
    _joints,
)
"""In the order of `claims.json`."""


def findings(scores: StudyScores, grid: Grid) -> list[Finding]:
    """All ten, in order; those whose networks or attacks were not studied are not tested.

    None at all, where no part of the grid is the paper's.
    """
    if not set(PARTS) & set(grid.parts):
        return []
    numbered = enumerate(zip(claims(), MEASURES, strict=True), start=1)
    return [judged(n, text, measure, scores, grid) for n, (text, measure) in numbered]


def claims() -> list[dict[str, str]]:
    """The ten, and what the paper shows of each."""
    texts = resources.files(__package__).joinpath("claims.json").read_text("utf-8")
    return list(json.loads(texts))


def judged(
    number: int | None, text: Mapping[str, str], measure: Measure, scores: StudyScores, grid: Grid
) -> Finding:
    """A claim with what was measured of it, and the verdict that follows."""
    lacks = None
    try:
        comparisons = measure(scores, grid)
    except Missing as missing:
        lacks, comparisons = missing.what, missing.comparisons
    verdict, why = _verdict(comparisons, lacks)
    return Finding(number=number, **text, verdict=verdict, why=why, comparisons=comparisons)


def _verdict(comparisons: Sequence[Comparison], lacks: str | None) -> tuple[str, str]:
    """The verdict, and the reason where it is not just the numbers."""
    deciding = [c for c in comparisons if c.decides]
    if against := [c.what for c in deciding if c.high <= 0]:
        return FAILS, f"not so: {'; '.join(against)}" if len(deciding) > 1 else ""
    if unsure := [c.what for c in deciding if c.low <= 0]:
        return UNSURE, f"the interval includes 0: {'; '.join(unsure)}"
    if lacks is None:
        return HOLDS, ""
    rest = "; what was tested of it holds" if deciding else ""
    return UNTESTED, f"needs {lacks}{rest}"
