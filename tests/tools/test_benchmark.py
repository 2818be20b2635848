"""tools/benchmark.py, run as a user does, on networks and folders small enough for a test."""

import json
from pathlib import Path

import numpy as np
import pytest

from hpe_art.evaluation.benchmark import runs
from hpe_art.evaluation.benchmark.cases import SIZES, build_case
from hpe_art.report.performance import page


@pytest.fixture(scope="module")
def configs(tmp_path_factory, config):
    """A folder in which every network is the toy one."""
    folder = tmp_path_factory.mktemp("configs")
    for file in SIZES.values():
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_text(config.read_text())
    return folder


def test_parts_are_kept_and_a_page_is_written(configs, tmp_path, run_tool):
    common = ["--configs", configs, "--repeats", 1, "--steps", 1, "--people", 4]
    first = run_tool("benchmark.py", *common, "--parts", "strength", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    both = run_tool(
        "benchmark.py", *common, "--markdown", "page.md", "--device", "cpu", cwd=tmp_path
    )
    document = json.loads((tmp_path / "results/benchmark/benchmark.json").read_text())
    assert {"goals", "strength"} <= document.keys()
    profiled = set(document["goals"]["profiles"])
    assert both.returncode == int(bool(profiled)), both.stderr
    for batch_size in (2, 1):
        sizes = ["--parts", "sizes", "--networks", "hourglass.py", "--batch-sizes", batch_size]
        assert run_tool("benchmark.py", *common, *sizes, cwd=tmp_path).returncode == 0
    kept = json.loads((tmp_path / "results/benchmark/benchmark.json").read_text())["sizes"]
    assert [row["batch_size"] for row in kept["rows"]] == [1, 2]
    assert len({row["command"] for row in kept["rows"]}) == 2
    assert "Goals" in both.stdout and "wanted" in both.stdout
    text = (tmp_path / "page.md").read_text()
    assert text == page(document)
    assert ("Where a step goes" in text) == bool(profiled)
    assert "## Goals" in text and "as strong?" in text and "## Growth" not in text
    for row in document["strength"]["rows"]:
        assert row["PCKh"].keys() == {"float32", "bfloat16", "auto"}
        assert all(len(by_eps) == len(row["eps"]) for by_eps in row["PCKh"].values())
        assert row["weaker"]["float32"] == {"points": 0, "low": 0, "high": 0}
        for name, by_eps in row["PCKh"].items():
            more = np.mean(by_eps) - np.mean(row["PCKh"]["float32"])
            weaker = row["weaker"][name]
            assert weaker["points"] == pytest.approx(-more if "-T" in row["attack"] else more)
            assert weaker["low"] <= weaker["points"] <= weaker["high"]


def test_peers_that_only_some_rows_have_get_a_column():
    row = {"case": "a", "size": [8, 8], "batch_size": 1, "command": "one"}
    numbers = {"forward": 1, "backward": 1, "rss": 5.0, "device": None}

    def timed(*names):
        by_name = dict.fromkeys(names, numbers)
        paces = dict(seconds={name: [1.0] for name in names}, pace=dict.fromkeys(names, 2.0))
        return {**row, **paces, "memory": by_name, "passes": by_name}

    about = {"command": "one", "date": "today", "machine": "this"}
    versions = {"torch": "2", "python": "3"}
    rows = [timed("art", "floor, fast"), {**timed("art", "foolbox"), "command": "other"}]
    text = page({"sizes": {"rows": rows, **about, "versions": versions}})
    assert "| network, pixels | batch | art | foolbox | floor, fast |" in text
    assert "| a, 8 | 1 | 2.0 | - | 2.0 (1.00; 1.00-1.00) |" in text
    assert "| a, 8 | 1 | 5 | 5 | - |" in text
    assert "Measured in several goes: `one`, `other`." in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--networks", "hourglass.py"], "Expected --parts sizes or strength with --networks. Got"),
        (["--parts", "sizes", "--networks", "dlcm.py"], "Expected --networks out of hourglass.py"),
        (
            ["--parts", "strength", "--networks", "mpii/hourglass.py"],
            "for --parts strength. Got mpii/hourglass.py.",
        ),
        (
            ["--parts", "sizes", "--networks", "hourglass.py", "none.py"],
            "Expected --networks out of hourglass.py, mpii/deeppose.py,",
        ),
    ],
)
def test_networks_that_no_part_has_are_named(arguments, message, tmp_path, run_tool):
    run = run_tool("benchmark.py", *arguments, cwd=tmp_path)
    assert run.returncode == 2 and message in run.stderr


def test_wrong_use_is_named(tmp_path, run_tool):
    run = run_tool("benchmark.py", "--configs", "nowhere", cwd=tmp_path)
    assert run.returncode == 2
    assert "Expected a config file. Got nowhere/hourglass.py, which does not exist." in run.stderr


def test_a_line_and_its_residuals():
    line = runs._line([1, 2, 3], [3.0, 5.0, 7.0])
    assert line["slope"] == pytest.approx(2) and line["start"] == pytest.approx(1)
    np.testing.assert_allclose(line["residuals"], 0, atol=1e-9)


def test_the_round_in_the_middle_is_reported(monkeypatch):
    rounds = iter([{"ratio": 1.5}, {"ratio": 1.0}, {"ratio": 1.1}])
    monkeypatch.setattr(runs, "_round", lambda tool, case, steps: next(rounds))
    found = runs.against_floor(None, None, repeats=3)
    assert found == {"ratio": 1.1, "ratios": [1.0, 1.1, 1.5]}


def test_whole_runs_are_compared_and_grown_and_told(configs, tmp_path):
    script = Path(__file__).parents[2] / "tools" / "attack.py"
    tool = runs.Tool(script, configs / "hourglass.py", tmp_path, "cpu")
    whole = runs.against_floor(tool, build_case("bundled hourglass", 4, configs, "cpu"), 1, steps=2)
    people = whole["images"]
    assert whole["backward_passes"] == 2 * people
    assert whole["forward_passes"] == 2 * people  # clean, and perturbed
    assert whole["ratio"] == whole["seconds"] / whole["floor_seconds"]
    phases = whole["phases"]
    assert {"load", "attack", "pictures"} < phases.keys()
    spent = sum(part["seconds"] for part in phases.values()) - phases["load"]["seconds"]
    assert whole["seconds"] == pytest.approx(spent)
    grown = {
        "images": runs.growth_with_images(tool, sizes=(2, 5)),
        "iterations": runs.growth_with_iterations(tool, iterations=(1, 2)),
    }
    assert grown["images"]["images"] == [2, 5] and grown["iterations"]["iterations"] == [1, 2]
    assert all(peak > 100 for peak in grown["images"]["peak_mib"])
    about = {"command": "a", "date": "b", "machine": "c", "versions": {"torch": 2, "python": 3}}
    text = page({"runs": {**whole, **about}, "growth": {**grown, **about}})
    assert f"on {people} people, {2 * people} forward and {2 * people} backward passes" in text
    assert "| pictures |" in text and "Peak memory for 5 images is" in text
    with pytest.raises(RuntimeError, match="Expected tools/attack.py to succeed. Got"):
        tool.run("broken", "--eps", "-1")
