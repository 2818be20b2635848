"""A prepared study from its first missing cell to results.json, with progress."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from hpe_art.evaluation.arguments import recorded
from hpe_art.evaluation.study.cells import write_whole
from hpe_art.evaluation.study.document import study_document
from hpe_art.evaluation.study.estimate import Pace, measured_pace, seconds_of
from hpe_art.evaluation.study.plan import Cell, Cost
from hpe_art.evaluation.study.prepared import PreparedStudy
from hpe_art.evaluation.study.run import run_cells


@dataclass(frozen=True)
class PlannedCell:
    """One line of a plan.

    Attributes:
        cell: of the plan.
        cost: in passes, of what is lacking; of all of it if it is finished.
        seconds: estimated from a batch that was timed.
        finished: whether all of it is on disk.
    """

    cell: Cell
    cost: Cost
    seconds: float
    finished: bool


def planned(prepared: PreparedStudy) -> list[PlannedCell]:
    """Every cell and what it costs; times a batch on each network with cells to run."""
    study = prepared.study
    lacking = {cell: study.lacking(cell) for cell in study.cells}
    if not any(lacking.values()):
        pace = {network.name: Pace(0, 0) for network in study.networks}
    else:
        pace = {n.name: measured_pace(n, study.batch_size) for n in study.networks}
    costs = {cell: study.cost(left or cell) for cell, left in lacking.items()}
    return [
        PlannedCell(cell, costs[cell], seconds_of(cell.network, costs[cell], pace), left is None)
        for cell, left in lacking.items()
    ]


def run_study(
    prepared: PreparedStudy, args: argparse.Namespace, console: Console
) -> dict[str, Any]:
    """Runs what is missing and writes OUT/results.json.

    Args:
        prepared: from `prepare_study`.
        args: as `tools/study.py` parses them; recorded.
        console: where the progress is shown.

    Returns:
        The document.
    """
    study = prepared.study
    cells = planned(prepared)
    if not all(one.finished for one in cells):
        _run_with_progress(prepared, cells, console)
    document = study_document(
        study, prepared.grid, recorded(args), prepared.left_out, prepared.notes
    )
    write_whole(
        study.folder / "results.json", json.dumps(document, indent=1, allow_nan=False) + "\n"
    )
    return document


def _run_with_progress(prepared: PreparedStudy, cells: list[PlannedCell], console: Console) -> None:
    """The bar moves by what a cell is estimated to cost, so that the time left means something."""
    seconds = {one.cell: one.seconds for one in cells if not one.finished}
    done, spent = len(cells) - len(seconds), 0.0
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"))
    with Progress(
        *columns, TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(), console=console
    ) as bar:
        whole = bar.add_task("study", total=sum(seconds.values()))
        now = bar.add_task("cell", total=1.0)

        def on_share(cell: Cell, share: float) -> None:
            where = f"{cell.network} {cell.name} ({done + 1} of {len(cells)})"
            bar.update(whole, completed=spent + share * seconds[cell])
            bar.update(now, description=where, completed=share)

        def on_kept(cell: Cell) -> None:
            nonlocal spent, done
            spent += seconds[cell]
            done += 1

        run_cells(prepared.study, on_share, on_kept)
