"""What networks, outputs and joints are compared by, under any attack.

Deciding differences are above 0 where a claim holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hpe_art.evaluation.results import Comparison
from hpe_art.studies.jain2019.scores import Missing, StudyScores, compare, compare_each, mean

HOURGLASSES = ("hourglass", "hourglass_8stack", "attention_hourglass", "dlcm")
DEEP, SHALLOW = "hourglass_8stack", "hourglass"


@dataclass(frozen=True)
class Under:
    """What networks are compared under.

    Attributes:
        attacks: labels; the first decides, the others are shown beside it.
        eps: at which; None: at all that the networks have in common.
    """

    attacks: tuple[str, ...]
    eps: tuple[float, ...] | None = None

    def common_eps(self, scores: StudyScores, networks: Sequence[str], attack: str) -> list[float]:
        """The eps of an attack that all have in common; raises `Missing` if there is none."""
        shared = scores.common_eps(networks, attack)
        found = shared if self.eps is None else [eps for eps in shared if eps in self.eps]
        if not found:
            raise Missing(f"{attack} at eps {', '.join(f'{eps:g}' for eps in self.eps or ())}")
        return found


def more_robust(scores: StudyScores, under: Under, strong: str, weak: str) -> list[Comparison]:
    """How much more of its score the first keeps, on average over eps."""
    scores.check_networks(strong, weak)
    compared = []
    for attack in under.attacks:
        eps = under.common_eps(scores, (strong, weak), attack)
        more = scores.mean_kept(strong, attack, eps) - scores.mean_kept(weak, attack, eps)
        words = f"{scores.kept_words} under {attack}, mean over {len(eps)} eps: {strong} minus"
        compared.append(compare(f"{words} {weak}", more, attack == under.attacks[0]))
    return compared


def _each_more_robust(
    scores: StudyScores, under: Under, pairs: Sequence[tuple[str, str]], what: str
) -> list[Comparison]:
    """Of all pairs; where one could not be tested, the others still count."""
    if not pairs:
        raise Missing(what)
    compared, lacks = [], []
    for strong, weak in pairs:
        try:
            compared += more_robust(scores, under, strong, weak)
        except Missing as missing:
            lacks.append(missing.what)
    if lacks:
        raise Missing("; ".join(lacks), compared)
    return compared


def output_type(scores: StudyScores, under: Under) -> list[Comparison]:
    """Heatmaps against coordinates, of every backbone with both."""
    heads = [(n, n.replace("_heatmap", "_regression")) for n in scores.networks if "_heatmap" in n]
    pairs = [pair for pair in heads if pair[1] in scores.networks]
    what = "a backbone with both heads (NAME_heatmap and NAME_regression)"
    return _each_more_robust(scores, under, pairs, what)


def pre_training(scores: StudyScores, under: Under) -> list[Comparison]:
    """Each network with pre-training against the same without."""
    trained = ((f"{name}_pretrained", name) for name in scores.networks)
    pairs = [pair for pair in trained if pair[0] in scores.networks]
    return _each_more_robust(scores, under, pairs, "a network with and without pre-training")


def dlcm(scores: StudyScores, under: Under) -> list[Comparison]:
    """DLCM against the best other, and against each."""
    scores.check_networks("dlcm")
    others = [name for name in scores.networks if name != "dlcm"]
    if not others:
        raise Missing("another network than dlcm")
    attack = under.attacks[0]
    eps = under.common_eps(scores, scores.networks, attack)
    kept = {name: scores.mean_kept(name, attack, eps) for name in scores.networks}
    best = np.max([kept[name] for name in others], axis=0)
    rival = max(others, key=lambda name: float(kept[name][0]))
    words = f"{scores.kept_words} under {attack}, mean over {len(eps)} eps: dlcm minus"
    return [
        compare(f"{words} the best other (here {rival})", kept["dlcm"] - best, True),
        *(compare(f"{words} {n}", kept["dlcm"] - kept[n]) for n in others),
    ]


def depth(scores: StudyScores, under: Under) -> list[Comparison]:
    """Eight stacks against two."""
    return more_robust(scores, under, DEEP, SHALLOW)


def all_outputs(scores: StudyScores, last: str, every: str) -> list[Comparison]:
    """An attack on the last output minus the same on all, of the networks that were given both."""
    words = f"{scores.kept_words} under {last} with the loss over the last output minus over all"
    compared, gains = [], []
    for name in scores.networks:
        eps = sorted(set(scores.eps_of(name, last)) & set(scores.eps_of(name, every)))
        if not eps:
            continue
        gains.append(scores.mean_kept(name, last, eps) - scores.mean_kept(name, every, eps))
        compared.append(compare(f"{words}, mean over {len(eps)} eps: {name}", gains[-1]))
    if not gains:
        raise Missing(f"{last} and {every} on a network with several outputs")
    everywhere = f"{words}, mean over eps, mean of {len(gains)} networks"
    return [compare(everywhere, mean(gains), decides=True), *compared]


def transfer(scores: StudyScores, attack: str, eps: float) -> list[Comparison]:
    """What images take away where they were made, and elsewhere."""
    names = scores.networks
    if len(names) < 2:
        raise Missing("two networks")
    scores.check(names, attack, eps)
    white = mean(100 - scores.kept(name, attack, eps) for name in names)
    shown = {(a, b): scores.shown(a, attack, eps, b) for a in names for b in names}
    black = {pair: 100 - kept for pair, kept in shown.items() if kept is not None}
    if not black:
        raise Missing("images shown to other networks")
    black_mean = mean(black.values())
    words = f"degradation in percent under {attack} at eps {eps:g}"
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


def joints(scores: StudyScores, attack: str, eps: Sequence[float]) -> list[Comparison]:
    """Head and neck against the others, and the hips against the others."""
    names, groups = scores.networks, scores.groups
    top, bottom = ("Head", "Neck"), "Hip"
    absent = [group for group in (*top, bottom) if group not in groups]
    if absent:
        raise Missing(f"the joints {' and '.join(absent)}")
    for one in eps:
        scores.check(names, attack, one)
    kept = {g: mean(scores.mean_kept(n, attack, eps, g) for n in names) for g in groups}
    others = [kept[g] for g in groups if g not in top]
    lead = np.min([kept[g] for g in top], axis=0) - np.max(others, axis=0)
    lag = np.min([kept[g] for g in groups if g != bottom], axis=0) - kept[bottom]
    sizes = ", ".join(f"{one:g}" for one in eps)
    words = f"{scores.kept_words} under {attack} at eps {sizes}, mean of {len(names)} networks"
    first = f"the lower of {' and '.join(top)} minus the best other group"
    return [
        compare(f"{words}: {first}", lead, True),
        compare(f"{words}: the lowest other group minus {bottom}", lag, True),
        *compare_each(words, kept),
    ]
