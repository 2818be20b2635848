"""Results as a table, for the screen and for a document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from hpe_art.mpii import GROUPS

CAPTION = (
    "PCKh@0.5 in percent, also in the eight joint groups (plain, not relative). "
    "relative: of the clean PCKh. target: PCKh against the target pose. eps in grey levels."
)
# five columns each, so that the table fits into 100
SHORT = {"relative": "rel.", "Shoulder": "Shldr"}


def results_table(results: Mapping[str, Any]) -> Table:
    """A table for rich's console, at most 100 columns wide: clean first, then every attack."""
    config, people = results["config"], results["dataset"]["num_samples"]
    table = Table(
        title=Text(f"{config}, {people} people"),
        caption=CAPTION,
        box=box.SIMPLE_HEAD,
        collapse_padding=True,
        pad_edge=False,
    )
    columns, rows = _cells(results)
    table.add_column(columns[0], no_wrap=True)
    for column in columns[1:]:
        table.add_column(SHORT.get(column, column), justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def results_markdown(results: Mapping[str, Any]) -> str:
    """The same table as Markdown, without title, the caption below."""
    columns, rows = _cells(results)
    rule = ["---", *["---:"] * (len(columns) - 1)]
    lines = ["| " + " | ".join(row) + " |" for row in (columns, rule, *rows)]
    return "\n".join([*lines, "", CAPTION, ""])


def entry_label(entry: Mapping[str, Any]) -> str:
    """The name of an attack, with its norm where that is not the usual one."""
    norm = entry["norm"]
    return str(entry["name"]) if norm == "inf" else f"{entry['name']} L{norm}"


def _cells(results: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    columns = ["attack", "eps", "PCKh", "relative", "target", *GROUPS]
    clean = {"relative_PCKh": None, "target_PCKh": None, **results["clean"]}
    rows = [["clean", "-", *_scores(clean)]]
    for entry in results["attacks"]:
        rows.append([entry_label(entry), f"{entry['eps']:g}", *_scores(entry)])
    return columns, rows


def _scores(entry: Mapping[str, Any]) -> list[str]:
    values = [entry[key] for key in ("PCKh", "relative_PCKh", "target_PCKh")]
    values += [entry["per_group"][group] for group in GROUPS]
    return ["-" if value is None else f"{value:.1f}" for value in values]
