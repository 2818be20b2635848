"""What one table says, on the screen and as a page that says what made it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rich.table import Table
from rich.text import Text

from hpe_art.evaluation.results import Run
from hpe_art.report.table import markdown_lines, plain_markdown, screen_table


class OneTable(NamedTuple):
    """A table of one network.

    Attributes:
        run: of the network on clean images.
        people: how many, and what else is to be known of them.
        caption: what the numbers are.
        columns, rows: of cells, whose first column is to the left.
    """

    run: Run
    people: str
    caption: str
    columns: list[str]
    rows: list[list[str]]

    def on_screen(self) -> Table:
        """For rich's console."""
        table = screen_table(f"{self.run.config}, {self.people}", self.caption, self.columns)
        for row in self.rows:
            table.add_row(*map(Text, row))
        return table

    def page(self, title: str, command: str, about: str, ends: Sequence[str] = ()) -> str:
        """As Markdown; `title` has a place for the network's name, `about` is said of the people.

        After the table come the lines of `ends`, and the versions.
        """
        versions = ", ".join(f"{name} {version}" for name, version in self.run.versions.items())
        lines = [
            f"# {title.format(plain_markdown(Path(self.run.config).stem))}",
            "",
            f"    {command}",
            "",
            f"{about}, seed {self.run.seed}. {self.caption}",
            "",
            *markdown_lines(self.columns, self.rows),
            "",
            *ends,
            f"{versions}.",
        ]
        return "\n".join([*lines, ""])
