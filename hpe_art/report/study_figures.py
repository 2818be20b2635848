"""The figures of a study, in the paper's terms; made from its results.json alone.

One colour, marker and hatch for each network everywhere, told apart with every common form of
colour blindness and in grey print.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from PIL import Image

from hpe_art.mpii import GROUPS, SKELETON
from hpe_art.report.curves import COLOURS, MARKERS

HATCHES = ("", "//", "..", "xx", "\\\\", "oo", "--", "++", "**", "||")
SIDES = {"right": "#D55E00", "left": "#0072B2", "middle": "#009E73"}
DASHES = {"left": (0, (2, 1))}
"""Left limbs are dashed, so that sides are told apart in grey too."""
Document = Mapping[str, Any]


class Styles:
    """How each network is drawn: by its place among all networks of the study.

    Args:
        networks: names, in the order of the study.
    """

    def __init__(self, networks: Sequence[str]) -> None:
        self.place = {name: i for i, name in enumerate(networks)}

    def line(self, network: str) -> dict[str, Any]:
        """Of a curve."""
        i = self.place[network]
        dashes = ("-", "--", "-.", ":")[i // len(COLOURS) % 4]
        marker = MARKERS[i % len(MARKERS)]
        return dict(color=self.colour(network), marker=marker, linestyle=dashes, label=network)

    def bar(self, network: str) -> dict[str, Any]:
        """Of bars."""
        hatch = HATCHES[self.place[network] % len(HATCHES)]
        return dict(color=self.colour(network), hatch=hatch, edgecolor="white", label=network)

    def colour(self, network: str) -> str:
        """Of everything."""
        return COLOURS[self.place[network] % len(COLOURS)]


def study_figures(document: Document, folders: Mapping[str, Path]) -> dict[str, Figure]:
    """Every figure that the study has the numbers for, by name.

    Args:
        document: results.json of a study.
        folders: where each network's pictures are.
    """
    styles = Styles(list(document["runs"]))
    makers: dict[str, Callable[[], Figure | None]] = {
        "eps": lambda: eps_panels(document, styles),
        "iterations": lambda: iteration_bars(document, styles),
        "curves": lambda: iteration_curves(document, styles),
        "joints": lambda: joint_bars(document, styles),
        "defences": lambda: defence_bars(document, styles),
        "transfer": lambda: transfer_maps(document),
        "universal": lambda: universal_pictures(document, folders),
    }
    figures = {name: make() for name, make in makers.items()}
    return {name: figure for name, figure in figures.items() if figure is not None}


def save_figures(figures: Mapping[str, Figure], folder: Path) -> list[Path]:
    """Writes each as PDF and PNG."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, figure in figures.items():
        for suffix in ("pdf", "png"):
            path = folder / f"{name}.{suffix}"
            figure.savefig(path, dpi=150)
            paths.append(path)
    return paths


def eps_panels(document: Document, styles: Styles) -> Figure | None:
    """The paper's figure 1: what FGSM-U and IGSM-U-10 leave, what IGSM-T-20 reaches, over eps.

    Dashed without a band: with the loss over all outputs. Grey: random noise.
    """
    panels = (
        ("FGSM-U", "relative_PCKh", "relative PCKh (%)"),
        ("IGSM-U-10", "relative_PCKh", "relative PCKh (%)"),
        ("IGSM-T-20", "target_PCKh", "target PCKh (%)"),
    )
    figure = Figure(figsize=(13, 4.6), layout="constrained")
    axes = figure.subplots(1, 3)
    drawn = False
    for one, (attack, score, label) in zip(axes, panels, strict=True):
        for network, run in document["runs"].items():
            points = _over_eps(run, attack, score)
            if not points:
                continue
            drawn = True
            eps, values, ends = (list(column) for column in zip(*points, strict=True))
            low, high = np.array(ends).T
            one.fill_between(eps, low, high, color=styles.colour(network), alpha=0.12)
            one.plot(eps, values, linewidth=2, **styles.line(network))
            every = _over_eps(run, f"{attack}-ALL", score)
            if every:
                own = dict(color=styles.colour(network), marker=styles.line(network)["marker"])
                xs, ys, _ = zip(*every, strict=True)
                one.plot(xs, ys, linewidth=1, linestyle=(0, (2, 2)), markersize=4, **own)
            noise = _over_eps(run, "NOISE", score) if score == "relative_PCKh" else []
            if noise:
                xs, ys, _ = zip(*noise, strict=True)
                one.plot(xs, ys, linewidth=1, color="0.6", zorder=0, label="noise")
        one.set_title(attack, fontsize=14)
        one.set_ylabel(label, fontsize=12)
        _eps_axis(one)
    if not drawn:
        return None
    _legend(figure)
    return figure


