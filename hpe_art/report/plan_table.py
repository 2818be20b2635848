"""The plan of a study on the screen: its runs and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from rich import box
from rich.table import Table

from hpe_art.studies.plan import PlannedRun


def plan_table(runs: Sequence[PlannedRun]) -> Table:
    """Every run, its passes in images, and what is left to do."""
    table = Table(title="plan", box=box.SIMPLE_HEAD, show_footer=True)
    left = [one for one in runs if not one.finished]
    footer = f"{len(runs)} runs, {len(left)} to do"
    table.add_column("network", footer=footer, no_wrap=True)
    table.add_column("attacks")
    table.add_column("eps", no_wrap=True)
    for name, total in (
        ("forward", sum(one.forward for one in left)),
        ("backward", sum(one.backward for one in left)),
        ("elsewhere", sum(one.elsewhere for one in left)),
    ):
        table.add_column(name, justify="right", footer=f"{total:,}", no_wrap=True)
    seconds = sum(one.seconds for one in left)
    table.add_column("about", justify="right", footer=_duration(seconds), no_wrap=True)
    for one in runs:
        table.add_row(
            one.network,
            one.attacks,
            one.eps,
            *(f"{count:,}" for count in (one.forward, one.backward, one.elsewhere)),
            "done" if one.finished else _duration(one.seconds),
        )
    return table


def _duration(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
