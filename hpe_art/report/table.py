"""A run's scores as tables, for the screen and for a document."""

import re
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any, Literal

from rich import box
from rich.table import Table
from rich.text import Text

from hpe_art.evaluation.results import Attack, Clean, Judged, Measured, Run, Score
from hpe_art.report.numbers import UNITS, digits_of, eps_text, score_text, whole_score, with_spread
from hpe_art.report.words import FOLDED, metric_words

SHORT = {"relative": "rel.", "target": "target", "Shoulder": "Shldr"}
WIDTH, GAP = 5, 2
"""Columns of a score on the screen, and between two of them."""
NARROW: dict[str, Any] = {"collapse_padding": True, "pad_edge": False}
SCREEN = 100
MAX_GROUPS = 10
NOTHING = "> eps"
COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
OFFICIAL = "By the config's own evaluator, {} in percent of the clean number. eps in grey levels."
TITLES = {
    "transfer": "other networks: relative",
    "defence": "behind a defence that the attacker does not know of: relative",
    "saved": "as saved, in whole grey levels: relative",
}


def screen_table(title: str, caption: str, columns: Sequence[str], **style: Any) -> Table:
    """An empty table for rich's console; all columns but the first are to the right."""
    table = Table(title=Text(title), caption=caption, box=box.SIMPLE_HEAD, **style)
    first, *others = columns
    table.add_column(first, no_wrap=True)
    for column in others:
        table.add_column(column, justify="right")
    return table


class Markdown(str):
    """Text that is Markdown already, not to be escaped."""


def plain_markdown(text: Any) -> Any:
    """A text as Markdown that shows it as it is: no markup, links, HTML or lines of its own."""
    if not isinstance(text, str) or isinstance(text, Markdown):
        return text
    escaped = re.sub(r"[\\`*\[\]|#]", r"\\\g<0>", text)
    return " ".join(escaped.replace("<", "&lt;").replace(">", "&gt;").splitlines())


def code_markdown(text: str) -> Markdown:
    """A name as code in Markdown, also in a table."""
    plain = " ".join(text.replace("`", "'").split())
    return Markdown(f"`{plain}`".replace("|", r"\|"))