def _over_eps(run: Document, attack: str, score: str) -> list[tuple[float, float, list[float]]]:
    """(eps, score, ends of its interval) of an attack, in the order of eps."""
    points = sorted((e["eps"], e[score], e["ci"][score]) for e in _named(run, attack))
    return [point for point in points if point[1] is not None]


def iteration_bars(document: Document, styles: Styles) -> Figure | None:
    """What the curve over iterations gains from its usual number of steps to its longest."""
    panels = ((False, 10, "relative_PCKh"), (True, 20, "target_PCKh"))
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    drawn = False
    for one, (targeted, usual, score) in zip(figure.subplots(1, 2), panels, strict=True):
        places = []
        for i, (network, run) in enumerate(document["runs"].items()):
            steps = _curve(run, targeted, score)
            long = max(steps, default=0)
            if usual in steps and long > usual:
                drawn = True
                one.bar(i - 0.2, steps[usual], 0.38, **styles.bar(network))
                one.bar(i + 0.2, steps[long], 0.38, **{**styles.bar(network), "alpha": 0.5})
                places.append((i, network))
        kind = "T" if targeted else "U"
        one.set_title(f"IGSM-{kind}: {usual} steps, then (pale) the longest run", fontsize=12)
        one.set_ylabel(score.replace("_", " ") + " (%)", fontsize=12)
        one.set_xticks([i for i, _ in places], [n for _, n in places], rotation=30, ha="right")
    return figure if drawn else None


def iteration_curves(document: Document, styles: Styles) -> Figure | None:
    """What is left, or reached, after each number of steps."""
    panels = ((False, "relative_PCKh"), (True, "target_PCKh"))
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    drawn = False
    for one, (targeted, score) in zip(figure.subplots(1, 2), panels, strict=True):
        ticks: set[int] = set()
        for network, run in document["runs"].items():
            steps = sorted(_curve(run, targeted, score).items())
            if len(steps) > 2:
                drawn = True
                xs, ys = zip(*steps, strict=True)
                ticks |= set(xs)
                one.plot(xs, ys, linewidth=2, **styles.line(network))
        one.set_title(f"IGSM-{'T' if targeted else 'U'}", fontsize=14)
        one.set_ylabel(score.replace("_", " ") + " (%)", fontsize=12)
        _log_axis(one, sorted(ticks), "steps")
    if not drawn:
        return None
    _legend(figure)
    return figure


