"""A report as a Markdown page: what is in the results, for reading beside the code."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from jinja2 import Environment, StrictUndefined

from hpe_art.evaluation.results import Results, Score
from hpe_art.report.html import rendered
from hpe_art.report.leading import family, judged_by, leading_eps, metric_of, over_steps
from hpe_art.report.numbers import digits_of, score_text, whole_score
from hpe_art.report.table import code_markdown, official_markdown, plain_markdown

Found = dict[tuple[str, str], dict[Any, Score | None]]
"""Scores by eps, or number of steps, of each network and attack."""


class ScoreTable(NamedTuple):
    """Scores of networks under attacks."""

    columns: list[Any]  # every eps, or every number of steps
    rows: dict[tuple[str, str], list[Score | None]]  # by network and attack, one for each column


def report_markdown(results: Results, figures: Mapping[str, tuple[str, str]]) -> str:
    """The page; figures are by name, each its path from where the page will be, and caption."""
    metric, eps = metric_of(results), leading_eps(results)
    filters: dict[str, Callable[..., Any]] = {
        "score": lambda value: score_text(value, digits_of(metric)),
        "percent": score_text,
        "short": "{:g}".format,
        "interval": whole_score,
        "code": code_markdown,
    }
    tables = [
        (f"{kind} attacks: {score} {metric.key} by {what}", table, digits)
        for what, make in (("eps", over_eps), (f"steps at eps {eps:g}", over_steps_at_one_eps))
        for kind, score, targeted, digits in (
            ("Untargeted", "relative", False, 1),
            ("Targeted", "target", True, digits_of(metric)),
        )
        if (table := make(results, targeted)).rows
    ]
    if (cost := gradients_over_eps(results)).rows:
        tables.append(("Gradients for each person by eps", cost, 0))
    return rendered(
        "report.md.j2",
        results,
        filters,
        Environment(  # noqa: S701  (`plain_markdown` escapes)
            undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=plain_markdown
        ),
        tables=tables,
        official={n: text for n, run in results.runs.items() if (text := official_markdown(run))},
        figures=figures,
    )


def over_eps(results: Results, targeted: bool) -> ScoreTable:
    """Scores of every attack that was run with several eps."""
    found: Found = {}
    for network, run in results.runs.items():
        for attack in run.attacks:
            if attack.targeted == targeted and attack.eps is not None:
                row = found.setdefault((network, attack.name), {})
                row[attack.eps] = judged_by(attack, targeted)
    return _table(found)


def gradients_over_eps(results: Results) -> ScoreTable:
    """The mean for each person, of attacks that take fewer where they succeed sooner."""
    found: dict[tuple[str, str], dict[Any, float]] = {}
    for network, run in results.runs.items():
        for attack in run.attacks:
            mean = attack.backward_passes / run.dataset.num_samples
            found.setdefault((network, attack.name), {})[attack.eps] = mean
    # Those that everybody gets are whole numbers, however several runs share them.
    own = {key: row for key, row in found.items() if any(n > 1 and n % 1 for n in row.values())}
    return _table({k: {eps: Score(value=n) for eps, n in row.items()} for k, row in own.items()})


def over_steps_at_one_eps(results: Results, targeted: bool) -> ScoreTable:
    """Scores after each number of steps at the leading eps, of attacks run with several."""
    found: Found = {}
    eps = leading_eps(results)
    for network, run in results.runs.items():
        for name in dict.fromkeys(family(a) for a in run.attacks if a.targeted == targeted):
            steps = over_steps(run, name, eps)
            found[network, name] = {n: judged_by(a, targeted) for n, a in steps.items()}
    return _table(found)


def _table(found: Found) -> ScoreTable:
    """Of the rows with several scores."""
    known = {
        key: {c: s for c, s in row.items() if s and s.value is not None}
        for key, row in found.items()
    }
    several = {key: row for key, row in known.items() if len(row) > 1}
    columns = sorted({column for row in several.values() for column in row})
    rows = {key: [row.get(column) for column in columns] for key, row in several.items()}
    return ScoreTable(columns, rows)
