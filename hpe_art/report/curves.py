"""The relative score of one run as a function of eps."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from hpe_art.evaluation.results import Run
from hpe_art.report.leading import is_noise
from hpe_art.report.numbers import axis_label, digits_of
from hpe_art.report.styles import Styles, use_log_axis


def eps_curve(run: Run) -> Figure:
    """The relative score over eps (a base-2 logarithm), a line per attack; noise is dashed.

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
