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


def test_a_cell_is_found_only_if_it_was_made_of_the_same(tmp_path):
    store = CellStore(tmp_path)
    assert store.read(CELL, {"seed": 0}) is None
    store.write(CELL, {"seed": 0}, {"value": np.float32(1.5)})
    assert store.read(CELL, {"seed": 0})["value"] == 1.5
    assert store.read(CELL, {"seed": 1}) is None
    wider = Cell("net", "fgsm-u", (*CELL.settings, AttackSetting("fgsm", eps=4.0)), ((), ()))
    assert store.read(wider, {"seed": 0}) is None


def test_images_per_pass_change_nothing(tmp_path):
    store = CellStore(tmp_path)
    store.write(CELL, {}, {})
    other = Cell("net", "fgsm-u", (AttackSetting("fgsm", eps=8.0, batch_size=2),), ((),))
    assert store.read(other, {}) is not None


def test_a_broken_cell_counts_as_missing(tmp_path):
    store = CellStore(tmp_path)
    store.write(CELL, {}, {})
    store.path(CELL).write_text(store.path(CELL).read_text()[:40])
    assert store.read(CELL, {}) is None


def test_a_file_is_whole_or_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "file.json"
    write_whole(path, "old")

    def fail(*names):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, "new")
    assert path.read_text() == "old"
