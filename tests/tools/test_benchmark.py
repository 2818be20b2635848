"""tools/benchmark.py, run as a user does, on networks and folders small enough for a test."""

import json
from pathlib import Path

import numpy as np
import pytest

from hpe_art.evaluation.benchmark import runs
from hpe_art.evaluation.benchmark.cases import SIZES
from hpe_art.reporting.performance import page


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
    missed = any(goal["reached"] is False for goal in document["goals"]["judged"])
    assert both.returncode == int(missed), both.stderr
    for batch_size in (2, 1):
        sizes = ["--parts", "sizes", "--networks", "hourglass.py", "--batch-sizes", batch_size]
        assert run_tool("benchmark.py", *common, *sizes, cwd=tmp_path).returncode == 0
    kept = json.loads((tmp_path / "results/benchmark/benchmark.json").read_text())["sizes"]
    assert [row["batch_size"] for row in kept["rows"]] == [1, 2] and len(kept["commands"]) == 2
    assert "Goals" in both.stdout and "wanted" in both.stdout
    text = (tmp_path / "page.md").read_text()
    assert text == page(document)
    assert ("Where a step goes" in text) == missed
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


def test_wrong_use_is_named(tmp_path, run_tool):
    run = run_tool("benchmark.py", "--networks", "none.py", cwd=tmp_path)
    assert run.returncode == 2 and "Expected --networks out of hourglass.py, mpii/" in run.stderr
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


def test_growth_is_that_of_the_tool(configs, tmp_path):
    script = Path(__file__).parents[2] / "tools" / "attack.py"
    tool = runs.Tool(script, configs / "hourglass.py", tmp_path, "cpu")
    grown = runs.growth_with_images(tool, sizes=(2, 5))
    assert grown["images"] == [2, 5] and len(grown["seconds"]) == 2
    assert all(peak > 100 for peak in grown["peak_mib"])
    with pytest.raises(RuntimeError, match="Expected tools/attack.py to succeed. Got"):
        tool.run("broken", "--eps", "-1")
