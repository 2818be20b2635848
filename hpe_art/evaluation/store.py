"""Predictions on disk: what each observer sees in each person's image under each attack.

    FOLDER/fingerprint.json        all that every prediction depends on
    FOLDER/lock                    held while a run writes
    FOLDER/ATTACK/00000-00031.npz  a shard: some people, whole or not there at all

Any process writes shards of its own; a run goes on with what is missing, whoever made the rest.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpe_art.arrays import read_arrays, write_arrays
from hpe_art.errors import UserError
from hpe_art.evaluation.differences import differences
from hpe_art.evaluation.result_files import read_document
from hpe_art.files import locked, write_whole

FORMAT = 1
FINGERPRINT = "fingerprint.json"
OWN = "own"
"""Name under which the attacked network's own predictions are kept."""
CLEAN = "clean"
Array = NDArray[np.float32]

logger = logging.getLogger(__name__)


class StoreError(UserError):
    """A folder of predictions cannot be gone on with; the message says why and the mend."""


@dataclass(frozen=True)
class Shard:
    """Some people under one attack.

    Attributes:
        index: (n,), places in the test set.
        poses: (n, K, 3) of each observer, by name, in crop pixels; `OWN` is the network itself.
        counts: what it cost: images passed forward and backward and seconds, of the `generation`
            of images (by a run that other attacks may share) and of `scoring` them; and `linf`.
        examples: (m, 3, H, W), images of the first m of these people, as packed.
        details: (n, ...) by name, what else the attack says of each person.
    """

    index: NDArray[np.int64]
    poses: dict[str, Array]
    counts: dict[str, Any] = field(default_factory=dict)
    examples: Array | None = None
    details: dict[str, NDArray[Any]] = field(default_factory=dict)


