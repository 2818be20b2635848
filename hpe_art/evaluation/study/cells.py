"""Finished cells on disk: `OUT/cells/NETWORK/CELL.json`, each complete or not there at all."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpe_art.evaluation.results import plain
from hpe_art.evaluation.study.plan import Cell

FORMAT = 1
Hits = NDArray[np.float64]
LETTERS = {"0": 0.0, "1": 1.0, "-": np.nan}


class CellStore:
    """The cells of one study.

    Args:
        folder: of the study.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "cells"

    def path(self, cell: Cell) -> Path:
        """Where a cell is kept."""
        return self.folder / cell.network / f"{cell.name}.json"

    def read(self, cell: Cell, made_of: Mapping[str, Any]) -> dict[str, Any] | None:
        """A finished cell; None if it is not there, or was asked for otherwise.

        Args:
            cell: of the plan.
            made_of: what else it depends on, as given to `write`.
        """
        try:
            document: dict[str, Any] = json.loads(self.path(cell).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return document if document.get("key") == _key(cell, made_of) else None

    def write(self, cell: Cell, made_of: Mapping[str, Any], content: Mapping[str, Any]) -> None:
        """Keeps a cell; a reader sees all of it or nothing.

        Args:
            cell: of the plan.
            made_of: what else it depends on: weights, people.
            content: in JSON's types, NumPy's and paths.
        """
        document = plain({"key": _key(cell, made_of), **content})
        write_whole(self.path(cell), json.dumps(document, indent=1, allow_nan=False) + "\n")


def write_whole(path: Path, text: str) -> None:
    """Writes a text file that is either complete or as it was before, also after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
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


def _key(cell: Cell, made_of: Mapping[str, Any]) -> dict[str, Any]:
    settings = [
        asdict(s) | {"norm": f"{s.norm:g}", "batch_size": None, "perturbation": None}
        for s in cell.settings
    ]
    key: dict[str, Any] = plain(
        {
            "format": FORMAT,
            **made_of,
            "settings": settings,
            "shown": [list(names) for names in cell.shown],
        }
    )
    return key