def defence_bars(document: Document, styles: Styles) -> Figure | None:
    """What IGSM-U-10 leaves of each network without and with each defence."""
    eps = document["grid"]["curve_eps"]
    entries = {n: _at(run, "IGSM-U-10", eps) for n, run in document["runs"].items()}
    defended = {n: e["defence"] for n, e in entries.items() if e and e.get("defence")}
    if not defended:
        return None
    kinds = list(dict.fromkeys(kind for scores in defended.values() for kind in scores))
    figure = Figure(figsize=(3.5 + 2.5 * (1 + len(kinds)), 4.6), layout="constrained")
    axes, width = figure.subplots(), 0.8 / len(defended)
    for i, (network, scores) in enumerate(defended.items()):
        values = [entries[network]["relative_PCKh"]]
        values += [scores.get(kind, {}).get("relative_PCKh") for kind in kinds]
        places = np.arange(len(values)) - 0.4 + (i + 0.5) * width
        axes.bar(places, [v or 0.0 for v in values], width, **styles.bar(network))
    axes.set_xticks(range(1 + len(kinds)), ["no defence", *kinds], fontsize=12)
    axes.set_ylabel("relative PCKh (%)", fontsize=12)
    axes.set_title(f"IGSM-U-10, eps {eps:g}; each against its own clean PCKh", fontsize=12)
    _legend(figure)
    return figure


def joint_bars(document: Document, styles: Styles) -> Figure | None:
    """Of each joint group, what IGSM-U-10 leaves and what IGSM-T-20 reaches, at the eps of both."""
    figure = Figure(figsize=(12, 7), layout="constrained")
    eps = document["grid"]["curve_eps"]
    drawn = False
    panels = (("IGSM-U-10", "relative_per_group"), ("IGSM-T-20", "target_per_group"))
    for one, (attack, score) in zip(figure.subplots(2, 1), panels, strict=True):
        runs = {
            network: next((e for e in _named(run, attack) if e["eps"] == eps), None)
            for network, run in document["runs"].items()
        }
        width = 0.8 / max(1, len(runs))
        for i, (network, entry) in enumerate(runs.items()):
            if entry is None or entry[score] is None:
                continue
            drawn = True
            values = [entry[score][group] or 0.0 for group in GROUPS]
            places = np.arange(len(GROUPS)) - 0.4 + (i + 0.5) * width
            one.bar(places, values, width, **styles.bar(network))
        one.set_xticks(range(len(GROUPS)), list(GROUPS))
        kind = "relative" if score.startswith("relative") else "target"
        one.set_ylabel(f"{kind} PCKh (%)", fontsize=12)
        one.set_title(f"{attack}, eps {eps:g}", fontsize=13)
    if not drawn:
        return None
    _legend(figure)
    return figure


def transfer_maps(document: Document) -> Figure | None:
    """Relative PCKh of every network on the images made for every other."""
    runs, eps = document["runs"], document["grid"]["curve_eps"]
    sizes = document["grid"]["universal_eps"]
    panels = [("IGSM-U-10", eps), *(("UAP-U", size) for size in sizes)]
    panels = [(a, e) for a, e in panels if any(_at(run, a, e) for run in runs.values())]
    if not panels or len(runs) < 2:
        return None
    side = 1.2 + 0.75 * len(runs)
    figure = Figure(figsize=(side * len(panels) + 1, side), layout="constrained")
    for one, (attack, size) in zip(
        np.atleast_1d(figure.subplots(1, len(panels))), panels, strict=True
    ):
        values = np.full((len(runs), len(runs)), np.nan)
        for j, (source, run) in enumerate(runs.items()):
            entry = _at(run, attack, size)
            for i, other in enumerate(runs):
                if entry is not None:
                    seen = entry if other == source else entry.get("transfer_to", {}).get(other)
                    value = None if seen is None else seen["relative_PCKh"]
                    values[i, j] = np.nan if value is None else value
        one.imshow(values, cmap="cividis", vmin=0, vmax=100)
        for i, j in np.argwhere(~np.isnan(values)):
            ink = "black" if values[i, j] > 55 else "white"
            one.text(j, i, f"{values[i, j]:.0f}", ha="center", va="center", color=ink)
        one.set_xticks(range(len(runs)), list(runs), rotation=40, ha="right")
        one.set_yticks(range(len(runs)), list(runs))
        one.set_xlabel("made on")
        one.set_ylabel("shown to")
        one.set_title(f"{attack}, eps {size:g}\nrelative PCKh (%)", fontsize=12)
    return figure


