"""The plan of a study on the screen, and its findings."""

from collections.abc import Sequence
from datetime import timedelta

from rich import box
from rich.table import Table
from rich.text import Text

from hpe_art.evaluation.results import Finding
from hpe_art.studies.plan import PlannedRun


def findings_table(title: str, findings: Sequence[Finding]) -> Table:
    """The claims, their verdicts, and the numbers that decided them."""
    table = Table("", "claim", "verdict", "because", title=title, box=box.SIMPLE_HEAD)
    table.show_lines = True
    for finding in findings:
        deciding = [c for c in finding.comparisons if c.decides]
        because = [f"{c.what}: {c.value:.1f} ({c.low:.1f} to {c.high:.1f})" for c in deciding]
        said = "\n".join(filter(None, [*because, finding.why]))
        table.add_row(str(finding.number or ""), Text(finding.claim), finding.verdict, Text(said))
    return table


def plan_table(runs: Sequence[PlannedRun]) -> Table:
    """Every run, its passes in images, and what is left to do."""
    table = Table(title="plan", box=box.SIMPLE_HEAD, show_footer=True)
    left = [one for one in runs if not one.finished]
    footer = f"{len(runs)} runs, {len(left)} to do"
    table.add_column("network", footer=footer, no_wrap=True)
    table.add_column("attacks")
    table.add_column("eps", no_wrap=True)
    passes = ("forward", "backward", "elsewhere")
    for name in passes:
        total = sum(getattr(one, name) for one in left)
        table.add_column(name, justify="right", footer=f"{total:,}", no_wrap=True)
    seconds = sum(one.seconds for one in left)
    table.add_column("about", justify="right", footer=_duration(seconds), no_wrap=True)
    for one in runs:
        counts = (f"{getattr(one, name):,}" for name in passes)
        about = "done" if one.finished else _duration(one.seconds)
        table.add_row(one.network, one.attacks, one.eps, *counts, about)
    return table


def _duration(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
