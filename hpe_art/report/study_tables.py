"""Plans on the screen, and the findings of a study."""

from collections.abc import Sequence
from datetime import timedelta

from rich import box
from rich.table import Table
from rich.text import Text

from hpe_art.evaluation.results import Finding
from hpe_art.studies.plan import PlannedRun

DEVICES = (2, 4, 8, 16, 32, 64)


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
    """Every run, its passes in images at most, and what is left to do, here and on more devices."""
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
        about = _duration(one.seconds) if one.known else "not known"
        table.add_row(one.network, one.attacks, one.eps, *counts, "done" if one.finished else about)
    if left:
        # Processes have as many people each, but for one (`batches_of`).
        shared = (f"{n}: {_duration(seconds / n)}" for n in DEVICES)
        least = "" if all(one.known for one in left) else " at least"
        table.caption = f"On as many such devices,{least} about: {', '.join(shared)}; and loading."
    return table


def _duration(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
