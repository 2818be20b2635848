"""How networks and attacks are told apart in figures, and what figures of scores share.

Told apart with every common form of colour blindness (Okabe and Ito 2008), and in grey print.
"""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from hpe_art.evaluation.results import Results
from hpe_art.files import write_whole
from hpe_art.report.leading import metric_of
from hpe_art.report.numbers import axis_label

PLAIN_TEXT: dict[Any, Any] = {"text.parse_math": False}
"""For matplotlib: names are shown as they are, also those with a dollar."""
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "osD^vP*X"
DASHES = ("-", "--", "-.", ":")
NOISE_LABEL = "random noise"
HATCHES = ("", "//", "..", "xx", "\\\\", "oo", "--", "++", "**", "||")


class Drawing(NamedTuple):
    """A figure and what it shows, in words."""

    figure: Figure
    caption: str


def save_figure(path: Path, figure: Figure, **how: Any) -> None:
    """Writes a figure in the format of its suffix; the file is whole or as it was before."""
    drawn = io.BytesIO()
    with rc_context(PLAIN_TEXT):
        figure.savefig(drawn, format=path.suffix[1:], **how)
    write_whole(path, drawn.getvalue())


class Styles:
    """How each network, or each attack, is drawn: by its place among the names of all of them."""

    def __init__(self, names: Sequence[str]) -> None:
        self.place = {name: i for i, name in enumerate(names)}

    def line(self, name: str) -> dict[str, Any]:
        """Of a curve."""
        i = self.place[name]
        dashes = DASHES[i // len(COLOURS) % len(DASHES)]
        marker = MARKERS[i % len(MARKERS)]
        return dict(color=self.colour(name), marker=marker, linestyle=dashes, label=name)

    def bar(self, name: str) -> dict[str, Any]:
        """Of bars."""
        hatch = HATCHES[self.place[name] % len(HATCHES)]
        return dict(color=self.colour(name), hatch=hatch, edgecolor="white", label=name)

    def colour(self, name: str) -> str:
        """Of everything."""
        return COLOURS[self.place[name] % len(COLOURS)]


def side_by_side(count: int, width: float, height: float) -> tuple[Figure, Sequence[Axes]]:
    """A figure of so many inches, and its panels in a row."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(1, count, squeeze=False)[0]


def draw_bars(axes: Axes, heights: Mapping[str, Sequence[float] | None], styles: Styles) -> None:
    """A bar for each place and network, those of one place beside each other."""
    width = 0.8 / len(heights)
    for i, (network, values) in enumerate(heights.items()):
        if values is not None:
            places = np.arange(len(values)) - 0.4 + (i + 0.5) * width
            axes.bar(places, values, width, **styles.bar(network))


def use_log_axis(axes: Axes, ticks: Sequence[float], label: str) -> None:
    """A base-2 logarithm along x with these ticks, a grid, and y from 0."""
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel(label, fontsize=12)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)


def use_score_axis(axes: Axes, results: Results, targeted: bool, whole: bool = False) -> None:
    """Relative or target scores along y, from 0; `whole`: to 105 where none can be above 100."""
    metric = metric_of(results)
    axes.set_ylabel(axis_label("target" if targeted else "relative", metric), fontsize=12)
    percent = metric.unit == "%" or not targeted
    axes.set_ylim(0, 105 if whole and percent and metric.higher_is_better else None)


def scores_under(panels: Sequence[tuple[str, bool]], results: Results) -> str:
    """Which scores a figure shows of attacks, given by name and whether they are targeted."""
    said = []
    for kind, targeted in (("relative", False), ("target", True)):
        if names := [name for name, one in panels if one == targeted]:
            said.append(f"{kind} {metric_of(results).key} under {' and '.join(names)}")
    return ", and ".join(said)


def add_legend(figure: Figure) -> None:
    """One entry for each label, whichever panels it is in; noise is last."""
    by_label = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            by_label[label] = handle
    names = sorted(by_label, key=NOISE_LABEL.__eq__)
    handles = [by_label[name] for name in names]
    figure.legend(handles, names, loc="outside lower center", ncols=4, fontsize=11)
