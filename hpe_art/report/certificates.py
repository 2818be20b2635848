"""Certified joints as a table, a page, and a figure, beside what attacks leave."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from hpe_art.evaluation.certificates import Certificates
from hpe_art.evaluation.results import Measured
from hpe_art.report.numbers import measured_text
from hpe_art.report.one_table import OneTable
from hpe_art.report.styles import Styles, add_legend, save_figure

CERTIFIED = "smoothed, certified"
SMOOTHED = "smoothed, attacked"
NETWORK = "network itself, attacked"


def certificates_table(found: Certificates) -> OneTable:
    """A row for each eps."""
    columns = ["l2 eps", CERTIFIED, SMOOTHED, NETWORK, "broken"]
    clean = (found.certified, found.smoothed, found.clean)
    rows = [["0", *map(measured_text, clean), "-"]]
    for row in found.rows:
        shares = map(measured_text, (row.certified, row.smoothed, row.network))
        rows.append([f"{row.eps:g}", *shares, str(row.broken)])
    people = f"{found.network.dataset.num_samples} people"
    return OneTable(found.network, people, _caption(found), columns, rows)


def certificates_page(found: Certificates, command: str) -> str:
    """The same as Markdown, with what made it."""
    table, run = certificates_table(found), found.network
    about = f"{table.people} of {run.dataset.type}"
    ends = [f"Gradients in {run.precision}."]
    return table.page("Certified joints of {}", command, about, ends)


def draw_certificates(path: Path, found: Certificates) -> Path:
    """Writes the share of certified joints by eps, with what attacks leave; returns the path."""
    figure = Figure(figsize=(7, 4.6), layout="constrained")
    axes, styles = figure.subplots(), Styles([CERTIFIED, SMOOTHED, NETWORK])
    known = np.array([e for one in found.certified_eps for e in one if e is not None])
    ends = [0.0, *np.unique(known).tolist(), found.largest]
    shares = [100 * (known > end).mean() for end in ends]
    line = {**styles.line(CERTIFIED), "marker": ""}
    axes.step([*ends, found.largest], [*shares, 0.0], where="post", **line)
    places = [0.0, *(row.eps for row in found.rows)]
    for name, clean, rows in (
        (SMOOTHED, found.smoothed, [row.smoothed for row in found.rows]),
        (NETWORK, found.clean, [row.network for row in found.rows]),
    ):
        curve = [clean, *rows]
        values = [one.value or 0.0 for one in curve]
        errors = [_reach(one) for one in curve]
        axes.errorbar(places, values, np.transpose(errors), capsize=3, **styles.line(name))
    axes.set_xlabel("eps in l2, in grey levels", fontsize=12)
    axes.set_ylabel(f"joints found, {found.network.metric.label} (%)", fontsize=12)
    axes.set(xlim=(0, None), ylim=(0, 105))
    axes.grid(alpha=0.3)
    add_legend(figure)
    save_figure(path, figure, dpi=120)
    return path


def _reach(one: Measured) -> tuple[float, float]:
    """How far the interval reaches below the value, and above."""
    low, high = one.interval or (None, None)
    if one.value is None or low is None or high is None:
        return 0.0, 0.0
    return max(0.0, one.value - low), max(0.0, high - one.value)


def _caption(found: Certificates) -> str:
    return (
        f"Joints found by {found.network.metric.label}, in percent; ± is half of a 95 % interval "
        f"over people. Noise of {found.sigma:g} grey levels, {found.copies} copies, a confidence "
        f"of {100 * found.confidence:g} % for each joint; no eps above {found.largest:.1f} can "
        f"be certified. The attack takes {found.max_iter} steps, each through "
        f"{found.gradient_copies} noisy copies. Broken: certified joints that it moved all the "
        "same."
    )