def markdown_lines(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table in Markdown; all columns but the first are to the right."""
    rule = ["---", *["---:"] * (len(columns) - 1)]
    return ["| " + " | ".join(row) + " |" for row in (columns, rule, *rows)]


def results_table(run: Run) -> Table:
    """A table for rich's console, at most 100 columns wide: clean first, then every attack.

    Below each score is half the width of its interval. Groups that do not fit are left out.
    """
    most = _groups_that_fit(run)
    columns, rows = _cells(run, most)
    title = f"{run.config}, {run.dataset.num_samples} people\n{_origin(run)}"
    short = [SHORT.get(column, column[:WIDTH]) for column in columns[1:]]
    gradients = run.precision.replace(f", {FOLDED}", f" through a {FOLDED} (equal, faster) copy")
    meaning = f" {run.metric.key}: {text}." if (text := metric_words(run.metric.key)) else ""
    caption = f"{_caption(run, most)} Gradients in {gradients}.{meaning}"
    table = screen_table(title, caption, [columns[0], *short], **NARROW)
    for column in table.columns:
        column.no_wrap = True
    for row in rows:
        table.add_row(*(Text(cell.replace(" ±", "\n±")) for cell in row))
    return table


def results_markdown(run: Run) -> str:
    """The same table as Markdown, without title; weights, data and the caption are below."""
    lines = _plain_lines(*_cells(run, MAX_GROUPS))
    origin = plain_markdown(_origin(run))
    return "\n".join([*lines, "", f"{origin}.", "", _caption(run, MAX_GROUPS), ""])


def joint_table(run: Run) -> Table:
    """Every group and joint: what each attack leaves of it, and how much of the target it got."""
    key, digits = run.metric.key, digits_of(run.metric)
    caption = (
        f"clean: {key}. Attacks: relative {key}, in percent of the joint's clean one; "
        f"→ target {key}."
    )
    names = [f"{attack.name} {eps_text(attack.eps)}" for attack in run.attacks]
    table = screen_table("per joint", caption, ["joint", "clean", *names])
    for kind, parts in (("group", run.skeleton.groups), ("joint", run.skeleton.joints)):
        table.add_section()
        for name in parts:
            cells = [_joint(attack, kind, name, digits) for attack in run.attacks]
            table.add_row(name, _part(run.clean.score, kind, name, digits), *cells)
    return table


def observer_table(run: Run, kind: Literal["transfer", "defence", "saved"]) -> Table:
    """What the perturbed images leave of each observer, beside the attacked network."""
    key, digits = run.metric.key, digits_of(run.metric)
    observers = {name: one for name, one in run.observers.items() if one.kind == kind}
    table = screen_table(
        f"{TITLES[kind]} {key}",
        f"In percent of the own clean {key}, which is in the first row.",
        ["attack", "eps", PurePath(run.config).stem, *observers],
    )
    clean = [run.clean.score, *(one.clean.score for one in observers.values())]
    table.add_row(f"clean {key}", "-", *(whole_score(score, digits) for score in clean))
    for attack in run.attacks:
        if observers.keys() & attack.observed.keys():
            seen = [attack, *(attack.observed.get(name) for name in observers)]
            cells = [whole_score(one.relative if one else None) for one in seen]
            table.add_row(attack.name, eps_text(attack.eps), *cells)
    return table


def minimum_table(run: Run) -> Table | None:
    """The smallest eps that moves a joint, by joint; None where no attack has looked for it."""
    found = {attack.name: attack.minimum for attack in run.attacks if attack.minimum}
    if not found:
        return None
    caption = "Median over people, with its 95 % interval. > eps: none was found for most people."
    table = screen_table("smallest eps that moves a joint", caption, ["joint", *found])
    table.add_row("all", *(_measured(one.median) for one in found.values()))
    for joint in run.skeleton.joints:
        if any(joint in one.joints for one in found.values()):
            table.add_row(joint, *(_measured(one.joints.get(joint)) for one in found.values()))
    return table


def checks_table(run: Run) -> Table | None:
    """Whether the network hides its gradient; None where no attack has asked."""
    if not run.checks:
        return None
    caption = (
        "Whether attacks may have failed because the network hides its gradient, and not because "
        "it withstands them; on the first people."
    )
    table = screen_table("hidden gradients", caption, ["check", "passed", "found"])
    for check in run.checks:
        table.add_row(check.name, "yes" if check.passed else "NO", check.found)
    return table


def _measured(one: Measured | None) -> str:
    if one is None:
        return "-"
    ends = [NOTHING if end is None else f"{end:.3g}" for end in one.interval or ()]
    value = NOTHING if one.value is None else f"{one.value:.3g}"
    return f"{value} [{', '.join(ends)}]" if ends else value


def _groups_that_fit(run: Run) -> int:
    names = ("clean", *(attack.name for attack in run.attacks))
    # The name, eps such as 0.25, and three scores with the heading "target".
    before = max(map(len, names)) + GAP + 4 + 3 * (GAP + WIDTH) + 1
    return max(0, min(MAX_GROUPS, (SCREEN - before) // (GAP + WIDTH)))


def _origin(run: Run) -> str:
    return f"weights {run.checkpoint.path or 'of its own'}, people of {run.dataset.ann_file}"


def _caption(run: Run, most: int) -> str:
    metric, names = run.metric, list(run.skeleton.groups)
    said = [f"{metric.label} {UNITS.get(metric.unit, '')}".strip()]
    if names:
        count = COUNTS[len(names)] if len(names) < len(COUNTS) else str(len(names))
        which = "" if len(names) <= most else f"the first {COUNTS[most]} of "
        said[0] += f", also in {which}the {count} joint groups (plain, not relative)"
    said.append(f"relative: of the clean {metric.key}")
    if not metric.higher_is_better:
        said[-1] = f"relative: in percent of the clean {metric.key}, above 100 is worse"
    said.append(f"target: {metric.key} against the target pose")
    other_norms = any(attack.norm != "inf" for attack in run.attacks)
    said.append("eps in grey levels" + (", or in the norm of the name" if other_norms else ""))
    said.append("±: half of a 95 % bootstrap interval over people")
    said += [text for attack in run.attacks if (text := _without_gradient(attack))]
    return ". ".join(said) + "."


def _without_gradient(attack: Attack) -> str:
    """Whom an attack could not climb, where there are any."""
    one = attack.gradients
    if one is None or not (one.zero or one.not_finite):
        return ""
    return (
        f"{attack.name} at eps {eps_text(attack.eps)}: gradients are zero for {one.zero} people "
        f"and not finite for {one.not_finite}, who may be unperturbed"
    )


def _cells(run: Run, most: int) -> tuple[list[str], list[list[str]]]:
    groups = list(run.skeleton.groups)[:most]
    digits = digits_of(run.metric)

    def row(score: Score, relative: Score | None, target: Score | None) -> list[str]:
        cells = [whole_score(score, digits), whole_score(relative), whole_score(target, digits)]
        return cells + [_part(score, "group", name, digits) for name in groups]

    rows = [["clean", "-", *row(run.clean.score, None, None)]]
    for attack in run.attacks:
        scores = row(attack.score, attack.relative, attack.target)
        rows.append([attack.name, eps_text(attack.eps), *scores])
    return ["attack", "eps", run.metric.key, "relative", "target", *groups], rows


def _part(score: Score, kind: str, name: str, digits: int = 1) -> str:
    values, intervals = getattr(score, f"{kind}s"), getattr(score, f"{kind}_intervals")
    return with_spread(values.get(name), intervals.get(name), digits)


def _joint(attack: Attack, kind: str, name: str, digits: int) -> str:
    cell = _part(attack.relative, kind, name)
    if attack.targeted and attack.target:
        cell += f" → {_part(attack.target, kind, name, digits)}"
    return cell


def official_table(run: Run) -> Table | None:
    """Numbers of the config's own evaluator, relative ones below; None where there are none."""
    if not run.clean.official:
        return None
    columns, rows = official_cells(run)
    title = f"{run.config}, official numbers"
    table = screen_table(title, OFFICIAL.format("below"), columns, **NARROW)
    for row in rows:
        table.add_row(*(Text(cell.replace(" (", "\n").removesuffix(" %)")) for cell in row))
    return table


def official_markdown(run: Run) -> Markdown:
    """The same as Markdown; empty where there are no such numbers."""
    if not run.clean.official:
        return Markdown()
    lines = _plain_lines(*official_cells(run))
    return Markdown("\n".join([*lines, "", OFFICIAL.format("in brackets"), ""]))


def _plain_lines(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    first, *others = [[plain_markdown(cell) for cell in row] for row in (columns, *rows)]
    return markdown_lines(first, others)


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
