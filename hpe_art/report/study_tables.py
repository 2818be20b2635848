"""A study on the screen: its plan before, its findings after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

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


def findings_table(document: Mapping[str, Any]) -> Table:
    """The ten claims, their verdicts, and the numbers that decided them."""
    table = Table(title="findings", box=box.SIMPLE_HEAD, show_lines=True)
    for name in ("", "claim", "verdict", "because"):
        table.add_column(name)
    for finding in document["findings"]:
        deciding = [c for c in finding["comparisons"] if c["decides"]]
        because = [
            f"{c['what']}: {c['value']:.1f} ({c['low']:.1f} to {c['high']:.1f})" for c in deciding
        ]
        if finding["why"]:
            because.append(finding["why"])
        table.add_row(
            str(finding["number"]),
            Text(finding["claim"]),
            finding["verdict"],
            Text("\n".join(because)),
        )
    return table


def _duration(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
