"""Relative PCKh as a function of eps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from hpe_art.report.table import entry_label

MARKERS = "osD^vP*X"
# told apart with every common form of colour blindness (Okabe and Ito 2008)
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


def eps_curve(results: Mapping[str, Any]) -> Figure:
    """Relative PCKh over eps (a base-2 logarithm), a line per attack; noise is dashed.

    An eps of 0 has no place on the axis and is left out; a null score leaves a gap.

    Raises:
        ValueError: fewer than two values of eps above 0.
    """
    curves: dict[str, dict[float, float]] = {}
    for entry in results["attacks"]:
        if entry["eps"] > 0:
            value = entry["relative_PCKh"]
            curve = curves.setdefault(entry_label(entry), {})
            curve[entry["eps"]] = np.nan if value is None else value
    ticks = sorted({eps for curve in curves.values() for eps in curve})
    if len(ticks) < 2:
        raise ValueError(f"Expected at least two values of eps above 0. Got {ticks}.")
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for i, (label, curve) in enumerate(curves.items()):
        axes.plot(
            sorted(curve),
            [curve[eps] for eps in sorted(curve)],
            linestyle="--" if label.startswith("NOISE") else "-",
            color="0.4" if label.startswith("NOISE") else COLOURS[i % len(COLOURS)],
            marker=MARKERS[i % len(MARKERS)],
            linewidth=2,
            label=label,
        )
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda eps, _: f"{eps:g}"))
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    grey = all(entry["norm"] == "inf" for entry in results["attacks"])
    axes.set_xlabel(f"eps ({'grey levels of 255' if grey else 'in its norm'})", fontsize=13)
    axes.set_ylabel("relative PCKh@0.5 (%)", fontsize=13)
    axes.tick_params(labelsize=12)
    clean = results["clean"]["PCKh"]
    people = f"{results['dataset']['num_samples']} people"
    axes.set_title(people if clean is None else f"{people}, clean PCKh {clean:.1f} %", fontsize=14)
    figure.legend(loc="outside right center", fontsize=12)
    return figure
