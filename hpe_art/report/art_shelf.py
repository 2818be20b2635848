"""ART's shelf as a page: what runs on poses, through what, and with what effect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

MOVED_FROM = 2.0
"""Mean distance in crop pixels from which a pose counts as moved."""


def shelf_markdown(
    rows: Sequence[Mapping[str, Any]], not_for_poses: Mapping[str, str], conditions: str
) -> str:
    """The page.

    Args:
        rows: from `evaluation.shelf.try_attack`, or with an `error`.
        not_for_poses: name and reason of the others.
        conditions: how it was measured, in a sentence or two.
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
        "| attack | runs on | PCKh | joints moved by | largest change | eps | seconds | |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |",
        *(_row(row) for row in sorted(rows, key=lambda row: row["name"])),
        "",
        "PCKh@0.5 in percent before and after; changes and eps in grey levels, distances in pixels "
        "of the crop. A dash for eps: the attack has no bound of that kind.",
        "",
        "## Not for poses",
        "",
        "| attack | why |",
        "| --- | --- |",
        *(f"| `{name}` | {reason} |" for name, reason in sorted(not_for_poses.items())),
        "",
    ]
    return "\n".join(lines)


def _row(row: Mapping[str, Any]) -> str:
    eps = "-" if row["eps"] is None else f"{row['eps']:g}"
    if "error" in row:
        return f"| `{row['name']}` | {row['through']} | - | - | - | {eps} | - | {row['error']} |"
    return (
        f"| `{row['name']}` | {row['through']} | {row['before']:.1f} → {row['after']:.1f} "
        f"| {row['moved']:.1f} | {row['linf']:.1f} | {eps} | {row['seconds']:.1f} | {row['note']} |"
    )
