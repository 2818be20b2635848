"""Figures of what more steps of the leading attacks do."""

from collections.abc import Callable

from hpe_art.evaluation.results import Attack, Results, Run
from hpe_art.report.leading import family, judged_by, leading_attack, over_steps
from hpe_art.report.styles import (
    Drawing,
    Styles,
    add_legend,
    side_by_side,
    use_log_axis,
    use_score_axis,
)

Curve = dict[int, float]
"""Scores by the number of steps."""
Panels = list[tuple[Attack, bool, dict[str, Curve]]]
"""An entry of each leading attack, whether it is targeted, and a curve for each network."""


def step_bars(results: Results, styles: Styles) -> Drawing | None:
    """What is gained from the usual number of steps to the longest run."""
    panels = _panels(results, lambda curve, usual: usual in curve and max(curve) > usual)
    if not panels:
        return None
    figure, row = side_by_side(len(panels), 5.5 * len(panels), 4.6)
    for axes, (lead, targeted, longer) in zip(row, panels, strict=True):
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
    panels = _panels(results, lambda curve, _: len(curve) > 2)
    if not panels:
        return None
    figure, row = side_by_side(len(panels), 5.5 * len(panels), 4.6)
    for axes, (lead, targeted, long) in zip(row, panels, strict=True):
        for network, curve in long.items():
            axes.plot(list(curve), list(curve.values()), linewidth=2, **styles.line(network))
        axes.set_title(family(lead), fontsize=14)
        use_log_axis(axes, sorted(set().union(*long.values())), "steps")
        use_score_axis(axes, results, targeted, whole=True)
    add_legend(figure)
    return Drawing(figure, "What is left, or reached, after each number of steps.")


def _panels(results: Results, is_shown: Callable[[Curve, int], bool]) -> Panels:
    """Those with curves to be shown, which is asked for each with the usual number of steps."""
    panels = []
    for targeted in (False, True):
        name = leading_attack(results, targeted)
        entries = (a for run in results.runs.values() for a in run.attacks if a.name == name)
        if lead := next(entries, None):
            curves = {n: _curve(run, family(lead), targeted) for n, run in results.runs.items()}
            usual = lead.max_iter or 0
            if shown := {n: curve for n, curve in curves.items() if is_shown(curve, usual)}:
                panels.append((lead, targeted, shown))
    return panels


def _curve(run: Run, attack_family: str, targeted: bool) -> Curve:
    """At the eps that has most numbers of steps."""
    curves = []
    for eps in dict.fromkeys(a.eps for a in run.attacks if a.eps is not None):
        found = over_steps(run, attack_family, eps)
        scores = {steps: judged_by(a, targeted) for steps, a in found.items()}
        curves.append({n: s.value for n, s in scores.items() if s and s.value is not None})
    return max(curves, key=len, default={})
