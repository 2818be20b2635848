"""The ten claims of Jain et al. 2019, each tested on a study's numbers.

A claim is put as differences that are above 0 where it holds. Its verdict follows from their 95 %
bootstrap intervals over people, drawn in pairs: it holds if every one of them lies above 0. Where a
part of it could not be tested, the others can still show that it does not hold.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from importlib import resources

import numpy as np

from hpe_art.attacks import Universal
from hpe_art.attacks.fgsm import Fgsm
from hpe_art.attacks.pgd import Igsm
from hpe_art.evaluation.results import Comparison, Finding
from hpe_art.metrics.bootstrap import Draws
from hpe_art.studies.jain2019.grid import SHORT_T, SHORT_U, Grid
from hpe_art.studies.jain2019.scores import Missing, StudyScores, compare, compare_each, igsm, mean

HOLDS, FAILS, UNTESTED = "holds", "does not hold", "not tested here"
ONE_STEP, UNIVERSAL = Fgsm().label, Universal().label
SHORT_ALL = Igsm(max_iter=10, outputs="all").label
HOURGLASSES = ("hourglass", "hourglass_8stack", "attention_hourglass", "dlcm")
DEEP, SHALLOW = "hourglass_8stack", "hourglass"
ABOUT = 10.0
"""Percentage points within which a universal perturbation counts as about as effective."""


def _more_robust(scores: StudyScores, strong: str, weak: str) -> list[Comparison]:
    """How much more of its score the first keeps, on average over eps."""
    scores.check_networks(strong, weak)
    compared = []
    for attack in (SHORT_U, ONE_STEP):
        eps = scores.common_eps((strong, weak), attack)
        more = scores.mean_kept(strong, attack, eps) - scores.mean_kept(weak, attack, eps)
        words = f"{scores.kept_words} under {attack}, mean over {len(eps)} eps: {strong} minus"
        compared.append(compare(f"{words} {weak}", more, attack == SHORT_U))
    return compared


def _each_more_robust(
    scores: StudyScores, pairs: Sequence[tuple[str, str]], what: str
) -> list[Comparison]:
    """Of all pairs; where one could not be tested, the others still count."""
    if not pairs:
        raise Missing(what)
    compared, lacks = [], []
    for strong, weak in pairs:
        try:
            compared += _more_robust(scores, strong, weak)
        except Missing as missing:
            lacks.append(missing.what)
    if lacks:
        raise Missing("; ".join(lacks), compared)
    return compared


def _output_type(scores: StudyScores, grid: Grid) -> list[Comparison]:
    heads = [(n, n.replace("_heatmap", "_regression")) for n in scores.networks if "_heatmap" in n]
    pairs = [pair for pair in heads if pair[1] in scores.networks]
    what = "a backbone with both heads (NAME_heatmap and NAME_regression)"
    return _each_more_robust(scores, pairs, what)


def _pre_training(scores: StudyScores, grid: Grid) -> list[Comparison]:
    trained = ((f"{name}_pretrained", name) for name in scores.networks)
    pairs = [pair for pair in trained if pair[0] in scores.networks]
    return _each_more_robust(scores, pairs, "a network with and without pre-training")


def _dlcm(scores: StudyScores, grid: Grid) -> list[Comparison]:
    scores.check_networks("dlcm")
    others = [name for name in scores.networks if name != "dlcm"]
    if not others:
        raise Missing("another network than dlcm")
    eps = scores.common_eps(scores.networks, SHORT_U)
    kept = {name: scores.mean_kept(name, SHORT_U, eps) for name in scores.networks}
    best = np.max([kept[name] for name in others], axis=0)
    rival = max(others, key=lambda name: float(kept[name][0]))
    words = f"{scores.kept_words} under {SHORT_U}, mean over {len(eps)} eps: dlcm minus"
    return [
        compare(f"{words} the best other (here {rival})", kept["dlcm"] - best, True),
        *(compare(f"{words} {n}", kept["dlcm"] - kept[n]) for n in others),
    ]


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
    those = f"least of the {len(short)} networks of which {SHORT_U} leaves something"
    gains = {name: short[name] - long[name] for name in short}
    both = [n for n in short if all(scores.has(n, one, eps) for one in (long_t, SHORT_T))]
    aimed = {n: scores.target(n, long_t, eps) - scores.target(n, SHORT_T, eps) for n in both}
    aimed_words = f"target {scores.key} at eps {eps:g}, {long_t} minus {SHORT_T}"
    return [
        compare(f"{words}, half of {SHORT_U} minus {long_u}: {those}", least, True),
        *compare_each(f"{words}, {SHORT_U} minus {long_u}", gains),
        *compare_each(aimed_words, {} if long_t == SHORT_T else aimed),
    ]


def _depth(scores: StudyScores, grid: Grid) -> list[Comparison]:
    compared = _more_robust(scores, DEEP, SHALLOW)
    eps = grid.curve_eps
    if longest := scores.longest((DEEP, SHALLOW), False, eps):
        attack = igsm(False, longest)
        more = scores.kept(DEEP, attack, eps) - scores.kept(SHALLOW, attack, eps)
        words = f"{scores.kept_words} under {attack} at eps {eps:g}: {DEEP} minus {SHALLOW}"
        compared.append(compare(words, more))
    return compared


def _all_outputs(scores: StudyScores, grid: Grid) -> list[Comparison]:
    names = [name for name in scores.networks if scores.eps_of(name, SHORT_ALL)]
    if not names:
        raise Missing(f"{SHORT_ALL} on a network with several outputs")
    compared, gains = [], []
    for name in names:
        eps = sorted(set(scores.eps_of(name, SHORT_U)) & set(scores.eps_of(name, SHORT_ALL)))
        if not eps:
            raise Missing(f"{SHORT_U} on {name}")
        gains.append(scores.mean_kept(name, SHORT_U, eps) - scores.mean_kept(name, SHORT_ALL, eps))
        words = f"{scores.kept_words} under {SHORT_U}, mean over {len(eps)} eps, last minus all"
        compared.append(compare(f"{words}: {name}", gains[-1]))
    words = f"the same, mean of {len(names)} networks"
    return [compare(words, mean(gains), decides=True), *compared]


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
    words = f"steps to half of the effect of {longest} steps at eps {eps:g}, targeted minus "
    words += f"untargeted, mean of {len(names)} networks"
    compared = [compare(f"the same, {name}", draws) for name, draws in later.items()]
    return [compare(words, mean(later.values()), decides=True), *compared]


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
    words = f"{ABOUT:g} minus the gap, {scores.kept_words} at eps {eps:g}, "
    words += f"mean of {len(names)} networks"
    return [compare(words, ABOUT - mean(gaps), decides=True), *compared]


def _transfer(scores: StudyScores, grid: Grid) -> list[Comparison]:
    eps, names = grid.curve_eps, scores.networks
    if len(names) < 2:
        raise Missing("two networks")
    scores.check(names, SHORT_U, eps)
    white = mean(100 - scores.kept(name, SHORT_U, eps) for name in names)
    shown = {(a, b): scores.shown(a, SHORT_U, eps, b) for a in names for b in names}
    black = {pair: 100 - kept for pair, kept in shown.items() if kept is not None}
    if not black:
        raise Missing("images shown to other networks")
    black_mean = mean(black.values())
    words = f"degradation in percent under {SHORT_U} at eps {eps:g}"
    compared = [
        compare(f"{words}: white box minus black box, means", white - black_mean, True),
        compare(f"{words}: white box, mean", white),
        compare(f"{words}: black box, mean of {len(black)} pairs", black_mean, True),
    ]
    alike = [draws for (a, b), draws in black.items() if _kind(a) == _kind(b)]
    unlike = [draws for (a, b), draws in black.items() if _kind(a) != _kind(b)]
    if not alike or not unlike:
        raise Missing(f"pairs of {'unlike' if alike else 'similar'} networks", compared)
    similar = "black box between similar networks (hourglasses, or of one backbone) minus others"
    return [*compared, compare(f"{words}: {similar}", mean(alike) - mean(unlike), True)]


def _kind(network: str) -> str:
    """Networks of one kind are similar: hourglasses, or those of one backbone."""
    if network in HOURGLASSES:
        return "hourglass"
    name = network.removesuffix("_pretrained")
    return name.removesuffix("_heatmap").removesuffix("_regression")


def _joints(scores: StudyScores, grid: Grid) -> list[Comparison]:
    eps, names, groups = grid.curve_eps, scores.networks, scores.groups
    top, bottom = ("Head", "Neck"), "Hip"
    absent = [group for group in (*top, bottom) if group not in groups]
    if absent:
        raise Missing(f"the joints {' and '.join(absent)}")
    scores.check(names, SHORT_U, eps)
    kept = {g: mean(scores.kept(n, SHORT_U, eps, g) for n in names) for g in groups}
    others = [kept[g] for g in groups if g not in top]
    lead = np.min([kept[g] for g in top], axis=0) - np.max(others, axis=0)
    lag = np.min([kept[g] for g in groups if g != bottom], axis=0) - kept[bottom]
    words = f"{scores.kept_words} under {SHORT_U} at eps {eps:g}, mean of {len(names)} networks"
    first = f"the lower of {' and '.join(top)} minus the best other"
    compared = [
        compare(f"{words}: {first}", lead, True),
        compare(f"{words}: the lowest other minus {bottom}", lag, True),
        *compare_each(words, kept),
    ]
    if all(scores.has(n, SHORT_T, eps) for n in names):
        words = f"target {scores.key} under {SHORT_T} at eps {eps:g}, mean of {len(names)} networks"
        aimed = {g: mean(scores.target(n, SHORT_T, eps, g) for n in names) for g in groups}
        compared += compare_each(words, aimed)
    return compared


MEASURES: tuple[Callable[[StudyScores, Grid], list[Comparison]], ...] = (
    _output_type,
    _pre_training,
    _dlcm,
    _iterations,
    _depth,
    _all_outputs,
    _targeted_takes_longer,
    _universal,
    _transfer,
    _joints,
)
"""In the order of `claims.json`."""


def findings(scores: StudyScores, grid: Grid) -> list[Finding]:
    """All ten, in order; those whose networks or attacks were not studied are not tested."""
    texts = json.loads(resources.files(__package__).joinpath("claims.json").read_text("utf-8"))
    found = []
    for number, (text, measure) in enumerate(zip(texts, MEASURES, strict=True), start=1):
        lacks = None
        try:
            comparisons = measure(scores, grid)
        except Missing as missing:
            lacks, comparisons = missing.what, missing.comparisons
        verdict, why = _verdict(comparisons, lacks)
        judged = dict(verdict=verdict, why=why, comparisons=comparisons)
        found.append(Finding(number=number, **text, **judged))
    return found


def _verdict(comparisons: Sequence[Comparison], lacks: str | None) -> tuple[str, str]:
    """The verdict, and the reason where it is not just the numbers."""
    deciding = [c for c in comparisons if c.decides]
    if any(c.low <= 0 for c in deciding):
        unsure = [c.what for c in deciding if c.low <= 0 < c.high]
        return FAILS, f"the interval includes 0: {'; '.join(unsure)}" if unsure else ""
    if lacks is None:
        return HOLDS, ""
    rest = "; what was tested of it holds" if deciding else ""
    return UNTESTED, f"needs {lacks}{rest}"
