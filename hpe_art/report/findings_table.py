"""The findings of a study on the screen."""

from __future__ import annotations

from rich import box
from rich.table import Table
from rich.text import Text

from hpe_art.evaluation.results import Study


def findings_table(study: Study) -> Table:
    """The claims, their verdicts, and the numbers that decided them."""
    table = Table(title="findings", box=box.SIMPLE_HEAD, show_lines=True)
    for name in ("", "claim", "verdict", "because"):
        table.add_column(name)
    for finding in study.findings:
        deciding = [c for c in finding.comparisons if c.decides]
        because = [f"{c.what}: {c.value:.1f} ({c.low:.1f} to {c.high:.1f})" for c in deciding]
        if finding.why:
            because.append(finding.why)
        table.add_row(
            str(finding.number), Text(finding.claim), finding.verdict, Text("\n".join(because))
        )
    return table
