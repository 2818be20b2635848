from __future__ import annotations

import logging
import multiprocessing
import re
import zipfile

import numpy as np
import pytest

from hpe_art.arrays import write_arrays
from hpe_art.errors import UserError
from hpe_art.evaluation.store import CLEAN, OWN, Shard, Store, StoreError, key_of

K = 4


def shard(*index: int, observers=(OWN,), **counts):
    rng = np.random.default_rng(index[0])
    poses = {name: rng.normal(size=(len(index), K, 3)).astype(np.float32) for name in observers}
    return Shard(np.array(index), poses, counts)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def test_predictions_come_back_in_the_order_asked_for(store):
    one, other = shard(0, 1, 2), shard(3, 4)
    store.add(CLEAN, other)
    store.add(CLEAN, one)
    poses = Store(store.folder).gathered(CLEAN, np.array([4, 0, 2]))
    np.testing.assert_array_equal(
        poses, [other.poses[OWN][1], one.poses[OWN][0], one.poses[OWN][2]]
    )


def test_missing_is_a_set_difference(store):
    store.add("fast", shard(0, 1))
    store.add("fast", shard(4, 5, observers=(OWN, "jpeg")))
    assert store.missing("fast", range(6)).tolist() == [2, 3]
    assert store.missing("fast", range(6), ["jpeg"]).tolist() == [0, 1, 2, 3]
    assert store.missing("slow", range(2)).tolist() == [0, 1]


def test_observers_that_are_added_later_stand_beside_the_first(store):
    first = shard(0, 1)
    later = Shard(np.array([0, 1]), {"jpeg": np.ones((2, K, 3), np.float32)}, {})
    store.add("fast", first)
    store.add("fast", later)
    index = np.array([0, 1])
    np.testing.assert_array_equal(store.gathered("fast", index), first.poses[OWN])
    np.testing.assert_array_equal(store.gathered("fast", index, "jpeg"), later.poses["jpeg"])
    assert store.missing("fast", range(2), ["jpeg"]).size == 0


def test_a_damaged_shard_is_named_and_its_people_are_missing(store, caplog):
    store.add("fast", shard(0, 1))
    store.add("fast", shard(2, 3))
    [path] = (store.folder / "fast").glob("000000-*")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert Store(store.folder).missing("fast", range(4)).tolist() == [0, 1]
    assert str(path) in caplog.text and "damaged" in caplog.text


def test_a_shard_cut_short_counts_as_missing(store):
    store.add("fast", shard(0, 1))
    [path] = (store.folder / "fast").glob("*.npz")
    path.write_bytes(path.read_bytes()[:100])
    assert Store(store.folder).missing("fast", range(2)).tolist() == [0, 1]


def test_a_shard_larger_than_any_is_missing_and_none_such_is_written(store, monkeypatch):
    store.add("fast", shard(0, 1))
    [path] = (store.folder / "fast").glob("*.npz")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as bomb:
        bomb.writestr("examples.npy", bytes(300_000_000))
    assert Store(store.folder).missing("fast", range(2)).tolist() == [0, 1]
    monkeypatch.setattr("hpe_art.arrays.LARGEST", 100)
    with pytest.raises(UserError, match="MB of arrays for .*: choose a smaller --batch-size, or"):
        store.add("fast", shard(0, 1))


def test_nothing_of_somebody_is_an_error_that_says_what_to_do(store):
    store.add("fast", shard(0))
    with pytest.raises(
        StoreError, match="Got nothing of person 7 and 0 more: run the same command"
    ):
        store.gathered("fast", np.array([0, 7]))


def test_no_half_written_file_is_left(store):
    store.add("fast", shard(0, 1))
    assert [path.suffix for path in (store.folder / "fast").iterdir()] == [".npz"]


def test_another_fingerprint_is_refused_with_what_differs(store):
    store.claim({"weights": "a", "seed": 0})
    store.add("fast", shard(0))
    store.claim({"weights": "a", "seed": 0})
    with pytest.raises(StoreError, match="with seed 0 instead of 1: choose another --work-dir"):
        store.claim({"weights": "a", "seed": 1})
    assert store.missing("fast", range(1)).size == 0
    store.claim({"weights": "a", "seed": 1}, overwrite=True)
    assert store.missing("fast", range(1)).tolist() == [0]


def test_observers_come_and_go_and_stay_what_they_were(store):
    store.claim({"seed": 0, "observers": {"one": "a"}})
    store.claim({"seed": 0, "observers": {"other": "b"}})
    store.claim({"seed": 0, "observers": {}})
    with pytest.raises(StoreError, match="with other weights of one: choose"):
        store.claim({"seed": 0, "observers": {"one": "c"}})


