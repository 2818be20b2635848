"""A figure with its caption, and what figures of scores have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hpe_art.evaluation.results import Results
from hpe_art.report.leading import metric_of
from hpe_art.report.numbers import axis_label


class Drawing(NamedTuple):
    """A figure and what it shows, in words."""

    figure: Figure
    caption: str


def side_by_side(figure: Figure, count: int) -> Sequence[Axes]:
    """Panels in a row."""
    axes: Sequence[Axes] = figure.subplots(1, count, squeeze=False)[0]
    return axes


def use_score_axis(axes: Axes, results: Results, targeted: bool, whole: bool = False) -> None:
    """Relative or target scores along y, from 0.

    Args:
        axes: with everything drawn.
        results: with the metric.
        targeted: target scores.
        whole: to 105 where scores cannot be above 100.
    """
    metric = metric_of(results)
    axes.set_ylabel(axis_label("target" if targeted else "relative", metric), fontsize=12)
    percent = metric.unit == "%" or not targeted
    axes.set_ylim(0, 105 if whole and percent and metric.higher_is_better else None)


def scores_under(panels: Sequence[tuple[str, bool]], results: Results) -> str:
    """Which scores a figure shows, in words.

    Args:
        panels: names of attacks, and whether they are targeted.
        results: with the metric.
    """
    said = []
    for kind, targeted in (("relative", False), ("target", True)):
        if names := [name for name, one in panels if one == targeted]:
            said.append(f"{kind} {metric_of(results).key} under {' and '.join(names)}")
    return ", and ".join(said)
