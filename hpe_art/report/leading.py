"""Which attacks stand for all in summaries and figures: found in the results, not by name."""

import re
from statistics import mean

from hpe_art.evaluation.results import Attack, MetricRecord, Results, Run, Score

USUAL_EPS = 8.0
"""In grey levels; what attacks are compared at where the study does not say otherwise."""


def ranked_attacks(results: Results, targeted: bool) -> list[str]:
    """Names of attacks that networks are compared by, the leading one first.

    Those with one perturbation for each image and eps in grey levels, of the training loss over
    the last output unless there are others alone. First is what the study names, then what was
    run on most networks, with most eps in common, and is strongest at those. Targeted ones are
    judged by what they reach of the target poses, others by what they leave.
    """
    kinds = [
        (attack.outputs == "last" and attack.loss == "training", attack.name)
        for run in results.runs.values()
        for attack in run.attacks
        if attack.targeted == targeted and attack.universal is None and attack.norm == "inf"
        if attack.eps is not None and not is_noise(run, attack)
    ]
    plain = {name for usual, name in kinds if usual} or {name for _, name in kinds}
    names = sorted(plain, key=lambda name: (_rank(results, name, targeted), name))
    grid = results.study.grid if results.study else {}
    named = grid.get("leading_targeted_attack" if targeted else "leading_attack")
    return sorted(names, key=lambda name: name != named)


def leading_attack(results: Results, targeted: bool) -> str | None:
    """The first of `ranked_attacks`, if there is one."""
    return next(iter(ranked_attacks(results, targeted)), None)


def leading_eps(results: Results) -> float:
    """At which networks are compared: what the study names, else 8, else the largest."""
    grid = results.study.grid if results.study else {}
    sizes = {a.eps for run in results.runs.values() for a in run.attacks if a.eps is not None}
    usual = USUAL_EPS if USUAL_EPS in sizes or not sizes else max(sizes)
    return float(grid.get("curve_eps", usual))


def metric_of(results: Results) -> MetricRecord:
    """The metric of results, which is one for all runs."""
    return next(iter(results.runs.values())).metric


def is_noise(run: Run, attack: Attack) -> bool:
    """Whether an attack only draws: no steps, no fit, and no gradient for any of its entries."""
    entries = [other for other in run.attacks if other.attack == attack.attack]
    return not any(e.max_iter or e.universal or e.backward_passes for e in entries)


def at_eps(run: Run, name: str | None, eps: float) -> Attack | None:
    """The entry of an attack at one eps, if it was run."""
    return next((a for a in run.attacks if (a.name, a.eps) == (name, eps)), None)


def over_eps(run: Run, name: str | None) -> list[Attack]:
    """The entries of an attack, in order of eps."""
    return sorted((a for a in run.attacks if a.name == name and a.eps), key=lambda a: a.eps or 0)


def family(attack: Attack) -> str:
    """The name of an attack without its number of steps: IGSM-U of IGSM-U-10."""
    return re.sub(rf"-{attack.max_iter}(?!\d)", "", attack.name, count=1)


def over_steps(run: Run, attack_family: str, eps: float) -> dict[int, Attack]:
    """The entries of a family at one eps, by their number of steps, in order."""
    found = {
        a.max_iter: a
        for a in run.attacks
        if a.max_iter is not None and a.eps == eps and family(a) == attack_family
    }
    return dict(sorted(found.items()))


def judged_by(attack: Attack, targeted: bool) -> Score | None:
    """The score that tells an attack's strength: its target score, or the relative one."""
    return attack.target if targeted else attack.relative


def _rank(results: Results, name: str, targeted: bool) -> tuple[float, ...]:
    held = [entries for run in results.runs.values() if (entries := over_eps(run, name))]
    common = set.intersection(*({a.eps for a in entries} for entries in held))
    scores = [
        score.value
        for entries in held
        for a in entries
        if (a.eps in common or not common) and (score := judged_by(a, targeted)) is not None
        if score.value is not None
    ]
    # A stronger attack leaves less of a score, or reaches more; of errors the other way round.
    sign = 1 if metric_of(results).higher_is_better != targeted else -1
    return (-len(held), -len(common), sign * mean(scores) if scores else float("inf"))
