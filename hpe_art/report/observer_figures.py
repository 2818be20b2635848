"""Figures of what others see: defended networks, other networks, universal perturbations alone."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from hpe_art.evaluation.result_files import ResultsError
from hpe_art.evaluation.results import Alone, Results, Run
from hpe_art.report.leading import at_eps, leading_attack, leading_eps, metric_of
from hpe_art.report.numbers import axis_label
from hpe_art.report.skeleton_drawing import draw_skeleton
from hpe_art.report.styles import Drawing, Styles, add_legend, draw_bars, side_by_side


def defence_bars(results: Results, styles: Styles) -> Drawing | None:
    """What the leading attack leaves of each network without and with each defence."""
    name, eps = leading_attack(results, targeted=False), leading_eps(results)
    defended = {}
    for network, run in results.runs.items():
        entry = at_eps(run, name, eps)
        kinds = [kind for kind, one in run.observers.items() if one.kind == "defence"]
        if entry and (seen := {k: entry.observed[k] for k in kinds if k in entry.observed}):
            defended[network] = {"no defence": entry, **seen}
    if not defended:
        return None
    kinds = list(dict.fromkeys(kind for judged in defended.values() for kind in judged))
    figure = Figure(figsize=(3.5 + 2.5 * len(kinds), 4.6), layout="constrained")
    axes = figure.subplots()
    heights = {
        network: [judged[k].relative.value or 0.0 if k in judged else 0.0 for k in kinds]
        for network, judged in defended.items()
    }
    draw_bars(axes, heights, styles)
    axes.set_xticks(range(len(kinds)), kinds, fontsize=12)
    metric = metric_of(results)
    axes.set_ylabel(axis_label("relative", metric), fontsize=12)
    axes.set_title(f"{name}, eps {eps:g}; each against its own clean {metric.key}", fontsize=12)
    add_legend(figure)
    said = f"Relative {metric.key} under {name}, of each network without and with each defence."
    return Drawing(figure, said)


def transfer_maps(results: Results) -> Drawing | None:
    """The relative score of every network on the images made for every other."""
    runs, lead, eps = results.runs, leading_attack(results, targeted=False), leading_eps(results)
    panels = []
    if lead is not None and any(at_eps(run, lead, eps) for run in runs.values()):
        panels.append((lead, eps))
    # A study shows to other networks only what it compares by it.
    shown = {
        (a.name, a.eps)
        for run in runs.values()
        for a in run.attacks
        if a.universal is not None or (results.study and not runs.keys().isdisjoint(a.observed))
        if a.eps is not None and not a.targeted and a.outputs == "last"
    }
    panels += sorted(shown - set(panels))
    if not panels or len(runs) < 2:
        return None
    side = 1.2 + 0.75 * len(runs)
    figure, row = side_by_side(len(panels), side * len(panels) + 1, side)
    metric = metric_of(results)
    for one, (name, size) in zip(row, panels, strict=True):
        values = _transferred(runs, name, size)
        _draw_map(one, values, list(runs), metric.higher_is_better)
        title = f"{name}, eps {size:g}\n{axis_label('relative', metric)}"
        one.set_title(title, fontsize=12)
    said = f"Relative {metric.key} of every network on the images made for every other."
    return Drawing(figure, said)


def _transferred(runs: Mapping[str, Run], name: str, eps: float) -> np.ndarray:
    """(networks shown to, networks made on), in percent, NaN where there is none."""
    values = np.full((len(runs), len(runs)), np.nan)
    for j, (source, run) in enumerate(runs.items()):
        if entry := at_eps(run, name, eps):
            for i, other in enumerate(runs):
                judged = entry if other == source else entry.observed.get(other)
                if judged is not None and judged.relative.value is not None:
                    values[i, j] = judged.relative.value
    return values


def _draw_map(axes: Axes, values: np.ndarray, names: list[str], higher_is_better: bool) -> None:
    top = 100.0 if higher_is_better else max(100.0, float(np.nanmax(values)))
    axes.imshow(values, cmap="cividis", vmin=0, vmax=top)
    for i, j in np.argwhere(~np.isnan(values)):
        ink = "black" if values[i, j] > 0.55 * top else "white"
        axes.text(j, i, f"{values[i, j]:.0f}", ha="center", va="center", color=ink)
    axes.set_xticks(range(len(names)), names, rotation=40, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("made on")
    axes.set_ylabel("shown to")


def universal_pictures(results: Results, folders: Mapping[str, Path]) -> Drawing | None:
    """Each network's universal perturbation, and the skeletons that networks see in it alone."""
    largest = {}
    for network, run in results.runs.items():
        if last := [one for one in run.universal if one.outputs == "last"]:
            largest[network] = max(last, key=lambda one: one.eps)
    if not largest:
        return None
    names = list(results.runs)
    figure = Figure(figsize=(2 * len(names) + 3, 2.2 * len(largest)), layout="constrained")
    grid = figure.subplots(len(largest), 1 + len(names), squeeze=False)
    for row, (source, one) in zip(grid, largest.items(), strict=True):
        _draw_alone(row, one, folders[source], results.runs)
        row[0].set_ylabel(f"{source}\neps {one.eps:g}", fontsize=9)
    grid[0, 0].set_title("perturbation", fontsize=9)
    for axes, name in zip(grid[0, 1:], names, strict=True):
        axes.set_title(f"seen by\n{name}", fontsize=9)
    return Drawing(
        figure,
        "Universal perturbations, from -eps to eps as 0 to 255, and what every network sees in "
        "them alone. Right limbs are yellow, left blue.",
    )


def _draw_alone(row: np.ndarray, one: Alone, folder: Path, runs: Mapping[str, Run]) -> None:
    """The picture, if it is still there, and the pose that each network sees in it."""
    path = folder / one.image
    for axes in row:
        axes.set(xticks=[], yticks=[], facecolor="0.93")
    if not path.is_file():
        return
    try:
        image = np.asarray(Image.open(path).convert("RGB"))
    except Exception as error:  # Pillow has many words for a damaged file
        raise ResultsError(f"Expected a picture. Got {path}: {error}.") from None
    # Drawn once and as it is, so that the figure stays small.
    row[0].imshow(image, interpolation="none")
    for axes, (name, run) in zip(row[1:], runs.items(), strict=True):
        if name in one.poses:
            draw_skeleton(axes, np.array(one.poses[name]), run.skeleton.bones, linewidth=2)
            axes.set(xlim=(0, image.shape[1]), ylim=(image.shape[0], 0), aspect="equal")
