"""Numbers of the config's own evaluator as a table: clean, and under each attack."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from hpe_art.evaluation.results import Clean, Judged, Run
from hpe_art.report.numbers import eps_text, score_text
from hpe_art.report.table import NARROW, markdown_lines, screen_table

CAPTION = "By the config's own evaluator, {} in percent of the clean number. eps in grey levels."


def official_table(run: Run) -> Table | None:
    """A table for rich's console, relative numbers below; None where there are no numbers."""
    if not run.clean.official:
        return None
    columns, rows = official_cells(run)
    title = f"{run.config}, official numbers"
    table = screen_table(title, CAPTION.format("below"), columns, **NARROW)
    for row in rows:
        table.add_row(*(Text(cell.replace(" (", "\n").removesuffix(" %)")) for cell in row))
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
    # Without the evaluator's prefix, such as AP of coco/AP, if they are still apart.
    short = [name.rpartition("/")[2] for name in names]
    return ["attack", "eps", *(short if len(set(short)) == len(names) else names)], rows
