"""What became slower since the last record of such a machine."""

import json
from pathlib import Path

import pytest
from toys import hourglass, people

from benchmarks import quick, whole
from benchmarks.cases import Case
from benchmarks.performance import page
from hpe_art.estimators import PyTorchPoseEstimator


def ratio(low, median, high):
    return {"case": {"ours": {"low": low, "median": median, "high": high}}}


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (ratio(2.0, 2.5, 3.1), []),  # one round as fast as the slowest then
        (
            ratio(2.0, 2.5, 2.9),
            [
                "case: ours was 3.50 times as fast as ART (3.00 to 4.00), "
                "and is 2.50 (2.00 to 2.90)."
            ],
        ),
        (ratio(5.0, 6.0, 7.0), []),
        ({"other": {}}, []),
    ],
)
def test_slower_is_what_no_round_of_the_record_was(now, expected):
    assert quick.slower(now, ratio(3.0, 3.5, 4.0)) == expected


def test_a_kind_of_machine_has_a_file():
    path = quick.record_path("AMD EPYC (TM), 2 threads, avx2")
    assert path == quick.RECORDS / "amd_epyc_tm_2_threads_avx2.json"
    assert quick.read_record(path.with_name("none.json")) is None


def test_the_first_run_leaves_a_record_and_the_next_are_held_against_it(tmp_path, monkeypatch):
    x, y = people(2)
    case = Case("toy", 2, PyTorchPoseEstimator(hourglass(), device_type="cpu"), x, y)
    monkeypatch.setattr(quick, "RECORDS", tmp_path)
    monkeypatch.setattr(quick, "CASES", [("toy", 2)])
    monkeypatch.setattr(quick, "NAMES", ["art", "ours, fast"])
    monkeypatch.setattr(whole, "build_case", lambda *args: case)
    spec = whole.BenchmarkSpec(
        ["quick"], Path("configs"), 1, 1, None, [1], 4, "cpu", tmp_path / "out"
    )
    said = []
    first = whole.run_benchmark(spec, Path("attack.py"), said.append)["quick"]
    (path,) = tmp_path.glob("*.json")
    assert f"No record of this kind of machine yet: {path.name} is the first." in said
    record = json.loads(path.read_text())
    assert record["ratios"] == first["ratios"] and first["slower"] == []
    assert record.keys() == {"machine", "date", "versions", "ratios"}  # no folders of a machine
    assert path.stat().st_size < 10_000
    record["ratios"]["toy, batch 2"]["ours, fast"]["low"] = 1e6
    path.write_text(json.dumps(record))
    document = whole.run_benchmark(spec, Path("attack.py"), said.append)
    (line,) = document["quick"]["slower"]
    assert line in said and line in page(document)
    assert json.loads(path.read_text()) == record, "only a first run leaves one"
