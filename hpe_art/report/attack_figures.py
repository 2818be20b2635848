"""Figures of what attacks do: over eps, over steps, and to each group of joints."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hpe_art.evaluation.results import Attack, Results, Run
from hpe_art.report import leading
from hpe_art.report.leading import family, is_noise, judged_by, leading_attack, over_eps, over_steps
from hpe_art.report.numbers import axis_label, digits_of
from hpe_art.report.styles import (
    NOISE_LABEL,
    Drawing,
    Styles,
    add_legend,
    draw_bars,
    scores_under,
    side_by_side,
    use_log_axis,
    use_score_axis,
)

MAX_UNTARGETED = 2
"""Untargeted attacks in the figure over eps."""
Points = list[tuple[float, float, tuple[float, float]]]
"""(eps, score, ends of its interval), in the order of eps."""
Curve = dict[int, float]
"""Scores by the number of steps."""
Panels = list[tuple[Attack, bool, dict[str, Curve]]]
"""An entry of each leading attack, whether it is targeted, and a curve for each network."""


def eps_curve(run: Run) -> Figure:
    """The relative score over eps (a base-2 logarithm), a line per attack; noise is grey.

    An eps of 0 has no place on the axis and is left out; a null score leaves a gap. ValueError for
    fewer than two values of eps above 0.
    """
    curves: dict[str, dict[float, float]] = {}
    noises = set()
    for attack in run.attacks:
        if attack.eps:
            value = attack.relative.value
            curve = curves.setdefault(attack.name, {})
            curve[attack.eps] = np.nan if value is None else value
            if is_noise(run, attack):
                noises.add(attack.name)
    ticks = sorted({eps for curve in curves.values() for eps in curve})
    if len(ticks) < 2:
        raise ValueError(f"Expected at least two values of eps above 0. Got {ticks}.")
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes, styles = figure.subplots(), Styles(list(curves))
    for name, curve in curves.items():
        style: dict[str, Any] = styles.line(name)
        if name in noises:
            style |= {"color": "0.4", "linestyle": "--"}
        eps = sorted(curve)
        axes.plot(eps, [curve[one] for one in eps], linewidth=2, **style)
    grey = all(attack.norm == "inf" for attack in run.attacks)
    use_log_axis(axes, ticks, f"eps ({'grey levels of 255' if grey else 'in its norm'})")
    axes.set_ylabel(axis_label("relative", run.metric, long=True), fontsize=12)
    axes.tick_params(labelsize=12)
    axes.set_title(_title(run), fontsize=14)
    figure.legend(loc="outside right center", fontsize=12)
    return figure


def _title(run: Run) -> str:
    people, clean = f"{run.dataset.num_samples} people", run.clean.score.value
    if clean is None:
        return people
    score = f"{clean:.{digits_of(run.metric)}f} {run.metric.unit}".rstrip()
    return f"{people}, clean {run.metric.key} {score}"


def eps_panels(results: Results, styles: Styles) -> Drawing | None:
    """What the strongest untargeted attacks leave and a targeted one reaches, over eps.

    Dashed without a band: with the loss over all outputs. Grey: random noise.

    Source: Jain et al. 2019, figure 1.
    """
    panels = [(name, False) for name in _with_curve(results, False)[:MAX_UNTARGETED][::-1]]
    panels += [(name, True) for name in _with_curve(results, True)[:1]]
    if not panels:
        return None
    figure, row = side_by_side(len(panels), 4.4 * len(panels), 4.6)
    for one, (name, targeted) in zip(row, panels, strict=True):
        for network, run in results.runs.items():
            _draw_over_eps(one, run, name, targeted, styles, network)
        one.set_title(name, fontsize=14)
        points = (line.get_xdata() for line in one.get_lines())
        ticks = sorted({float(x) for xs in points for x in np.atleast_1d(xs)})
        use_log_axis(one, ticks, "eps (grey levels of 255)")
        use_score_axis(one, results, targeted, whole=True)
    add_legend(figure)
    said = f"Over eps, with 95 % intervals: {scores_under(panels, results)}."
    attacks = [(run, a) for run in results.runs.values() for a in run.attacks]
    if any(a.outputs == "all" for _, a in attacks):
        said += " Dashed and thin: with the loss over all outputs."
    if any(is_noise(*one) for one in attacks):
        said += " Grey: random noise."
    return Drawing(figure, said)


def _with_curve(results: Results, targeted: bool) -> list[str]:
    names = leading.ranked_attacks(results, targeted)
    return [n for n in names if any(len(over_eps(run, n)) > 1 for run in results.runs.values())]


def _draw_over_eps(
    axes: Axes, run: Run, name: str, targeted: bool, styles: Styles, network: str
) -> None:
    entries = over_eps(run, name)
    points = _points(entries, targeted)
    if not points:
        return
    eps, _, ends = zip(*points, strict=True)
    low, high = np.array(ends).T
    line = styles.line(network)
    axes.fill_between(eps, low, high, color=line["color"], alpha=0.12)
    _draw(axes, points, linewidth=2, **line)
    every = _points([a for a in run.attacks if _is_twin(a, entries[0])], targeted)
    own = {"color": line["color"], "marker": line["marker"], "markersize": 4}
    _draw(axes, every, linewidth=1, linestyle=(0, (2, 2)), **own)
    if not targeted:
        noise = _points([a for a in run.attacks if is_noise(run, a)], targeted)
        _draw(axes, noise, linewidth=1, color="0.6", zorder=0, label=NOISE_LABEL)


def _draw(axes: Axes, points: Points, **style: Any) -> None:
    if points:
        eps, values, _ = zip(*points, strict=True)
        axes.plot(eps, values, **style)


def _is_twin(attack: Attack, of: Attack) -> bool:
    """The same attack with the loss over all outputs."""
    same = ("attack", "targeted", "max_iter", "norm", "loss")
    alike = all(getattr(attack, key) == getattr(of, key) for key in same)
    return alike and attack.outputs == "all" and attack.outputs != of.outputs


def _points(entries: Sequence[Attack], targeted: bool) -> Points:
    scores = [(a.eps, judged_by(a, targeted)) for a in entries]
    return sorted(
        (eps, score.value, score.interval or (score.value, score.value))
        for eps, score in scores
        if eps and score is not None and score.value is not None
    )


def group_bars(results: Results, styles: Styles) -> Drawing | None:
    """Of each joint group, what the leading attacks leave and reach, at one eps."""
    eps = leading.leading_eps(results)
    groups = list(next(iter(results.runs.values())).skeleton.groups)
    panels = []
    for targeted in (False, True):
        name = leading_attack(results, targeted)
        entries = {n: leading.at_eps(run, name, eps) for n, run in results.runs.items()}
        scores = {n: judged_by(a, targeted) for n, a in entries.items() if a is not None}
        if name and any(scores.values()):
            panels.append((name, targeted, scores))
    if not panels or not groups:
        return None
    figure = Figure(figsize=(max(12, 1.5 * len(groups)), 3.5 * len(panels)), layout="constrained")
    axes = figure.subplots(len(panels), 1, squeeze=False)[:, 0]
    for one, (name, targeted, scores) in zip(axes, panels, strict=True):
        heights = {
            network: None if score is None else [score.groups.get(g) or 0.0 for g in groups]
            for network, score in scores.items()
        }
        draw_bars(one, heights, styles)
        one.set_xticks(range(len(groups)), groups)
        use_score_axis(one, results, targeted)
        one.set_title(f"{name}, eps {eps:g}", fontsize=13)
    add_legend(figure)
    said = scores_under([(name, targeted) for name, targeted, _ in panels], results)
    return Drawing(figure, f"Each group of joints: {said}.")


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
