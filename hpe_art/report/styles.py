"""How networks and attacks are told apart in figures, and what figures of scores share.

Told apart with every common form of colour blindness, and in grey print by marks and dashes.
"""

import io
import warnings
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
COLOURS = (
    "#5a87ff", "#ff9600", "#2d875a", "#960f00", "#a54bb4", "#3c4b5a",
    "#ff0000", "#3cc3ff", "#7800a5", "#c3b4a5", "#780fff", "#a587b4",
)  # fmt: skip
"""Twelve that are far apart in OKLab, to the colour-blind too (simulated by Machado et al. 2009),
and that stand out from white and black; found by exchange."""
NIGHT = {"#960f00": "#ad4438", "#3c4b5a": "#5b6874", "#7800a5": "#9638b9", "#780fff": "#801dff"}
"""Those that would drown in a dark page, lightened until they stand out as 3 to 1."""
MARKS = {
    "o": "M0,-.9A.9,.9,0,1,1,0,.9A.9,.9,0,1,1,0,-.9Z",
    "s": "M-.8,-.8H.8V.8H-.8Z",
    "D": "M0,-1.1L1.1,0L0,1.1L-1.1,0Z",
    "^": "M0,-1L1.1,.9H-1.1Z",
    "v": "M0,1L1.1,-.9H-1.1Z",
    "P": "M-.35,-1H.35V-.35H1V.35H.35V1H-.35V.35H-1V-.35H-.35Z",
    "X": "M-1,-.6L-.6,-1L0,-.4L.6,-1L1,-.6L.4,0L1,.6L.6,1L0,.4L-.6,1L-1,.6L-.4,0Z",
    "*": "M0,-1.2L.3,-.4L1.15,-.37L.48,.16L.7,.97L0,.5L-.7,.97L-.48,.16L-1.15,-.37L-.3,-.4Z",
    "<": "M-1,0L.9,-1.1V1.1Z",
    ">": "M1,0L-.9,-1.1V1.1Z",
    "d": "M0,-1.2L.65,0L0,1.2L-.65,0Z",
    "|": "M-.3,-1.1H.3V1.1H-.3Z",
}
"""By matplotlib's name of each mark, its outline as an SVG path around 0."""
DASHES: tuple[tuple[float, ...], ...] = (
    (), (3, 1.5), (1, 1), (4, 1.5, 1, 1.5), (6, 1.5), (3, 1, 1, 1, 1, 1),
)  # fmt: skip
"""Lengths on and off, in widths of the line."""
NOISE_LABEL = "random noise"
HATCHES = ("", "//", "..", "xx", "\\\\", "oo", "--", "++", "**", "||")


class Drawing(NamedTuple):
    """A figure and what it shows, in words."""

    figure: Figure
    caption: str


def save_figure(path: Path, figure: Figure, **how: Any) -> None:
    """Writes a figure in the format of its suffix; the file is whole or as it was before."""
    drawn = io.BytesIO()
    with rc_context(PLAIN_TEXT), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # names of files are in any script
        figure.savefig(drawn, format=path.suffix[1:], **how)
    write_whole(path, drawn.getvalue())


class Styles:
    """How each network, or each attack, is drawn: by its place among the names of all of them.

    The first `taken` colours are left to others, where there are more.
    """

    def __init__(self, names: Sequence[str], taken: int = 0) -> None:
        self.colours = COLOURS[taken:] or COLOURS
        self.place = {name: i for i, name in enumerate(names)}

    def line(self, name: str) -> dict[str, Any]:
        """Of a curve."""
        mark, dashes = self._mark(name), self.dashes(name)
        style = (0, dashes) if dashes else "-"
        return dict(color=self.colour(name), marker=mark, linestyle=style, label=name)

    def bar(self, name: str) -> dict[str, Any]:
        """Of bars."""
        hatch = HATCHES[self.place[name] % len(HATCHES)]
        return dict(color=self.colour(name), hatch=hatch, edgecolor="white", label=name)

    def colour(self, name: str) -> str:
        """Of everything; after as many names as there are marks, each mark has the next colour."""
        place = self.place[name]
        return self.colours[(place + place // len(MARKS)) % len(self.colours)]

    def dashes(self, name: str) -> tuple[float, ...]:
        """Of a curve; after as many names as there are marks, each mark has the next dashes."""
        place = self.place[name]
        return DASHES[(place + place // len(MARKS)) % len(DASHES)]

    def outline(self, name: str) -> str:
        """Of its mark, as an SVG path around 0."""
        return MARKS[self._mark(name)]

    def _mark(self, name: str) -> str:
        return list(MARKS)[self.place[name] % len(MARKS)]


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
