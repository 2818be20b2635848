"""The ten claims of Jain et al. 2019, each tested on a study's numbers.

A claim is put as differences that are above 0 where it holds. Its verdict follows from their 95 %
bootstrap intervals over people, drawn in pairs: it holds if every one of them lies above 0. Where a
part of it could not be tested, the others can still show that it does not hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from hpe_art.evaluation.results import attack_name
from hpe_art.evaluation.study.plan import Grid
from hpe_art.evaluation.study.scores import StudyScores
from hpe_art.intervals import Draws, interval
from hpe_art.mpii import GROUPS

HOLDS, FAILS, UNTESTED = "holds", "does not hold", "not tested here"
U10, T20 = "IGSM-U-10", "IGSM-T-20"
HOURGLASSES = ("hourglass", "hourglass_8stack", "attention_hourglass", "dlcm")
ABOUT = 10.0
"""Percentage points within which a universal perturbation counts as about as effective."""


@dataclass(frozen=True)
class Comparison:
    """One measured number with its 95 % interval.

    Attributes:
        what: it is, in words.
        value: of the people themselves.
        low: end of the interval.
        high: end of the interval.
        decides: whether the verdict hangs on it being above 0.
    """

    what: str
    value: float
    low: float
    high: float
    decides: bool = False


@dataclass(frozen=True)
class Finding:
    """One claim and what became of it.

    Attributes:
        number: of the claim, 1 to 10.
        claim: in words.
        paper: the paper's own figures.
        verdict: "holds", "does not hold" or "not tested here".
        why: the reason in words, where it is not just the numbers.
        comparisons: what was measured.
    """

    number: int
    claim: str
    paper: str
    verdict: str
    why: str = ""
    comparisons: list[Comparison] = field(default_factory=list)


@dataclass(frozen=True)
class _Missing(Exception):
    """What a claim needs and was not studied; comparisons are those of its other parts."""

    what: str
    comparisons: list[Comparison] = field(default_factory=list)


def findings(scores: StudyScores, grid: Grid) -> list[Finding]:
    """All ten, in order; those whose networks or attacks were not studied are not tested."""
    found = []
    for number, (claim, paper, measure) in enumerate(_CLAIMS, start=1):
        lacks = None
        try:
            comparisons = measure(scores, grid)
        except _Missing as missing:
            lacks, comparisons = missing.what, missing.comparisons
        verdict, why = _verdict(comparisons, lacks)
        found.append(Finding(number, claim, paper, verdict, why, comparisons))
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


def _compared(what: str, draws: Draws, decides: bool = False) -> Comparison:
    if not np.isfinite(draws[0]):
        raise _Missing("a clean PCKh above 0 of every network and joint")
    return Comparison(what, *interval(draws), decides)


def _networks(scores: StudyScores, *names: str) -> None:
    absent = [name for name in names if name not in scores.networks]
    if absent:
        raise _Missing(f"the network {' and '.join(absent)}")


def _common_eps(scores: StudyScores, attack: str, names: Iterable[str]) -> list[float]:
    shared = set.intersection(*(set(scores.eps_of(name, attack)) for name in names))
    if not shared:
        raise _Missing(f"{attack} on all of {', '.join(names)}")
    return sorted(shared)


def _run(scores: StudyScores, names: Iterable[str], attack: str, eps: float) -> None:
    if not all(scores.has(name, attack, eps) for name in names):
        raise _Missing(f"{attack} at eps {eps:g}")


def _more_robust(
    scores: StudyScores, strong: str, weak: str, decides: bool = True
) -> list[Comparison]:
    """How much more of its PCKh the first keeps, on average over eps."""
    _networks(scores, strong, weak)
    compared = []
    for attack in (U10, "FGSM-U"):
        eps = _common_eps(scores, attack, (strong, weak))
        kept = [scores.mean_relative(name, attack, eps) for name in (strong, weak)]
        words = f"relative PCKh under {attack}, mean over {len(eps)} eps: {strong} minus {weak}"
        compared.append(_compared(words, kept[0] - kept[1], decides and attack == U10))
    return compared


def _output_type(scores: StudyScores, grid: Grid) -> list[Comparison]:
    pairs = [
        (name, other)
        for name in scores.networks
        if "_heatmap" in name
        and (other := name.replace("_heatmap", "_regression")) in scores.networks
    ]
    if not pairs:
        raise _Missing("a backbone with both heads (NAME_heatmap and NAME_regression)")
    return _each_more_robust(scores, pairs)


def _each_more_robust(scores: StudyScores, pairs: Sequence[tuple[str, str]]) -> list[Comparison]:
    """Of all pairs; where one could not be tested, the others still count."""
    compared, lacks = [], []
    for strong, weak in pairs:
        try:
            compared += _more_robust(scores, strong, weak)
        except _Missing as missing:
            lacks.append(missing.what)
    if lacks:
        raise _Missing("; ".join(lacks), compared)
    return compared


def _pre_training(scores: StudyScores, grid: Grid) -> list[Comparison]:
    pairs = [
        (f"{name}_pretrained", name)
        for name in scores.networks
        if f"{name}_pretrained" in scores.networks
    ]
    if not pairs:
        raise _Missing("a network with and without pre-training")
    return _each_more_robust(scores, pairs)


def _dlcm(scores: StudyScores, grid: Grid) -> list[Comparison]:
    _networks(scores, "dlcm")
    others = [name for name in scores.networks if name != "dlcm"]
    if not others:
        raise _Missing("another network than dlcm")
    eps = _common_eps(scores, U10, scores.networks)
    kept = {name: scores.mean_relative(name, U10, eps) for name in scores.networks}
    best = np.max([kept[name] for name in others], axis=0)
    rival = max(others, key=lambda name: kept[name][0])
    words = f"relative PCKh under {U10}, mean over {len(eps)} eps: dlcm minus"
    return [
        _compared(f"{words} the best other (here {rival})", kept["dlcm"] - best, decides=True),
        *(_compared(f"{words} {name}", kept["dlcm"] - kept[name]) for name in others),
    ]


def _iterations(scores: StudyScores, grid: Grid) -> list[Comparison]:
    eps, names = grid.curve_eps, scores.networks
    longest = _longest(scores, names, False, eps)
    if longest <= 10:
        raise _Missing("more than 10 iterations")
    long_u = attack_name("igsm", False, longest, "last")
    _run(scores, names, U10, eps)
    names = [name for name in names if scores.relative(name, U10, eps)[0] > 0]
    if not names:
        raise _Missing(f"a network of which {U10} leaves something at eps {eps:g}")
    compared = []
    beyond = []
    for name in names:
        short, long = (scores.relative(name, attack, eps) for attack in (U10, long_u))
        beyond.append(short / 2 - long)
        words = f"relative PCKh at eps {eps:g}, {U10} minus {long_u}: {name}"
        compared.append(_compared(words, short - long))
    words = f"relative PCKh at eps {eps:g}, half of {U10} minus {long_u}: least of "
    words += f"the {len(names)} networks of which {U10} leaves something"
    compared.insert(0, _compared(words, np.min(beyond, axis=0), decides=True))
    long_t = attack_name("igsm", True, _longest(scores, names, True, eps), "last")
    for name in names:
        if scores.has(name, long_t, eps) and scores.has(name, T20, eps) and long_t != T20:
            gain = scores.target(name, long_t, eps) - scores.target(name, T20, eps)
            compared.append(
                _compared(f"target PCKh at eps {eps:g}, {long_t} minus {T20}: {name}", gain)
            )
    return compared


def _longest(scores: StudyScores, names: Iterable[str], targeted: bool, eps: float) -> int:
    """The largest number of steps that all have in common; 0 if there is none."""
    shared = set.intersection(*(set(scores.steps_of(name, targeted, eps)) for name in names))
    return max(shared, default=0)


def _depth(scores: StudyScores, grid: Grid) -> list[Comparison]:
    compared = _more_robust(scores, "hourglass_8stack", "hourglass")
    eps, pair = grid.curve_eps, ("hourglass_8stack", "hourglass")
    long_u = attack_name("igsm", False, _longest(scores, pair, False, eps), "last")
    if all(scores.has(name, long_u, eps) for name in ("hourglass_8stack", "hourglass")):
        kept = [scores.relative(n, long_u, eps) for n in ("hourglass_8stack", "hourglass")]
        words = f"relative PCKh under {long_u} at eps {eps:g}: hourglass_8stack minus hourglass"
        compared.append(_compared(words, kept[0] - kept[1]))
    return compared


def _all_outputs(scores: StudyScores, grid: Grid) -> list[Comparison]:
    names = [name for name in scores.networks if scores.eps_of(name, f"{U10}-ALL")]
    if not names:
        raise _Missing(f"{U10}-ALL on a network with several outputs")
    compared, gains = [], []
    for name in names:
        eps = sorted(set(scores.eps_of(name, U10)) & set(scores.eps_of(name, f"{U10}-ALL")))
        if not eps:
            raise _Missing(f"{U10} on {name}")
        last, every = (scores.mean_relative(name, a, eps) for a in (U10, f"{U10}-ALL"))
        gains.append(last - every)
        words = f"relative PCKh under {U10}, mean over {len(eps)} eps, last minus all: {name}"
        compared.append(_compared(words, gains[-1]))
    words = f"the same, mean of {len(names)} networks"
    return [_compared(words, np.mean(gains, axis=0), decides=True), *compared]


def _targeted_takes_longer(scores: StudyScores, grid: Grid) -> list[Comparison]:
    eps, names, differences, compared = grid.curve_eps, scores.networks, [], []
    # To the same length, or the shorter run would be half way earlier for that alone.
    longest = min(_longest(scores, names, targeted, eps) for targeted in (False, True))
    for name in names:
        halves = []
        for targeted in (False, True):
            steps = [n for n in scores.steps_of(name, targeted, eps) if n <= longest]
            if len(steps) < 3:
                raise _Missing("a curve over iterations")
            halves.append(_steps_to_half(scores, name, targeted, steps, eps))
        differences.append(halves[1] - halves[0])
        compared.append(_compared(f"the same, {name}", differences[-1]))
    words = (
        f"steps to half of the effect of {longest} steps at eps {eps:g}, targeted minus "
        f"untargeted, mean of {len(names)} networks"
    )
    return [_compared(words, np.mean(differences, axis=0), decides=True), *compared]


def _steps_to_half(
    scores: StudyScores, name: str, targeted: bool, steps: Sequence[int], eps: float
) -> Draws:
    """How many steps reach half of the effect of the last, read off the broken line."""
    attacks = [attack_name("igsm", targeted, n, "last") for n in steps]
    if targeted:
        effects = np.stack([scores.target(name, attack, eps) for attack in attacks])
    else:
        effects = 100 - np.stack([scores.relative(name, attack, eps) for attack in attacks])
    # No step, no effect; more steps never count as less.
    effects = np.maximum.accumulate(np.vstack([np.zeros(effects.shape[1]), effects]))
    places = [0, *steps]
    return np.array([np.interp(e[-1] / 2, e, places) for e in effects.T])


def _universal(scores: StudyScores, grid: Grid) -> list[Comparison]:
    eps = max(grid.universal_eps)
    names = [n for n in scores.networks if scores.has(n, "UAP-U", eps) and scores.has(n, U10, eps)]
    if not names:
        raise _Missing(f"UAP-U and {U10} at eps {eps:g}")
    compared, gaps = [], []
    for name in names:
        universal = scores.relative(name, "UAP-U", eps)
        gaps.append(universal - scores.relative(name, U10, eps))
        compared.append(
            _compared(f"relative PCKh at eps {eps:g}, UAP-U minus {U10}: {name}", gaps[-1])
        )
        train = scores.train_relative(name, "UAP-U", eps)
        if train is not None:
            compared.append(
                _compared(f"relative PCKh under UAP-U on training people: {name}", train)
            )
    mean = np.mean(gaps, axis=0)
    words = f"{ABOUT:g} minus the gap, relative PCKh at eps {eps:g}, mean of {len(names)} networks"
    return [_compared(words, ABOUT - mean, decides=True), *compared]


def _transfer(scores: StudyScores, grid: Grid) -> list[Comparison]:
    eps, names = grid.curve_eps, scores.networks
    if len(names) < 2:
        raise _Missing("two networks")
    _run(scores, names, U10, eps)
    white = {name: 100 - scores.relative(name, U10, eps) for name in names}
    black: dict[tuple[str, str], Draws] = {}
    for source in names:
        for other in names:
            kept = scores.shown(source, U10, eps, "transfer_to", other)
            if kept is not None:
                black[source, other] = 100 - kept
    if not black:
        raise _Missing("images shown to other networks")
    white_mean, black_mean = (np.mean(list(d.values()), axis=0) for d in (white, black))
    words = f"degradation in percent under {U10} at eps {eps:g}"
    compared = [
        _compared(f"{words}: white box minus black box, means", white_mean - black_mean, True),
        _compared(f"{words}: white box, mean", white_mean),
        _compared(f"{words}: black box, mean of {len(black)} pairs", black_mean, True),
    ]
    alike = [d for (one, other), d in black.items() if _kind(one) == _kind(other)]
    unlike = [d for (one, other), d in black.items() if _kind(one) != _kind(other)]
    if not alike or not unlike:
        raise _Missing(f"pairs of {'unlike' if alike else 'similar'} networks", compared)
    gap = np.mean(alike, axis=0) - np.mean(unlike, axis=0)
    similar = "black box between similar networks (hourglasses, or of one backbone) minus others"
    return [*compared, _compared(f"{words}: {similar}", gap, True)]


def _kind(network: str) -> str:
    """Networks of one kind are similar: hourglasses, or those of one backbone."""
    if network in HOURGLASSES:
        return "hourglass"
    name = network.removesuffix("_pretrained")
    return name.removesuffix("_heatmap").removesuffix("_regression")


def _joints(scores: StudyScores, grid: Grid) -> list[Comparison]:
    eps, names = grid.curve_eps, scores.networks
    _run(scores, names, U10, eps)
    kept = {
        group: np.mean([scores.relative(n, U10, eps, group) for n in names], axis=0)
        for group in GROUPS
    }
    top, rest = ("Head", "Neck"), [g for g in GROUPS if g not in ("Head", "Neck")]
    lead = np.min([kept[g] for g in top], axis=0) - np.max([kept[g] for g in rest], axis=0)
    lag = np.min([kept[g] for g in GROUPS if g != "Hip"], axis=0) - kept["Hip"]
    words = f"relative PCKh under {U10} at eps {eps:g}, mean of {len(names)} networks"
    compared = [
        _compared(f"{words}: the lower of Head and Neck minus the best other", lead, True),
        _compared(f"{words}: the lowest other minus Hip", lag, True),
        *(_compared(f"{words}: {group}", kept[group]) for group in GROUPS),
    ]
    if all(scores.has(n, T20, eps) for n in names):
        words = f"target PCKh under {T20} at eps {eps:g}, mean of {len(names)} networks"
        for group in GROUPS:
            draws = np.mean([scores.target(n, T20, eps, group) for n in names], axis=0)
            compared.append(_compared(f"{words}: {group}", draws))
    return compared


_Measure = Callable[[StudyScores, Grid], list[Comparison]]
_CLAIMS: tuple[tuple[str, str, _Measure], ...] = (
    (
        "Heatmap networks are more robust than direct regression (same backbone, both heads).",
        "Shown for a ResNet with either head; under IGSM-U-10 at eps 8, ResDec without "
        "pre-training keeps 14.2 %, and DeepPose, another network, 6.0 %.",
        _output_type,
    ),
    (
        "ImageNet pre-training increases robustness.",
        "ResDec under IGSM-U-10: 17.4 % with, 14.2 % without at eps 8; 82.2 and 82.7 % at eps 0.5.",
        _pre_training,
    ),
    (
        "DLCM is the most robust network.",
        "FGSM-U at eps 8: 76.1 % (Attention 76.8, 8-SHG 75.5). IGSM-U-10 at eps 8: 17.7 %, and "
        "8-SHG 20.4: 8-SHG leads at every eps, so the paper's numbers contradict its words.",
        _dlcm,
    ),
    (
        "Going from 10 to 100 iterations degrades every network dramatically.",
        "Relative PCKh at eps 8, U-10 to U-100: Attention 16.1 to 1.3, 8-SHG 20.4 to 3.5, DLCM "
        "17.7 to 1.8, Chained 7.7 to 0.5, 2-SHG 15.1 to 7.0, DeepPose 6.0 to 0.2.",
        _iterations,
    ),
    (
        "Deeper (8 stacks) is more robust than shallower (2 stacks).",
        "IGSM-U-10 at eps 8: 20.4 % against 15.1 %. U-100 contradicts it: 3.5 % against 7.0 %.",
        _depth,
    ),
    (
        "The loss over all outputs is more effective than that over the last.",
        "IGSM-U-10 at eps 8: 2-SHG 15.1 to 10.7 %, 8-SHG 20.4 to 15.2 %.",
        _all_outputs,
    ),
    (
        "Targeted attacks need more iterations than untargeted ones.",
        "At eps 8, T-20 reaches 52.9 to 79.7 % target PCKh and T-100 83.3 to 99.0 %; U-10 already "
        "takes away 79.6 % or more. (2-SHG has 66.3 % for T-20 in one figure, 56.0 in another.)",
        _targeted_takes_longer,
    ),
    (
        "Universal perturbations are about as effective as image-specific ones.",
        "At eps 16, mean of the networks: 9.9 % left on validation, 6.4 % on training people; "
        "image-specific about 8 %. (That people are seen in the perturbation alone is for the eye: "
        "see the figure of universal perturbations.)",
        _universal,
    ),
    (
        "Black-box transfer degrades less than white box, and more between similar networks.",
        "30 to 40 % against 85 to 90 %.",
        _transfer,
    ),
    (
        "Head and neck are the most robust joints, hips the most vulnerable.",
        "U, mean: Neck 35.4, Head 23.6, Shoulder 20.0, Elbow 12.8, Wrist 12.2, Knee 5.5, Ankle "
        "4.8, Hip 3.1. Targeted, hips are the easiest to move (82.0), the head is hard (52.0).",
        _joints,
    ),
)
