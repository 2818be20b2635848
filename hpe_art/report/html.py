"""The report: one HTML file with everything inside."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from hpe_art.evaluation.results import Results, Run, Score
from hpe_art.report.chart_data import chart_data
from hpe_art.report.comparison import Comparison
from hpe_art.report.leading import leading_attack, metric_of
from hpe_art.report.numbers import digits_of, eps_text, score_text, with_spread
from hpe_art.report.summary import remarks, summary, unfinished
from hpe_art.report.table import official_cells
from hpe_art.report.viewer import viewer_data
from hpe_art.report.words import (
    attack_words,
    defence_words,
    metric_words,
    official_words,
    target_words,
    whose,
    words,
)

TEMPLATES = resources.files("hpe_art.report") / "templates"
LIBRARIES = ("vega/vega.min.js", "vega/vega-lite.min.js")
SCRIPTS = (
    "page.js",
    "charts.js",
    "explore.js",
    "joints.js",
    "compare.js",
    "transfer.js",
    "viewer.js",
)


def report_html(
    results: Results, folders: Mapping[str, Path], compared: Sequence[Comparison] = ()
) -> str:
    """The page, of results and folders from `read_runs`, and what is compared of them."""
    metric, runs = metric_of(results), results.runs
    digits = digits_of(metric)
    filters: dict[str, Callable[..., Any]] = {
        "score": lambda value: score_text(value, digits, none="–"),
        "change": lambda value: "–" if value is None else f"{value:+.{digits}f}",
        "percent": lambda value: score_text(value, none="–"),
        "spread": partial(spread, digits=digits),
        "eps": eps_text,
        "path": lambda text: escape(text or "").replace("/", Markup("/<wbr>")),
        # How dark a cell is: 1 for a network that the attack does not touch.
        "kept": lambda value: (
            (min(value, 100) if metric.higher_is_better else 1e4 / max(value, 100)) / 100
        ),
    }
    pictures = viewer_data(results, folders)
    pairs = [(one.before, one.after) for one in compared]
    # Not those of which one has no pictures.
    pictures["beside"] = [pair for pair in pairs if pictures["networks"].keys() >= {*pair}][:1]
    name = leading_attack(results, targeted=False)
    leading = [one for run in runs.values() for one in run.attacks if one.name == name]
    kinds = [one.kind for run in runs.values() for one in run.observers.values()]
    return rendered(
        "report.html.j2",
        results,
        filters,
        Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True),
        networks=list(runs),
        groups=list(next(iter(runs.values())).skeleton.groups),
        official={n: official_cells(r) for n, r in runs.items() if r.clean.official},
        nobody=any(-1.0 in run.clean.official.values() for run in runs.values()),
        attacked=any(run.attacks for run in runs.values()),
        transfer="transfer" in kinds,
        universal=bool(pictures["universal"]),
        examples=bool(pictures["networks"]),
        compared=compared,
        charts=as_script(chart_data(results) | {"compared": [asdict(one) for one in compared]}),
        said=pictures["said"],
        aimed=any(p.target for r in runs.values() for e in r.examples for p in e.people),
        targets={
            n: text for n, r in runs.items() if r.targets and (text := target_words(r.targets))
        },
        words=words(results),
        whose=whose(results),
        targets_differ=any(r.targets and "clean" in r.targets.rule for r in runs.values()),
        versions=next(iter(runs.values())).versions if _alike(runs.values()) else None,
        meaning=metric_words(metric.key),
        official_words=official_words(results),
        defence_words=defence_words(results),
        lead=next(map(attack_words, leading), ""),
        viewer=as_script(pictures),
        style=template("page.css"),
        scripts=code(SCRIPTS),
    )


def _alike(runs: Iterable[Run]) -> bool:
    """Whether all were made with the same packages."""
    return len({tuple(run.versions.items()) for run in runs}) == 1


def spread(score: Score | None, of: str | None = None, digits: int = 1) -> str:
    """A score, or that `of` a group, with half of its interval in small print; a dash for none."""
    value, interval = (score.value, score.interval) if score else (None, None)
    if score and of is not None:
        value, interval = score.groups.get(of), score.group_intervals.get(of)
    if value is None:
        return "–"
    text, _, half = with_spread(value, interval, digits).partition(" ")
    return Markup("{} <small>{}</small>").format(text, half) if half else text


def code(names: Sequence[str]) -> list[str]:
    """What goes into a page's scripts: the libraries, and these files as one."""
    return [*map(template, LIBRARIES), "\n".join(map(template, names))]


def template(name: str) -> str:
    """The text of a file in `TEMPLATES`."""
    return TEMPLATES.joinpath(name).read_text("utf-8")


def as_script(data: Any) -> str:
    """JSON that cannot end the element that it is in."""
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")


def rendered(
    name: str,
    results: Results,
    filters: Mapping[str, Callable[..., Any]],
    environment: Environment,
    **values: Any,
) -> str:
    """A template of this package, given the results, what to know first of them, and values."""
    environment.filters |= filters
    return environment.from_string(template(name)).render(
        results=results,
        study=results.study,
        metric=metric_of(results),
        summary=summary(results),
        unfinished=unfinished(results),
        remarks=remarks(results),
        **values,
    )
