"""A study as a Markdown page: what is in results.json, for reading beside the code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined

from hpe_art.mpii import GROUPS
from hpe_art.report.html import CAPTIONS, summary


def study_markdown(document: Mapping[str, Any], figures: Mapping[str, str]) -> str:
    """The page.

    Args:
        document: from `read_runs`.
        figures: by their names in `study_figures`, the path of each from where the page will be.
    """
    environment = Environment(
        autoescape=False, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(score=_score, short="{:g}".format, interval=_interval)
    text = resources.files("hpe_art.report").joinpath("templates/study.md.j2").read_text("utf-8")
    runs = document["runs"]
    return environment.from_string(text).render(
        document=document,
        summary=summary(document),
        relative=over_eps(runs, targeted=False, score="relative_PCKh"),
        target=over_eps(runs, targeted=True, score="target_PCKh"),
        untargeted_steps=over_steps(runs, document["grid"]["curve_eps"], False, "relative_PCKh"),
        targeted_steps=over_steps(runs, document["grid"]["curve_eps"], True, "target_PCKh"),
        groups=list(GROUPS),
        figures={name: (path, CAPTIONS[name]) for name, path in figures.items()},
    )


def over_eps(runs: Mapping[str, Any], targeted: bool, score: str) -> dict[str, Any]:
    """Scores of every attack that was run with several eps.

    Returns:
        `columns`, all eps, and `rows`: (network, attack) and for each column the entry's score and
        the ends of its interval, or None.
    """
    found: dict[tuple[str, str], dict[float, Any]] = {}
    for network, run in runs.items():
        for entry in run["attacks"]:
            if entry["targeted"] == targeted and entry[score] is not None:
                scored = (entry[score], entry["ci"][score])
                found.setdefault((network, entry["name"]), {})[entry["eps"]] = scored
    return _table({key: row for key, row in found.items() if len(row) > 1})


def over_steps(runs: Mapping[str, Any], eps: float, targeted: bool, score: str) -> dict[str, Any]:
    """Scores of IGSM at one eps after each number of steps, as `over_eps` has them."""
    found: dict[tuple[str, str], dict[int, Any]] = {}
    for network, run in runs.items():
        for entry in run["attacks"]:
            wanted = (entry["attack"], entry["eps"], entry["targeted"]) == ("igsm", eps, targeted)
            if wanted and entry["norm"] == "inf" and entry[score] is not None:
                scored = (entry[score], entry["ci"][score])
                found.setdefault((network, entry["outputs"]), {})[entry["max_iter"]] = scored
    return _table({key: row for key, row in found.items() if len(row) > 1})


def _table(found: Mapping[tuple[str, str], Mapping[Any, Any]]) -> dict[str, Any]:
    columns = sorted({column for row in found.values() for column in row})
    return {
        "columns": columns,
        "rows": {key: [row.get(column) for column in columns] for key, row in found.items()},
    }


def _score(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _interval(scored: Sequence[Any] | None) -> str:
    """A score and half of its interval, as `tools/attack.py` prints them."""
    if scored is None:
        return "-"
    value, (low, high) = scored
    return f"{value:.1f} ±{(high - low) / 2:.1f}"
