"""Finished cells on disk: `OUT/cells/NETWORK/CELL.json`, each whole or not there at all."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpe_art.attacks import AttackSetting
from hpe_art.evaluation.results import plain
from hpe_art.evaluation.study.plan import Cell

FORMAT = 2
Content = dict[str, Any]
Hits = NDArray[np.float64]
LETTERS = {"0": 0.0, "1": 1.0, "-": np.nan}
_IDENTITY = ("attack", "eps", "eps_step", "max_iter", "targeted", "outputs")


class CellStore:
    """The cells of one study.

    A cell grows: what is asked of it later (more eps, more steps, more networks that look on) is
    added to what it holds.

    Args:
        folder: of the study.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "cells"

    def path(self, cell: Cell) -> Path:
        """Where a cell is kept."""
        return self.folder / cell.network / f"{cell.name}.json"

    def read(self, cell: Cell, made_of: Mapping[str, Any]) -> Content | None:
        """What a cell holds; None if it is not there, or was made of something else.

        Args:
            cell: of the plan.
            made_of: what it depends on beside its settings, as given to `add`.
        """
        held = _read(self.path(cell))
        return held if held and held["key"] == _key(made_of) else None

    def lacking(self, cell: Cell, made_of: Mapping[str, Any]) -> Cell | None:
        """What is still to be run of a cell; None if it is finished."""
        held = self.read(cell, made_of)
        if held is None:
            return cell
        if not cell.settings:
            unseen = _unseen(cell.shown[0], held["onlookers"])
            return replace(cell, shown=(unseen,)) if unseen else None
        records = {_known_by(record["entry"]): record for record in held["attacks"]}
        todo = {}
        for setting, names in zip(cell.settings, cell.shown, strict=True):
            record = records.get(_known_by(_entry_of(setting)))
            unseen = names if record is None else _unseen(names, record["shown"])
            if record is None or unseen:
                todo[setting] = unseen
        return replace(cell, settings=tuple(todo), shown=tuple(todo.values())) if todo else None

    def add(self, cell: Cell, made_of: Mapping[str, Any], content: Content) -> None:
        """Adds what was run of a cell to what it holds; a reader sees all of it or nothing.

        Args:
            cell: of the plan.
            made_of: what it depends on beside its settings: weights, people.
            content: in JSON's types, NumPy's and paths.
        """
        held = self.read(cell, made_of)
        added: Content = plain(content)
        document = {"key": _key(made_of), **(_merged(held, added) if held else added)}
        write_whole(self.path(cell), json.dumps(document, indent=1, allow_nan=False) + "\n")

    def all(self, network: str, made_of: Mapping[str, Any]) -> dict[str, Content]:
        """Every cell of a network that was made of this at least, by name, also unplanned ones."""
        wanted = plain(dict(made_of)).items()
        paths = sorted((self.folder / network).glob("*.json"))
        held = {path.stem: _read(path) for path in paths}
        return {name: one for name, one in held.items() if one and wanted <= one["key"].items()}


def write_whole(path: Path, text: str) -> None:
    """Writes a text file that is either complete or as it was before, also after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with part.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def written_hits(hits: Hits) -> list[str]:
    """Hits (N, 16) as a word for each person: 1 hit, 0 missed, - not labelled."""
    letters = np.where(np.isnan(hits), "-", np.where(hits > 0, "1", "0"))
    return ["".join(row) for row in letters]


def read_hits(words: list[str]) -> Hits:
    """What `written_hits` wrote, as (N, 16)."""
    return np.array([[LETTERS[letter] for letter in word] for word in words], np.float64)


def _read(path: Path) -> Content | None:
    try:
        held: Content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return held if held.get("key", {}).get("format") == FORMAT else None


def _key(made_of: Mapping[str, Any]) -> dict[str, Any]:
    key: dict[str, Any] = plain({"format": FORMAT, **made_of})
    return key


def _entry_of(setting: AttackSetting) -> dict[str, Any]:
    return asdict(setting) | setting.effort


def _known_by(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    """What tells an attack of a cell from the others."""
    return tuple(entry[name] for name in _IDENTITY)


def _unseen(names: Sequence[str], shown: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Those of the names to which nothing was shown yet."""
    return tuple(name for name in names if name not in {one["name"] for one in shown})


def _merged(held: Content, added: Content) -> Content:
    """Both together; what is in both stays as it was."""
    merged = {**added, **held}
    for count in ("passes", "seconds"):
        merged[count] = _sum(held[count], added[count])
    if "found_with" in held:
        merged["found_with"] = sorted({*held["found_with"], *added["found_with"]})
    if "onlookers" in held:
        merged["onlookers"] = held["onlookers"] + added["onlookers"]
        return merged
    records = {_known_by(record["entry"]): record for record in held["attacks"]}
    for record in added["attacks"]:
        known = records.setdefault(_known_by(record["entry"]), record)
        if known is not record:
            known["shown"] += record["shown"]
            for kind in {one["kind"] for one in record["shown"]}:
                known["entry"].setdefault(kind, {}).update(record["entry"][kind])
            if "alone" in known:
                known["alone"]["poses"] = record["alone"]["poses"] | known["alone"]["poses"]
    merged["attacks"] = list(records.values())
    return merged


def _sum(one: Any, other: Any) -> Any:
    """Of numbers, or of those under the same names."""
    if not isinstance(one, Mapping):
        return one + other
    return {name: _sum(one.get(name, 0), other.get(name, 0)) for name in one | other}
