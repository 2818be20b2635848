"""Numbers of the config's own evaluator as a table: clean, and under each attack."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from hpe_art.evaluation.results import Clean, Judged, Run
from hpe_art.report.numbers import eps_text, score_text
from hpe_art.report.table import markdown_lines

CAPTION = "By the config's own evaluator, {} in percent of the clean number. eps in grey levels."


def official_table(run: Run) -> Table | None:
    """A table for rich's console, relative numbers below; None where there are no numbers."""
    if not run.clean.official:
        return None
    table = Table(
        title=Text(f"{run.config}, official numbers"),
        caption=CAPTION.format("below"),
        box=box.SIMPLE_HEAD,
        collapse_padding=True,
        pad_edge=False,
    )
    columns, rows = official_cells(run)
    table.add_column(columns[0], no_wrap=True)
    for column in columns[1:]:
        table.add_column(column, justify="right")
    for row in rows:
        cells = (cell.replace(" (", "\n").removesuffix(" %)") for cell in row)
        table.add_row(*map(Text, cells))
    return table


def official_markdown(run: Run) -> str:
    """The same table as Markdown; empty where there are no such numbers."""
    if not run.clean.official:
        return ""
    return "\n".join([*markdown_lines(*official_cells(run)), "", CAPTION.format("in brackets"), ""])


def official_cells(run: Run) -> tuple[list[str], list[list[str]]]:
    """Names of columns, and a row for the clean images and each attack."""
    names = list(run.clean.official)
    judged: Sequence[Clean | Judged] = (run.clean, *run.attacks)
    # Some evaluators give shares and others percents.
    largest = {name: max(abs(one.official.get(name, 0.0)) for one in judged) for name in names}
    digits = {name: 3 if largest[name] <= 1 else 1 for name in names}
    rows = [["clean", "-", *(score_text(run.clean.official[n], digits[n]) for n in names)]]
    for attack in run.attacks:
        cells = [attack.name, eps_text(attack.eps)]
        for name in names:
            text = score_text(attack.official.get(name), digits[name])
            relative = attack.relative_official.get(name)
            cells.append(text if relative is None else f"{text} ({relative:.1f} %)")
        rows.append(cells)
    return ["attack", "eps", *_short(names)], rows


def _short(names: Sequence[str]) -> Sequence[str]:
    """Names without the evaluator's prefix, such as AP of coco/AP, if they are still apart."""
    short = [name.rpartition("/")[2] for name in names]
    return short if len(set(short)) == len(names) else names
