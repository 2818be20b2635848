"""What a benchmark measured, as tables for the terminal and as a page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib import resources
from statistics import mean
from typing import Any

import jinja2
from rich.table import Table

from hpe_art.evaluation.benchmark.speed import ratios


def speed_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Images times steps per second of each contender, and how many times faster than ART."""
    table = Table(title="Images x steps per second (times as fast as ART's PGD; rounds)")
    names = list(dict.fromkeys(name for row in rows for name in row["pace"]))
    for column in ("network", "batch", *names):
        table.add_column(column, justify="left" if column == "network" else "right")
    for row in rows:
        cells = [_pace(row, name) for name in names]
        table.add_row(f"{row['case']}, {row['size'][0]}", str(row["batch_size"]), *cells)
    return table


def _pace(row: Mapping[str, Any], name: str) -> str:
    ratio = ratios(row, "art", name)
    if ratio is None:
        return "-"
    pace = f"{row['pace'][name]:.1f}"
    return pace if name == "art" else pace + " ({median:.2f}; {low:.2f}-{high:.2f})".format(**ratio)


def _passes(row: Mapping[str, Any], name: str) -> str:
    return "{forward}, {backward}".format(**row["passes"][name])


def _memory(row: Mapping[str, Any], name: str) -> str:
    """Of the process, and of the device where it has its own."""
    peak = row["memory"][name]
    return ", ".join(f"{mib:.0f}" for mib in (peak["rss"], peak["device"]) if mib is not None)


def goals_table(judged: Sequence[Mapping[str, Any]]) -> Table:
    """Each goal, its ratio and whether it was reached."""
    table = Table(title="Goals")
    for column in ("goal", "wanted", "median", "rounds", "reached"):
        table.add_column(column)
    for goal in judged:
        table.add_row(*goal_cells(goal))
    return table


def goal_cells(goal: Mapping[str, Any]) -> list[str]:
    """What is compared, what is wanted, the median, the range of the rounds, the verdict."""
    against = goal["against"] or " or ".join(goal["slow"])
    if goal["at_least"] is not None:
        what, wanted = f"{goal['fast']} is faster than {against}", f">= {goal['at_least']:g}x"
    else:
        what, wanted = f"{against} costs, over {goal['fast']}", f"<= {goal['at_most']:g}x"
    what = f"{goal['case']}, batch {goal['batch_size']}: {what}"
    ratio = goal["ratio"]
    if ratio is None:
        return [what, wanted, "-", "-", "not measured"]
    verdict = "yes" if goal["reached"] else "no"
    rounds = f"{ratio['low']:.2f} to {ratio['high']:.2f}"
    return [what, wanted, f"{ratio['median']:.2f}", rounds, verdict]


def _weaker(row: Mapping[str, Any], precision: str) -> str:
    """By how many points an attack is weaker with a precision than with float32."""
    return "({points:+.1f}; {low:+.1f} to {high:+.1f})".format(**row["weaker"][precision])


def _largest_at_one_eps(row: Mapping[str, Any], precision: str) -> float:
    pairs = zip(row["PCKh"][precision], row["PCKh"]["float32"], strict=True)
    return max(abs(one - other) for one, other in pairs)


def _mean_pckh(row: Mapping[str, Any], precision: str) -> str:
    return f"{mean(row['PCKh'][precision]):.1f}"


def page(document: Mapping[str, Any]) -> str:
    """A Markdown page of everything that a benchmark has measured so far."""
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Markdown
    )
    environment.tests["search"] = lambda value, pattern: re.search(pattern, value) is not None
    environment.filters.update(
        weaker=_weaker,
        mean_pckh=_mean_pckh,
        largest_at_one_eps=_largest_at_one_eps,
        short="{:g}".format,
    )
    text = resources.files("hpe_art.reporting").joinpath("templates/performance.md.j2").read_text()
    return environment.from_string(text).render(
        **document,
        document=document,
        goal_cells=goal_cells,
        pace=_pace,
        passes=_passes,
        memory=_memory,
    )
