from __future__ import annotations

import copy
import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from hpe_art.evaluation.results import (
    attack_entry,
    attack_name,
    clean_entry,
    package_versions,
    read_results,
    schema,
    write_results,
)
from hpe_art.mpii import GROUPS, JOINTS


@pytest.fixture
def results():
    rng = np.random.default_rng(0)
    hits = rng.integers(0, 2, (5, 16)).astype(float)
    hits[:, GROUPS["Ankle"]] = np.nan
    entry = attack_entry(
        attack="igsm",
        eps=np.float32(8),
        eps_step=1.0,
        max_iter=np.int64(20),
        targeted=True,
        norm=np.inf,
        outputs="all",
        hits=hits * 0.5,
        clean_hits=hits,
        target_hits=1 - hits,
        seed=3,
        linf_max=np.float32(8),
        forward_passes=100,
        backward_passes=100,
        seconds=1.5,
    )
    return {
        "schema_version": 1,
        "config": "mmpose_configs/hourglass.py",
        "checkpoint": {"path": Path("w.pth"), "sha256": "0" * 64},
        "dataset": {"ann_file": "annotations/mpii_val.json", "num_samples": 5},
        "versions": package_versions(),
        "seed": 0,
        "device": "cpu",
        "precision": "float32",
        "clean": clean_entry(hits, hits, seed=3),
        "attacks": [entry],
        "arguments": {"eps": [8.0], "flip_test": False},
        "targets": {"rule": "PCKh 0", "seed": 0, "fallbacks": 0, "donors": np.arange(5)},
        "notes": [],
        "started": "2025-01-01T00:00:00+00:00",
        "seconds": 3.0,
    }


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("noise", False, None, "last"), "NOISE"),
        (("noise", True, 10, "all"), "NOISE"),
        (("fgsm", False, 1, "last"), "FGSM-U"),
        (("fgsm", True, None, "last"), "FGSM-T"),
        (("igsm", False, 10, "last"), "IGSM-U-10"),
        (("igsm", True, 20, "last"), "IGSM-T-20"),
        (("igsm", True, 20, "all"), "IGSM-T-20-ALL"),
        (("fgsm", False, 1, "all"), "FGSM-U-ALL"),
    ],
)
def test_names(arguments, name):
    assert attack_name(*arguments) == name


def test_names_refuse_what_they_cannot_say():
    with pytest.raises(ValueError, match=r"Expected outputs .* Got 'first'"):
        attack_name("fgsm", False, 1, "first")
    with pytest.raises(ValueError, match="number of steps of igsm"):
        attack_name("igsm", False, None, "last")


def test_round_trip(results, tmp_path):
    path = tmp_path / "new" / "results.json"
    write_results(path, results)
    back = read_results(path)
    assert back["attacks"][0]["name"] == "IGSM-T-20-ALL"
    assert back["attacks"][0]["norm"] == "inf"
    assert back["attacks"][0]["max_iter"] == 20
    assert back["attacks"][0]["relative_PCKh"] == pytest.approx(50)
    assert back["attacks"][0]["relative_per_group"]["Hip"] == pytest.approx(50)
    assert back["attacks"][0]["relative_per_joint"]["left_ankle"] is None
    assert back["attacks"][0]["ci"]["relative_PCKh"] == pytest.approx([50, 50])
    assert back["clean"]["ci"]["seed"] == 3
    assert back["clean"]["PCKh"] == results["clean"]["PCKh"]
    assert back["clean"]["per_group"]["Ankle"] is None
    assert back["checkpoint"]["path"] == "w.pth"
    assert back["targets"]["donors"] == [0, 1, 2, 3, 4]
    assert [file.name for file in path.parent.iterdir()] == ["results.json"]


def test_the_schema_is_valid_and_has_our_joints_and_groups():
    jsonschema.Draft202012Validator.check_schema(schema())
    definitions = schema()["$defs"]
    for name, keys in (("per_joint", JOINTS), ("per_group", GROUPS)):
        assert list(definitions[name]["properties"]) == list(keys)
        assert definitions[name]["required"] == list(keys)


def test_a_reserved_key_is_let_through(results, tmp_path):
    results["curve"] = results["attacks"][0]["curve"] = {"anything": 1}
    write_results(tmp_path / "r.json", results)


def drop_device(results):
    del results["device"]


def misspell(results):
    results["attacks"][0]["target_pckh"] = 3.0


def too_high(results):
    results["clean"]["per_group"]["Hip"] = 101.0


def drop_joint(results):
    del results["attacks"][0]["per_joint"]["pelvis"]


def nan(results):
    results["attacks"][0]["PCKh"] = np.float32("nan")


def infinite(results):
    results["arguments"]["eps"] = [1.0, np.inf]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (drop_device, "do not fit the schema at .*'device' is a required property"),
        (misspell, r"\$\.attacks\[0\].*'target_pckh' was unexpected"),
        (too_high, r"\$\.clean\.per_group\.Hip: 101.0 is greater than the maximum"),
        (drop_joint, r"\$\.attacks\[0\]\.per_joint: 'pelvis' is a required"),
        (nan, r"Expected a finite number at \$\.attacks\[0\]\.PCKh. Got nan"),
        (infinite, r"Expected a finite number at \$\.arguments\.eps\[1\]. Got inf"),
    ],
)
def test_bad_results_are_not_written(results, tmp_path, spoil, message):
    path = tmp_path / "results.json"
    write_results(path, results)
    before = path.read_text()
    spoiled = copy.deepcopy(results)
    spoil(spoiled)
    with pytest.raises(ValueError, match=message):
        write_results(path, spoiled)
    assert path.read_text() == before
    assert [file.name for file in tmp_path.iterdir()] == ["results.json"]


def test_a_failed_write_leaves_the_old_file(results, tmp_path, monkeypatch):
    path = tmp_path / "results.json"
    write_results(path, results)
    before = path.read_text()

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("hpe_art.evaluation.results.os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_results(path, {**results, "seed": 7})
    assert path.read_text() == before
    assert [file.name for file in tmp_path.iterdir()] == ["results.json"]


def test_reading_refuses_other_versions_and_broken_files(results, tmp_path):
    path = tmp_path / "results.json"
    write_results(path, results)
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "schema_version": 2}))
    with pytest.raises(ValueError, match=r"results.json: expected schema_version 1. Got 2"):
        read_results(path)
    path.write_text(json.dumps([document]))
    with pytest.raises(ValueError, match=r"expected schema_version 1. Got None"):
        read_results(path)
    path.write_text(json.dumps({**document, "seconds": float("nan")}))
    with pytest.raises(ValueError, match=r"Expected JSON in .*NaN is not a number"):
        read_results(path)
    path.write_text("{")
    with pytest.raises(ValueError, match=r"Expected JSON in .*results.json"):
        read_results(path)