class Store:
    """The predictions of one network on one test set; the folder is made on writing."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._read: dict[Path, tuple[float, Shard | None]] = {}

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other runs out of the folder; a StoreError if one is there."""
        with locked(self.folder, StoreError):
            for half_written in self.folder.glob("*/.*.part"):  # by a run that was killed
                half_written.unlink()
            yield

    def claim(self, fingerprint: Mapping[str, Any], overwrite: bool = False) -> None:
        """Sees that what is held was made from the same, or begins anew; writes down what that is.

        Known `observers` of the fingerprint must be the same; others may come and go.

        Raises:
            StoreError: it was made from something else; each difference is named.
        """
        wanted = json.loads(json.dumps({"format": FORMAT, **fingerprint}))
        held = self.fingerprint
        if held or any(self.folder.glob("*/*.npz")):
            known, seen = held.get("observers", {}), wanted.get("observers", {})
            merged = {**wanted, "observers": {**known, **seen}}
            held = {**held, "observers": {**seen, **known}}
            other = differences(held, merged)
            if other and not overwrite:
                raise StoreError(
                    "Expected a folder of the same settings, or an empty one. Got "
                    f"{self.folder} with {'; '.join(other)}: choose another --work-dir, or begin "
                    "anew with --overwrite."
                )
            if other:
                self.clear()
            else:
                wanted = merged
        write_whole(self.folder / FINGERPRINT, json.dumps(wanted, indent=1) + "\n")

    @property
    def fingerprint(self) -> dict[str, Any]:
        """What the predictions that are held were made from; empty if none are."""
        try:
            found = read_document(self.folder / FINGERPRINT)
        except UserError:
            return {}
        whole = isinstance(found, dict) and isinstance(found.get("observers", {}), dict)
        return found if whole else {}

    def clear(self) -> None:
        """Removes all predictions."""
        for path in self.folder.glob("*/*.npz"):
            path.unlink()
        self._read.clear()

    def held(self, attack: str) -> dict[str, set[int]]:
        """Places of the people whose predictions are there, by observer."""
        found: dict[str, set[int]] = {}
        for shard in self.shards(attack):
            for name in shard.poses:
                found.setdefault(name, set()).update(shard.index.tolist())
        return found

    def missing(
        self, attack: str, index: Iterable[int], observers: Collection[str] = ()
    ) -> NDArray[np.int64]:
        """People who are not held with all these observers, in order."""
        held = self.held(attack)
        whole = set.intersection(*(held.get(name, set()) for name in (OWN, *observers)))
        return np.array([i for i in index if i not in whole], np.int64)

    def add(self, attack: str, shard: Shard) -> None:
        """Writes a shard; a reader sees all of it or nothing."""
        arrays: dict[str, Any] = {f"poses/{name}": poses for name, poses in shard.poses.items()}
        arrays |= {"index": shard.index, "counts": np.array(json.dumps(shard.counts))}
        arrays |= {f"details/{name}": held for name, held in shard.details.items()}
        if shard.examples is not None:
            arrays["examples"] = shard.examples
        # Shards of one attack may overlap, when observers are added later.
        who = hashlib.sha256(",".join(sorted(shard.poses)).encode()).hexdigest()[:6]
        first, last = int(shard.index[0]), int(shard.index[-1])
        name = f"{first:06d}-{last:06d}-{len(shard.index)}-{who}.npz"
        write_arrays(self.folder / attack / name, arrays)

    def shards(self, attack: str) -> list[Shard]:
        """All that are held of an attack; damaged ones are named, and count as missing."""
        found = (self._shard(path) for path in sorted((self.folder / attack).glob("*.npz")))
        return [shard for shard in found if shard is not None]

    def gathered(self, attack: str, index: NDArray[np.int64], observer: str = OWN) -> Array:
        """(N, K, 3), what an observer sees of these people, in order; a StoreError if one lacks."""
        rows: dict[int, Array] = {}
        for shard in self.shards(attack):
            if observer in shard.poses:
                rows |= dict(zip(shard.index.tolist(), shard.poses[observer], strict=True))
        lost = [i for i in index.tolist() if i not in rows]
        if len({row.shape for row in rows.values()}) > 1:
            raise StoreError(
                f"Expected poses of as many joints of everybody in {self.folder}. Got several "
                f"numbers in {attack}: begin anew with --overwrite."
            )
        if lost:
            raise StoreError(
                f"Expected {attack} of everybody in {self.folder}. Got nothing of person {lost[0]} "
                f"and {len(lost) - 1} more: run the same command again."
            )
        return np.stack([rows[i] for i in index.tolist()])

    def details(self, attack: str, index: NDArray[np.int64], name: str) -> NDArray[Any] | None:
        """(N, ...), what an attack says of these people under a name; None if not of everybody."""
        rows: dict[int, NDArray[Any]] = {}
        for shard in self.shards(attack):
            if name in shard.details:
                rows |= dict(zip(shard.index.tolist(), shard.details[name], strict=True))
        people = index.tolist()
        return np.stack([rows[i] for i in people]) if set(people) <= rows.keys() else None

    def examples(self, attack: str, index: Iterable[int]) -> dict[int, Array]:
        """Images that were kept, by person."""
        kept: dict[int, Array] = {}
        for shard in self.shards(attack):
            if shard.examples is not None:
                kept |= dict(zip(shard.index.tolist(), shard.examples, strict=False))
        return {i: kept[i] for i in index if i in kept}

    def _shard(self, path: Path) -> Shard | None:
        changed = path.stat().st_mtime
        known = self._read.get(path)
        if known is None or known[0] != changed:
            self._read[path] = known = (changed, _read_shard(path))
            if known[1] is None:
                logger.warning("%s is damaged: those people are attacked again.", path)
        return known[1]


def key_of(name: str, settings: Mapping[str, Any]) -> str:
    """The folder of an attack: its name to read, and a hash of all its settings."""
    text = json.dumps(settings, sort_keys=True, default=str)
    return f"{file_name(name)}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def file_name(name: str) -> str:
    """The name in lower case, without what cannot stand in a path."""
    return "".join(c if c.isalnum() or c in "-._" else "-" for c in name.lower())


def _read_shard(path: Path) -> Shard | None:
    try:
        held = read_arrays(path)
        index, counts = held["index"], json.loads(str(held["counts"]))
    except Exception:  # NumPy and zipfile have many words for a damaged file
        return None
    poses, details = (
        {key.removeprefix(part): value for key, value in held.items() if key.startswith(part)}
        for part in ("poses/", "details/")
    )
    shard = Shard(index, poses, counts, held.get("examples"), details)
    return shard if _fits(shard) else None


def _fits(shard: Shard) -> bool:
    """Whether the parts of a shard that was read are of as many people."""
    people = shard.index.shape
    poses = shard.poses.values()
    return (
        len(people) == 1
        and shard.index.dtype.kind == "i"
        and all(one.dtype.kind == "f" for one in poses)
        and all(one.ndim == 3 and one.shape[::2] == (*people, 3) for one in poses)
        and all(one.shape[:1] == people for one in shard.details.values())
        and isinstance(shard.counts, dict)
    )
