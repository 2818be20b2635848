"""The figures of a report, by name, each with its caption; made from results alone."""

from collections.abc import Mapping
from pathlib import Path

from matplotlib import rc_context

from hpe_art.evaluation.results import Results
from hpe_art.report.attack_figures import eps_panels, group_bars, step_bars, step_curves
from hpe_art.report.observer_figures import defence_bars, transfer_maps, universal_pictures
from hpe_art.report.styles import PLAIN_TEXT, Drawing, Styles, save_figure


def report_figures(results: Results, folders: Mapping[str, Path]) -> dict[str, Drawing]:
    """Every figure that there are numbers for; `folders` are those of each network's pictures."""
    styles = Styles(list(results.runs))
    with rc_context(PLAIN_TEXT):
        drawn = {
            "eps": eps_panels(results, styles),
            "iterations": step_bars(results, styles),
            "curves": step_curves(results, styles),
            "joints": group_bars(results, styles),
            "defences": defence_bars(results, styles),
            "transfer": transfer_maps(results),
            "universal": universal_pictures(results, folders),
        }
    return {name: drawing for name, drawing in drawn.items() if drawing is not None}


def save_figures(figures: Mapping[str, Drawing], folder: Path) -> list[Path]:
    """Writes each as PDF and PNG."""
    paths = []
    for name, (figure, _) in figures.items():
        for suffix in ("pdf", "png"):
            path = folder / f"{name}.{suffix}"
            save_figure(path, figure, dpi=150)
            paths.append(path)
    return paths
