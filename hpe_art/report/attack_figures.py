"""Figures of what attacks do to networks: over eps, and to each group of joints."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hpe_art.evaluation.results import Attack, Results, Run
from hpe_art.report import leading
from hpe_art.report.leading import is_noise, judged_by, over_eps
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
    eps, values, ends = zip(*points, strict=True)
    low, high = np.array(ends).T
    axes.fill_between(eps, low, high, color=styles.colour(network), alpha=0.12)
    axes.plot(eps, values, linewidth=2, **styles.line(network))
    every = _points([a for a in run.attacks if _is_twin(a, entries[0])], targeted)
    if every:
        own = dict(color=styles.colour(network), marker=styles.line(network)["marker"])
        eps, values, _ = zip(*every, strict=True)
        axes.plot(eps, values, linewidth=1, linestyle=(0, (2, 2)), markersize=4, **own)
    noise = [] if targeted else _points([a for a in run.attacks if is_noise(run, a)], False)
    if noise:
        eps, values, _ = zip(*noise, strict=True)
        axes.plot(eps, values, linewidth=1, color="0.6", zorder=0, label=NOISE_LABEL)


def _is_twin(attack: Attack, of: Attack) -> bool:
    """The same attack with the loss over all outputs."""
    same = ("attack", "targeted", "max_iter", "norm", "loss")
    alike = all(getattr(attack, key) == getattr(of, key) for key in same)
    return alike and attack.outputs == "all" and attack.outputs != of.outputs


def _points(
    entries: Sequence[Attack], targeted: bool
) -> list[tuple[float, float, tuple[float, float]]]:
    """(eps, score, ends of its interval), in the order of eps."""
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
        name = leading.leading_attack(results, targeted)
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