ANNOTATED = ["MpiiDataset", ["val.json", "a" * 16], ["val.mat", "b" * 16]]


@pytest.mark.parametrize(
    ("held", "wanted", "words"),
    [
        (
            {"people": ANNOTATED},
            {"people": [*ANNOTATED[:1], ["val.json", "c" * 16], ANNOTATED[2]]},
            "people of a file that changed since then, val.json: choose another --work-dir, or "
            "begin anew with --overwrite",
        ),
        (
            {"people": ANNOTATED},
            {"people": ["MpiiDataset", ["val.json", "c" * 16], ["val.mat", "d" * 16]]},
            "people of files that changed since then, val.json, val.mat: choose",
        ),
        (
            {"people": ANNOTATED},
            {"people": ["CocoDataset", ["people.json", "a" * 16]]},
            r"people of MpiiDataset \(val.json, val.mat\) instead of CocoDataset \(people.json\)",
        ),
        ({"model": "a" * 64}, {"model": "b" * 64}, "with another model or test pipeline in the"),
        ({"target": ["far", []]}, {"target": ["mirror", []]}, "target far instead of target mir"),
        (
            {"target": ["a" * 64, []]},
            {"target": ["b" * 64, []]},
            "with another file of target poses: choose",
        ),
        (
            {"target": ["a" * 64, ["Wrist"]]},
            {"target": ["far", []]},
            "poses of a file, joints Wrist instead of target far",
        ),
    ],
)
def test_what_has_changed_is_said_without_hashes(store, held, wanted, words):
    store.claim(held)
    with pytest.raises(StoreError, match=words) as refused:
        store.claim(wanted)
    assert not re.search("[a-f]{10}", str(refused.value))


def test_predictions_of_unknown_origin_are_refused(store):
    store.add("fast", shard(0))
    with pytest.raises(StoreError, match="seed None instead of 0"):
        store.claim({"seed": 0})
    store.claim({"seed": 0}, overwrite=True)
    assert store.missing("fast", range(1)).tolist() == [0]


def test_keys_are_readable_and_tell_all_settings_apart():
    one, other = key_of("IGSM-U 10", {"eps": 8.0}), key_of("IGSM-U 10", {"eps": 8.5})
    assert one.startswith("igsm-u-10-") and one != other
    assert one == key_of("IGSM-U 10", {"eps": 8.0})


def _hold(folder, held, done):
    with Store(folder).locked():
        held.set()
        done.wait(30)


def test_two_runs_in_one_folder_are_one_too_many(store):
    context = multiprocessing.get_context("spawn")
    held, done = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(store.folder, held, done))
    other.start()
    assert held.wait(60)
    with pytest.raises(StoreError, match=f"held by process {other.pid} on "), store.locked():
        pass
    done.set()
    other.join(30)
    with store.locked():
        pass


def test_the_lock_goes_with_a_killed_process(store):
    context = multiprocessing.get_context("spawn")
    held, done = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(store.folder, held, done))
    other.start()
    assert held.wait(60)
    other.kill()
    other.join(30)
    with store.locked():
        pass


@pytest.mark.parametrize(
    "changes",
    [
        {"index": np.array([[3], [4]])},
        {"index": np.array(["3", "4"])},
        {"poses/own": np.zeros((2, 16), np.float32)},
        {"poses/own": np.zeros((2, 16, 3), np.complex64)},
        {"details/eps": np.zeros(1)},
        {"counts": np.array("[]")},
    ],
)
def test_parts_of_a_shard_are_of_as_many_people(tmp_path, changes):
    store = Store(tmp_path)
    whole = {"index": np.array([3, 4]), "poses/own": np.zeros((2, 16, 3), np.float32)}
    whole |= {"counts": np.array("{}"), "details/eps": np.zeros(2)}
    write_arrays(tmp_path / "clean" / "a.npz", {**whole, **changes})
    assert store.missing("clean", [3, 4]).tolist() == [3, 4]
    write_arrays(tmp_path / "clean" / "b.npz", whole)
    assert not len(store.missing("clean", [3, 4]))


@pytest.mark.parametrize("content", [b"[]", b"\xff", b"[" * 100_000, b'{"observers": []}'])
def test_what_says_nothing_of_predictions_is_no_fingerprint(store, content):
    store.add(CLEAN, shard(0))
    (store.folder / "fingerprint.json").write_bytes(content)
    with pytest.raises(StoreError, match="Expected a folder of the same settings"):
        store.claim({"seed": 0})
    store.claim({"seed": 0}, overwrite=True)
    assert store.fingerprint["seed"] == 0
