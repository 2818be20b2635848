"""Figures of what more steps of the leading attacks do."""

from __future__ import annotations

from collections.abc import Iterator

from matplotlib.figure import Figure

from hpe_art.evaluation.results import Attack, Results, Run
from hpe_art.report.drawing import Drawing, side_by_side, use_score_axis
from hpe_art.report.leading import family, judged_by, leading_attack, over_steps
from hpe_art.report.styles import Styles, add_legend, use_log_axis

Curve = dict[int, float]
"""Scores by the number of steps."""


def step_bars(results: Results, styles: Styles) -> Drawing | None:
    """What is gained from the usual number of steps to the longest run."""
    panels = []
    for lead, targeted, curves in _curves(results):
        usual = lead.max_iter or 0
        if longer := {n: c for n, c in curves.items() if usual in c and max(c) > usual}:
            panels.append((lead, targeted, longer))
    if not panels:
        return None
    figure = Figure(figsize=(5.5 * len(panels), 4.6), layout="constrained")
    for axes, (lead, targeted, longer) in zip(
        side_by_side(figure, len(panels)), panels, strict=True
    ):
        for i, (network, curve) in enumerate(longer.items()):
            bar = styles.bar(network)
            axes.bar(i - 0.2, curve[lead.max_iter or 0], 0.38, **bar)
            axes.bar(i + 0.2, curve[max(curve)], 0.38, **{**bar, "alpha": 0.5})
        title = f"{family(lead)}: {lead.max_iter} steps, then (pale) the longest run"
        axes.set_title(title, fontsize=12)
        use_score_axis(axes, results, targeted)
        axes.set_xticks(range(len(longer)), list(longer), rotation=30, ha="right")
    return Drawing(figure, "From the usual number of steps to the longest run.")


def step_curves(results: Results, styles: Styles) -> Drawing | None:
    """What is left, or reached, after each number of steps."""
    panels = []
    for lead, targeted, curves in _curves(results):
        if long := {n: c for n, c in curves.items() if len(c) > 2}:
            panels.append((lead, targeted, long))
    if not panels:
        return None
    figure = Figure(figsize=(5.5 * len(panels), 4.6), layout="constrained")
    for axes, (lead, targeted, long) in zip(side_by_side(figure, len(panels)), panels, strict=True):
        for network, curve in long.items():
            axes.plot(list(curve), list(curve.values()), linewidth=2, **styles.line(network))
        axes.set_title(family(lead), fontsize=14)
        use_log_axis(axes, sorted(set().union(*long.values())), "steps")
        use_score_axis(axes, results, targeted, whole=True)
    add_legend(figure)
    return Drawing(figure, "What is left, or reached, after each number of steps.")


def _curves(results: Results) -> Iterator[tuple[Attack, bool, dict[str, Curve]]]:
    """An entry of each leading attack, whether it is targeted, and a curve for each network."""
    for targeted in (False, True):
        name = leading_attack(results, targeted)
        entries = (a for run in results.runs.values() for a in run.attacks if a.name == name)
        if lead := next(entries, None):
            curves = {n: _curve(run, family(lead), targeted) for n, run in results.runs.items()}
            yield lead, targeted, curves


def _curve(run: Run, attack_family: str, targeted: bool) -> Curve:
    """At the eps that has most numbers of steps."""
    curves = []
    for eps in dict.fromkeys(a.eps for a in run.attacks if a.eps is not None):
        found = over_steps(run, attack_family, eps)
        scores = {steps: judged_by(a, targeted) for steps, a in found.items()}
        curves.append({n: s.value for n, s in scores.items() if s and s.value is not None})
    return max(curves, key=len, default={})
