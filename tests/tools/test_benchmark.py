"""tools/benchmark.py, run as a user does, on networks and folders small enough for a test."""

import json

import numpy as np
import pytest

from benchmarks.cases import SIZES
from benchmarks.command import main
from benchmarks.performance import page
from hpe_art.estimators.gradient_copy import PRECISIONS


@pytest.fixture(scope="module")
def configs(tmp_path_factory, config):
    """A folder in which every network is the toy one."""
    folder = tmp_path_factory.mktemp("configs")
    for file in SIZES.values():
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_text(config.read_text())
    return folder


@pytest.mark.slow
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
        assert row["metric"] == "PCKh@0.5"
        assert row["score"].keys() == set(PRECISIONS)
        assert all(len(by_eps) == len(row["eps"]) for by_eps in row["score"].values())
        assert row["weaker"]["float32"] == {"points": 0, "low": 0, "high": 0}
        for name, by_eps in row["score"].items():
            more = np.mean(by_eps) - np.mean(row["score"]["float32"])
            weaker = row["weaker"][name]
            assert weaker["points"] == pytest.approx(-more if "-T" in row["attack"] else more)
            assert weaker["low"] <= weaker["points"] <= weaker["high"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--networks", "hourglass.py"],
            "Expected --parts sizes, strength or rivals with --networks. Got",
        ),
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
def test_networks_that_no_part_has_are_named(arguments, message, tmp_path, capsys):
    assert main([*arguments, "--out", str(tmp_path)]) == 2
    assert message in capsys.readouterr().err


def test_wrong_use_is_named(capsys):
    assert main(["--configs", "nowhere"]) == 2
    error = capsys.readouterr().err
    assert "Expected a config file. Got nowhere/hourglass.py, which does not exist." in error
