"""The plan of a study on the screen: its cells and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from rich import box
from rich.table import Table

from hpe_art.evaluation.study.whole import PlannedCell


def plan_table(cells: Sequence[PlannedCell]) -> Table:
    """Every cell, its passes in images, and what is left to do."""
    table = Table(title="plan", box=box.SIMPLE_HEAD, show_footer=True)
    left = [one for one in cells if not one.finished]
    seconds = sum(one.seconds for one in left)
    footer = f"{len(cells)} cells, {len(left)} to run"
    table.add_column("network", footer=footer, no_wrap=True)
    table.add_column("cell", no_wrap=True)
    for name, total in (
        ("forward", sum(one.cost.forward for one in left)),
        ("backward", sum(one.cost.backward for one in left)),
        ("elsewhere", sum(sum(one.cost.elsewhere.values()) for one in left)),
    ):
        table.add_column(name, justify="right", footer=f"{total:,}")
    table.add_column("about", justify="right", footer=_duration(seconds))
    for one in cells:
        table.add_row(
            one.cell.network,
            one.cell.name,
            f"{one.cost.forward:,}",
            f"{one.cost.backward:,}",
            f"{sum(one.cost.elsewhere.values()):,}",
            "done" if one.finished else _duration(one.seconds),
        )
    return table


def _duration(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
