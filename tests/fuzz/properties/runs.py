"""What a run leaves to go on with: predictions, what they were made from, and its people."""

from __future__ import annotations

import contextlib
import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import example_results
import numpy as np
from fuzz.holding import holds, refused
from fuzz.mutations import broken_bytes, broken_json, broken_npz
from fuzz.properties.people import mpii
from hypothesis import strategies as st

from hpe_art.evaluation.kept_people import PEOPLE, keep_people
from hpe_art.evaluation.scoring import rescored, stored_scores
from hpe_art.evaluation.store import CLEAN, FINGERPRINT, OWN, Shard, Store, StoreError
from hpe_art.skeleton import MPII

INDEX = np.arange(3)
POSES = np.arange(3 * 2 * 3, dtype=np.float32).reshape(3, 2, 3)


def _shard(folder: Path) -> tuple[Store, Path]:
    """A store of one shard, and its file."""
    Store(folder).add(CLEAN, Shard(INDEX, {OWN: POSES}, {}, details={"eps": POSES[..., 0]}))
    (path,) = (folder / CLEAN).glob("*.npz")
    return Store(folder), path


@holds
def stores(folder: Path, draw: Any) -> None:
    """A damaged shard counts as missing; one that is read is as it was written."""
    store, path = _shard(folder / "store")
    path.write_bytes(draw(broken_bytes(path.read_bytes())))
    with refused(), contextlib.suppress(StoreError):
        assert np.array_equal(store.gathered(CLEAN, INDEX), POSES)


@holds
def shards(folder: Path, draw: Any) -> None:
    """Whoever made a shard, it has a pose of each person that it names, or counts as missing."""
    store, path = _shard(folder / "store")
    with np.load(path) as file:
        arrays = dict(file)
    path.write_bytes(draw(broken_npz(arrays)))
    missing = store.missing(CLEAN, INDEX.tolist()).tolist()
    with refused():
        found = store.gathered(CLEAN, INDEX)
        assert found.ndim == 3 and found.dtype.kind == "f" and found.shape[::2] == (3, 3)
        assert not missing
    details = store.details(CLEAN, INDEX, "eps")
    assert details is None or len(details) == len(INDEX)


@holds
def fingerprints(folder: Path, draw: Any) -> None:
    """Predictions are gone on with where it is known of what they were made."""
    whole = {"seed": 0, "metric": "PCKh", "observers": {"other": {"sha256": "a"}}}
    Store(folder).claim(whole)
    store, _ = _shard(folder)
    store.claim(whole)
    assert not len(store.missing(CLEAN, INDEX.tolist()))
    kept = json.loads((folder / FINGERPRINT).read_text())
    (folder / FINGERPRINT).write_bytes(draw(broken_json(kept)))
    anew = draw(st.booleans())
    with refused():
        store.claim(whole, overwrite=anew)
        assert store.fingerprint["seed"] == 0


@cache
def _kept() -> tuple[dict[str, np.ndarray], Any]:
    """What is kept of people, and their run."""
    people = mpii()[2]
    store = Store(tempfile.mkdtemp())
    keep_people(store, people, MPII, None)
    with np.load(store.folder / PEOPLE) as file:
        return dict(file), example_results.run([])


@holds
def kept_people(folder: Path, draw: Any) -> None:
    """Scores by another metric are those of the people who are kept, or there are none."""
    arrays, run = _kept()
    people = mpii()[2]
    store = Store(folder / "store")
    store.add(CLEAN, Shard(people.index, {OWN: people.y}))
    if draw(st.booleans()):
        skeleton = draw(broken_json(json.loads(str(arrays["skeleton"])))).decode(errors="replace")
        np.savez(store.folder / PEOPLE, **{**arrays, "skeleton": np.array(skeleton)})
    else:
        (store.folder / PEOPLE).write_bytes(draw(broken_npz(arrays)))
    with refused():
        value = rescored(folder, run, "PCKh").clean.score.value
        assert value is None or 0 <= value <= 100
    with refused():
        _, scores = stored_scores(folder, run)
        assert not np.isinf(scores[CLEAN]).any()
