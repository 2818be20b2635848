"""How networks and attacks are told apart in figures, and the axes that figures share.

Told apart with every common form of colour blindness (Okabe and Ito 2008), and in grey print.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "osD^vP*X"
DASHES = ("-", "--", "-.", ":")
NOISE_LABEL = "random noise"
HATCHES = ("", "//", "..", "xx", "\\\\", "oo", "--", "++", "**", "||")


class Styles:
    """How each network, or each attack, is drawn: by its place among all of them.

    Args:
        names: in the order of the results.
    """

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


def use_log_axis(axes: Axes, ticks: Sequence[float], label: str) -> None:
    """A base-2 logarithm along x with these ticks, a grid, and y from 0."""
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel(label, fontsize=12)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)


def add_legend(figure: Figure) -> None:
    """One entry for each label, whichever panels it is in; noise is last."""
    known = [axes.get_legend_handles_labels() for axes in figure.axes]
    by_label = {
        label: h for handles, labels in known for h, label in zip(handles, labels, strict=True)
    }
    names = sorted(by_label, key=NOISE_LABEL.__eq__)
    handles = [by_label[name] for name in names]
    figure.legend(handles, names, loc="outside lower center", ncols=4, fontsize=11)
