"""ART's shelf as a page: what runs on poses, through what, and with what effect."""

from collections.abc import Mapping, Sequence
from typing import Any

from hpe_art.evaluation.results import MetricRecord
from hpe_art.report.numbers import UNITS, digits_of, eps_text, score_text

MOVED_FROM = 2.0
"""Mean distance in crop pixels from which a pose counts as moved."""


def shelf_markdown(
    rows: Sequence[Mapping[str, Any]],
    not_for_poses: Mapping[str, str],
    conditions: str,
    metric: MetricRecord,
) -> str:
    """The page, with the reasons why others are not for poses, and how it was measured, in words.

    Rows have the `name`, `through`, `note` and `eps` of each recipe, with either `error`, or the
    scores `before` and `after`, `moved` (mean distance in crop pixels that the joints were moved
    by), `linf` and `seconds`.
    """
    ran = [row for row in rows if "error" not in row]
    moved = [row for row in ran if row["moved"] >= MOVED_FROM]
    lines = [
        "# ART's evasion attacks on poses",
        "",
        conditions,
        "",
        f"Of {len(rows) + len(not_for_poses)} classes {len(rows)} apply to images, "
        f"{len(ran)} ran, and {len(moved)} moved the joints by {MOVED_FROM:g} pixels of the crop "
        "or more on average. Arguments bound the time, not the strength: an attack that did not "
        "move anything here may with more queries.",
        "",
        f"| attack | runs on | {metric.key} | joints moved by | largest change | eps | seconds | |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |",
        *(_row(row, digits_of(metric)) for row in sorted(rows, key=lambda row: row["name"])),
        "",
        " ".join(filter(None, [metric.label, UNITS.get(metric.unit), "before and after;"]))
        + " changes and eps in grey levels, distances in pixels of the crop. A dash for eps: the "
        "attack has no bound of that kind.",
        "",
        "## Not for poses",
        "",
        "| attack | why |",
        "| --- | --- |",
        *(f"| `{name}` | {reason} |" for name, reason in sorted(not_for_poses.items())),
        "",
    ]
    return "\n".join(lines)


def _row(row: Mapping[str, Any], digits: int) -> str:
    eps = eps_text(row["eps"])
    if "error" in row:
        return f"| `{row['name']}` | {row['through']} | - | - | - | {eps} | - | {row['error']} |"
    before, after = (score_text(row[when], digits) for when in ("before", "after"))
    return (
        f"| `{row['name']}` | {row['through']} | {before} → {after} "
        f"| {row['moved']:.1f} | {row['linf']:.1f} | {eps} | {row['seconds']:.1f} | {row['note']} |"
    )