def universal_pictures(document: Document, folders: Mapping[str, Path]) -> Figure | None:
    """Each network's universal perturbation, and the skeletons that networks see in it alone."""
    largest = {}
    for network, found in document["universal"].items():
        last = [one for one in found if one["outputs"] == "last"]
        if last:
            largest[network] = max(last, key=lambda one: one["eps"])
    if not largest:
        return None
    names = list(document["runs"])
    figure = Figure(figsize=(2 * len(names) + 3, 2.2 * len(largest)), layout="constrained")
    grid = figure.subplots(len(largest), 1 + len(names), squeeze=False)
    for row, (source, one) in zip(grid, largest.items(), strict=True):
        path = folders[source] / one["image"]
        image = np.asarray(Image.open(path).convert("RGB")) if path.is_file() else None
        # Drawn once and as it is, so that the figure stays small.
        if image is not None:
            row[0].imshow(image, interpolation="none")
        for axes, name in zip(row[1:], names, strict=True):
            axes.set_facecolor("0.93")
            if image is not None and name in one["poses"]:
                draw_skeleton(axes, np.array(one["poses"][name])[:, :2])
                axes.set(xlim=(0, image.shape[1]), ylim=(image.shape[0], 0), aspect="equal")
        for axes, title in zip(row, ("perturbation", *names), strict=True):
            axes.set_xticks([])
            axes.set_yticks([])
            if source == next(iter(largest)):
                axes.set_title(
                    title if title == "perturbation" else f"seen by\n{title}", fontsize=9
                )
        row[0].set_ylabel(f"{source}\neps {one['eps']:g}", fontsize=9)
    return figure


def draw_skeleton(axes: Axes, pose: np.ndarray) -> None:
    """A pose (16, 2) in pixels; right, left and middle have a colour and a dash each."""
    for a, b, side in SKELETON:
        colour, dash = SIDES.get(side, SIDES["middle"]), DASHES.get(side, "-")
        axes.plot(*pose[[a, b]].T, linewidth=2, color=colour, linestyle=dash)


def _named(run: Document, attack: str) -> list[Any]:
    return [entry for entry in run["attacks"] if entry["name"] == attack]


def _at(run: Document, attack: str, eps: float) -> Any:
    return next((entry for entry in _named(run, attack) if entry["eps"] == eps), None)


def _curve(run: Document, targeted: bool, score: str) -> dict[int, float]:
    """Scores by the number of steps, at the eps that has most of them."""
    by_eps: dict[float, dict[int, float]] = {}
    for entry in run["attacks"]:
        grey_levels = entry["attack"] == "igsm" and entry["norm"] == "inf"
        plain = grey_levels and entry["outputs"] == "last"
        if plain and entry["targeted"] == targeted and entry[score] is not None:
            by_eps.setdefault(entry["eps"], {})[entry["max_iter"]] = entry[score]
    return max(by_eps.values(), key=len, default={})


def _eps_axis(axes: Axes) -> None:
    ticks = sorted({float(x) for line in axes.get_lines() for x in np.atleast_1d(line.get_xdata())})
    _log_axis(axes, ticks, "eps (grey levels of 255)")


def _log_axis(axes: Axes, ticks: Sequence[float], label: str) -> None:
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel(label, fontsize=12)
    axes.set_ylim(0, 105)
    axes.grid(alpha=0.3)


def _legend(figure: Figure) -> None:
    """One entry for each network, whichever panels it is in."""
    known = [axes.get_legend_handles_labels() for axes in figure.axes]
    by_label = {
        label: h for handles, labels in known for h, label in zip(handles, labels, strict=True)
    }
    names = sorted(by_label, key="noise".__eq__)  # last, in the order of the others
    handles = [by_label[name] for name in names]
    figure.legend(handles, names, loc="outside lower center", ncols=4, fontsize=11)
