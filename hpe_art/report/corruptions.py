"""Scores on corrupted photographs as a table, a page, and a picture of what a network saw."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from mmengine.config import Config

from hpe_art.data.corruptions import KINDS
from hpe_art.data.people import load_people
from hpe_art.evaluation.corruptions import ALL, CorruptionResults, Mean, corrupted_config
from hpe_art.report.numbers import digits_of, measured_text, score_text, with_spread
from hpe_art.report.one_table import OneTable
from hpe_art.report.table import markdown_lines

INCHES = 1.1
"""Of one image in the picture."""


def corruptions_table(found: CorruptionResults) -> OneTable:
    """A row for each corruption, a column for each severity, and means."""
    metric = found.clean.metric
    digits = digits_of(metric)
    rows = []
    for one in found.means:
        own = [cell for cell in found.cells if cell.corruption == one.name]
        each = [score_text(cell.score.value, digits) for cell in own]
        blank = [""] * len(found.severities)
        means = (measured_text(one.score, digits), measured_text(one.relative))
        rows.append([_title(one), *(each or blank), *means])
    columns = ["corruption", *map(str, found.severities), "mean", "relative"]
    people = f"{found.clean.dataset.num_samples} people, {_clean(found)}"
    return OneTable(found.clean, people, _caption(found), columns, rows)


def corruptions_page(found: CorruptionResults, command: str) -> str:
    """The same as Markdown, with what made it."""
    run = found.clean
    about = f"{run.dataset.num_samples} people of {run.dataset.type}, {_clean(found)}"
    table = corruptions_table(found)
    return table.page("{} on corrupted photographs", command, about, _official(found))


def draw_corruptions(path: Path, cfg: Config, found: CorruptionResults, person: int = 0) -> Path:
    """Writes what the network saw of one person: a row for each corruption; returns the path."""
    names = list(dict.fromkeys(cell.corruption for cell in found.cells))
    size = (INCHES * len(found.severities) + 1.2, INCHES * len(names))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(len(names), len(found.severities), squeeze=False)
    for row, name in enumerate(names):
        for column, severity in enumerate(found.severities):
            step = dict(type="CorruptImage", name=name, severity=severity, seed=found.clean.seed)
            people = load_people(corrupted_config(cfg, step), person + 1)
            axis: Any = axes[row, column]
            axis.imshow(people.x[person].transpose(1, 2, 0)[..., ::-1].clip(0, 255) / 255)
            axis.set(xticks=[], yticks=[])
            if row == 0:
                axis.set_title(f"severity {severity}", fontsize=7)
        label = name.replace("_", "\n")
        axes[row, 0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=7)
    figure.savefig(path, dpi=120)
    return path


def _title(one: Mean) -> str:
    names = {ALL: "all: mPC, rPC", **{kind: f"{kind}: mean" for kind in KINDS}}
    return names.get(one.name, one.name)


def _clean(found: CorruptionResults) -> str:
    metric, score = found.clean.metric, found.clean.clean.score
    return f"clean {metric.key} {with_spread(score.value, score.interval, digits_of(metric))}"


def _caption(found: CorruptionResults) -> str:
    metric = found.clean.metric
    return (
        f"{metric.label} at each severity, its mean, and that in percent of the clean one; ± is "
        "half of a 95 % interval over people."
    )


def _official(found: CorruptionResults) -> list[str]:
    """The evaluator's own numbers, where they are not the table's."""
    last, before = found.means[-1], found.clean.clean.official
    if not before:
        return []
    rows = [
        [name, f"{before[name]:.4g}", f"{last.official[name]:.4g}", score_text(share)]
        for name, share in last.relative_official.items()
    ]
    columns = ["by the config's evaluator", "clean", "mean, all corruptions", "relative"]
    return [*markdown_lines(columns, rows), ""]
