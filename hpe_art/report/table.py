"""Results as a table, for the screen and for a document."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from hpe_art.mpii import GROUPS, JOINTS

CAPTION = (
    "PCKh@0.5 in percent, also in the eight joint groups (plain, not relative). "
    "relative: of the clean PCKh. target: PCKh against the target pose. eps in grey levels. "
    "±: half of a 95 % bootstrap interval over people."
)
# five columns each, so that the table fits into 100
SHORT = {"relative": "rel.", "Shoulder": "Shldr"}


def results_table(results: Mapping[str, Any]) -> Table:
    """A table for rich's console, at most 100 columns wide: clean first, then every attack.

    Below each score is half the width of its interval.
    """
    config, people = results["config"], results["dataset"]["num_samples"]
    table = Table(
        title=Text(f"{config}, {people} people"),
        caption=_caption(results),
        box=box.SIMPLE_HEAD,
        collapse_padding=True,
        pad_edge=False,
    )
    columns, rows = _cells(results)
    table.add_column(columns[0], no_wrap=True)
    for column in columns[1:]:
        table.add_column(SHORT.get(column, column), justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(cell.replace(" ±", "\n±")) for cell in row))
    return table


def joint_table(results: Mapping[str, Any]) -> Table:
    """Every group and joint: what each attack leaves of it, and how much of the target it got."""
    table = Table(
        title=Text("per joint"),
        caption="clean: PCKh. Attacks: relative PCKh, in percent of the joint's clean one; "
        "→ target PCKh.",
        box=box.SIMPLE_HEAD,
    )
    table.add_column("joint", no_wrap=True)
    table.add_column("clean", justify="right")
    for entry in results["attacks"]:
        table.add_column(f"{entry_label(entry)} {entry['eps']:g}", justify="right")
    for kind, names in (("per_group", GROUPS), ("per_joint", JOINTS)):
        for name in names:
            clean = results["clean"]
            cells = [_score(clean[kind][name], clean["ci"][kind][name])]
            cells += [_joint(entry, kind, name) for entry in results["attacks"]]
            table.add_row(name, *cells)
        table.add_section()
    return table


def _joint(entry: Mapping[str, Any], kind: str, name: str) -> str:
    relative, spread = f"relative_{kind}", entry["ci"]
    cell = _score(entry[relative][name], spread[relative][name])
    if entry["targeted"] and entry[f"target_{kind}"]:
        target = f"target_{kind}"
        cell += f" → {_score(entry[target][name], spread[target][name])}"
    return cell


TITLES = {
    "transfer_to": "other networks: relative PCKh",
    "defence": "behind a defence that the attacker does not know of: relative PCKh",
}


def onlooker_table(results: Mapping[str, Any], kind: str) -> Table:
    """What the perturbed images leave of those that look on, beside the attacked network.

    Args:
        results: the document.
        kind: "transfer_to" or "defence".
    """
    table = Table(
        title=Text(TITLES[kind]),
        caption="In percent of the own clean PCKh, which is in the first row.",
        box=box.SIMPLE_HEAD,
    )
    names = list(results[kind])
    table.add_column("attack", no_wrap=True)
    table.add_column("eps", justify="right")
    for name in (results["config"], *names):
        table.add_column(PurePath(name).stem, justify="right")
    clean = [results["clean"], *results[kind].values()]
    table.add_row("clean PCKh", "-", *(_score(c["PCKh"], c["ci"]["PCKh"]) for c in clean))
    for entry in results["attacks"]:
        scores = [entry, *(entry[kind][name] for name in names)]
        cells = [_score(s["relative_PCKh"], s["ci"]["relative_PCKh"]) for s in scores]
        table.add_row(entry_label(entry), f"{entry['eps']:g}", *cells)
    return table


def results_markdown(results: Mapping[str, Any]) -> str:
    """The same table as Markdown, without title, the caption below."""
    columns, rows = _cells(results)
    rule = ["---", *["---:"] * (len(columns) - 1)]
    lines = ["| " + " | ".join(row) + " |" for row in (columns, rule, *rows)]
    return "\n".join([*lines, "", _caption(results), ""])


def _caption(results: Mapping[str, Any]) -> str:
    if all(entry["norm"] == "inf" for entry in results["attacks"]):
        return CAPTION
    return CAPTION.replace("eps in grey levels", "eps in grey levels, or in the norm of the name")


def entry_label(entry: Mapping[str, Any]) -> str:
    """The name of an attack, with its norm where that is not the usual one."""
    norm = entry["norm"]
    return str(entry["name"]) if norm == "inf" else f"{entry['name']} L{norm:g}"


def _cells(results: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    columns = ["attack", "eps", "PCKh", "relative", "target", *GROUPS]
    clean = {"relative_PCKh": None, "target_PCKh": None, **results["clean"]}
    rows = [["clean", "-", *_scores(clean)]]
    for entry in results["attacks"]:
        rows.append([entry_label(entry), f"{entry['eps']:g}", *_scores(entry)])
    return columns, rows


def _scores(entry: Mapping[str, Any]) -> list[str]:
    spread = entry["ci"]
    pairs = [(entry[key], spread.get(key)) for key in ("PCKh", "relative_PCKh", "target_PCKh")]
    pairs += [(entry["per_group"][group], spread["per_group"][group]) for group in GROUPS]
    return [_score(*pair) for pair in pairs]


def _score(value: float | None, interval: list[float] | None) -> str:
    if value is None:
        return "-"
    if interval is None:
        return f"{value:.1f}"
    return f"{value:.1f} ±{(interval[1] - interval[0]) / 2:.1f}"
