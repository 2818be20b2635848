"""What a benchmark measured, as Markdown for the terminal and as a page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib import resources
from statistics import mean
from typing import Any

import jinja2

from benchmarks.contenders import CONTENDERS
from benchmarks.goals import (
    MEMORY_GROWS_AT_MOST,
    WHOLE_RUN_AT_MOST,
    memory_grows,
)
from benchmarks.speed import ratios


def _pace(row: Mapping[str, Any], name: str) -> str:
    pace, ratio = f"{row['pace'][name]:.1f}", ratios(row, "art", name)
    if name == "art" or ratio is None:
        return pace
    return pace + " ({median:.2f}; {low:.2f}-{high:.2f})".format(**ratio)


def _passes(row: Mapping[str, Any], name: str) -> str:
    return "{forward}, {backward}".format(**row["passes"][name])


def _memory(row: Mapping[str, Any], name: str) -> str:
    """Of the process, and of the device where it has its own."""
    peak = row["memory"][name]
    return ", ".join(f"{mib:.0f}" for mib in (peak["rss"], peak["device"]) if mib is not None)


def _goal_cells(goal: Mapping[str, Any]) -> list[str]:
    """What is compared, what is wanted, the median, the range of the rounds, the verdict."""
    against = goal["against"] or " or ".join(goal["slow"])
    if goal["at_least"] is not None:
        what = f"speed of {goal['fast']}, over that of {against}"
        wanted = f">= {goal['at_least']:g}x"
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
    """By how much an attack is weaker with a precision than with float32."""
    numbers = {
        name: f"{value:+.{_digits(row)}f}" for name, value in row["weaker"][precision].items()
    }
    return "({points}; {low} to {high})".format(**numbers)


def _largest_at_one_eps(row: Mapping[str, Any], precision: str) -> float:
    pairs = zip(row["score"][precision], row["score"]["float32"], strict=True)
    return max(abs(one - other) for one, other in pairs)


def _mean_score(row: Mapping[str, Any], precision: str) -> str:
    return f"{mean(row['score'][precision]):.{_digits(row)}f}"


def _digits(row: Mapping[str, Any]) -> int:
    """Of percents and pixels, or of shares."""
    return 1 if row["unit"] else 3


def _contenders(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Those that any row has, in the order of their turns."""
    return [name for name in CONTENDERS if any(name in row["pace"] for row in rows)]


def results(document: Mapping[str, Any]) -> str:
    """Markdown of everything that a benchmark has measured so far."""
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  (Markdown of our own numbers)
    )
    environment.tests["search"] = lambda value, pattern: re.search(pattern, value) is not None
    environment.filters.update(
        contenders=_contenders,
        weaker=_weaker,
        mean_score=_mean_score,
        largest_at_one_eps=_largest_at_one_eps,
        short="{:g}".format,
        ends=lambda one: "{value:.1f} [{low:.1f}, {high:.1f}]".format(**one),
    )
    return environment.from_string(_template("measured.md.j2")).render(
        **document,
        goal_cells=_goal_cells,
        pace=_pace,
        passes=_passes,
        memory=_memory,
        memory_grows=memory_grows,
        memory_grows_at_most=MEMORY_GROWS_AT_MOST,
        whole_run_at_most=WHOLE_RUN_AT_MOST,
    )


def page(document: Mapping[str, Any]) -> str:
    """The same after what is compared, and how: `docs/performance.md`."""
    return _template("performance.md") + results(document)


def _template(name: str) -> str:
    return resources.files("benchmarks").joinpath(f"templates/{name}").read_text()
