from dataclasses import asdict

import numpy as np
import pytest

from hpe_art.attacks import AttackSetting
from hpe_art.evaluation.study.cells import CellStore, read_hits, write_whole, written_hits
from hpe_art.evaluation.study.plan import Cell

CELL = Cell("net", "fgsm-u", (AttackSetting("fgsm", eps=8.0),), ((),))


def test_hits_there_and_back():
    hits = np.random.default_rng(0).choice([0.0, 1.0, np.nan], (5, 16))
    words = written_hits(hits)
    assert all(len(word) == 16 for word in words)
    np.testing.assert_array_equal(read_hits(words), hits)


def content(cell, forward=10, mark="first"):
    """What running a cell leaves, as far as the store looks at it."""
    kind = "transfer_to"

    def shown(names):
        return [{"kind": kind, "name": name, "hits": mark} for name in names]

    records = [
        {
            "entry": asdict(s)
            | s.effort
            | {"norm": "inf", "mark": mark, kind: dict.fromkeys(names, mark)},
            "shown": shown(names),
            "alone": {"poses": dict.fromkeys(("net", *names), mark)},
        }
        for s, names in zip(cell.settings, cell.shown, strict=False)
    ]
    passes = {"forward": forward, "backward": 1, "elsewhere": dict.fromkeys(cell.shown[0], 2)}
    held = {"attacks": records} if records else {"hits": mark, "onlookers": shown(cell.shown[0])}
    return {"passes": passes, "seconds": 1.0, "found_with": [mark], **held}


def test_a_cell_is_found_only_if_it_was_made_of_the_same(tmp_path):
    store = CellStore(tmp_path)
    assert store.lacking(CELL, {"seed": 0}) == CELL
    store.add(CELL, {"seed": 0}, content(CELL))
    assert store.lacking(CELL, {"seed": 0}) is None
    assert store.lacking(CELL, {"seed": 1}) == CELL
    store.add(CELL, {"seed": 1}, content(CELL, mark="second"))
    assert store.read(CELL, {"seed": 1})["attacks"][0]["entry"]["mark"] == "second"
    assert store.read(CELL, {"seed": 0}) is None


def test_a_cell_grows_and_keeps_what_it_had(tmp_path):
    store = CellStore(tmp_path)
    ten, hundred = (AttackSetting("igsm", max_iter=n) for n in (10, 100))
    short = Cell("net", "igsm-u_eps8", (ten,), (("a",),))
    store.add(short, {}, content(short))
    wider = Cell("net", "igsm-u_eps8", (ten, hundred), (("a", "b"), ()))
    lacking = store.lacking(wider, {})
    assert lacking == Cell("net", "igsm-u_eps8", (ten, hundred), (("b",), ()))
    store.add(lacking, {}, content(lacking, 5, "second"))
    held = store.read(wider, {})
    first, second = held["attacks"]
    assert first["entry"]["mark"] == "first" and second["entry"]["mark"] == "second"
    assert [(one["name"], one["hits"]) for one in first["shown"]] == [
        ("a", "first"),
        ("b", "second"),
    ]
    assert first["entry"]["transfer_to"] == {"a": "first", "b": "second"}
    assert first["alone"]["poses"] == {"net": "first", "a": "first", "b": "second"}
    assert held["passes"] == {"forward": 15, "backward": 2, "elsewhere": {"a": 2, "b": 2}}
    assert held["found_with"] == ["first", "second"]
    # What asks for less finds it there, and loses nothing.
    assert store.lacking(short, {}) is None and store.lacking(wider, {}) is None
    by_default = Cell("net", "igsm-u_eps8", (AttackSetting("igsm"),), ((),))
    assert store.lacking(by_default, {}) is None, "ten steps, asked for or not"


def test_clean_images_are_shown_to_newcomers_alone(tmp_path):
    store = CellStore(tmp_path)
    old, new = (Cell("net", "clean", shown=(names,)) for names in (("a",), ("a", "b")))
    store.add(old, {}, content(old))
    lacking = store.lacking(new, {})
    assert lacking.shown == (("b",),)
    store.add(lacking, {}, content(lacking, mark="second"))
    held = store.read(new, {})
    assert held["hits"] == "first"
    assert [(one["name"], one["hits"]) for one in held["onlookers"]] == [
        ("a", "first"),
        ("b", "second"),
    ]


def test_all_cells_of_a_network_planned_or_not(tmp_path):
    store = CellStore(tmp_path)
    store.add(CELL, {"seed": 0, "precision": "auto"}, content(CELL))
    assert list(store.all("net", {"seed": 0})) == ["fgsm-u"]
    assert store.all("net", {"seed": 1}) == {} and store.all("other", {"seed": 0}) == {}


def test_images_per_pass_change_nothing(tmp_path):
    store = CellStore(tmp_path)
    store.add(CELL, {}, content(CELL))
    other = Cell("net", "fgsm-u", (AttackSetting("fgsm", eps=8.0, batch_size=2),), ((),))
    assert store.lacking(other, {}) is None


def test_a_broken_cell_counts_as_missing(tmp_path):
    store = CellStore(tmp_path)
    store.add(CELL, {}, content(CELL))
    store.path(CELL).write_text(store.path(CELL).read_text()[:40])
    assert store.lacking(CELL, {}) == CELL


def test_a_file_is_whole_or_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "file.json"
    write_whole(path, "old")

    def fail(*names):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, "new")
    assert path.read_text() == "old"
