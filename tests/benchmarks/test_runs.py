"""Whole runs of the attack tool, on a network and folders small enough for a test."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import runs
from benchmarks.cases import SIZES, build_case
from benchmarks.performance import page

SCRIPT = Path(__file__).parents[2] / "tools" / "attack.py"


@pytest.fixture(scope="module")
def configs(tmp_path_factory, config):
    """A folder in which every network is the toy one."""
    folder = tmp_path_factory.mktemp("configs")
    for file in SIZES.values():
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_text(config.read_text())
    return folder


def test_a_line_and_its_residuals():
    line = runs._line([1, 2, 3], [3.0, 5.0, 7.0])
    assert line["slope"] == pytest.approx(2) and line["start"] == pytest.approx(1)
    np.testing.assert_allclose(line["residuals"], 0, atol=1e-9)


def test_the_round_in_the_middle_is_reported(monkeypatch):
    rounds = iter([{"ratio": 1.5}, {"ratio": 1.0}, {"ratio": 1.1}])
    monkeypatch.setattr(runs, "_round", lambda tool, case, steps: next(rounds))
    found = runs.against_floor(None, None, repeats=3)
    assert found == {"ratio": 1.1, "ratios": [1.0, 1.1, 1.5]}


@pytest.mark.slow
def test_whole_runs_are_compared_and_grown_and_told(configs, tmp_path):
    tool = runs.Tool(SCRIPT, configs / "hourglass.py", tmp_path, "cpu")
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


def test_a_run_that_fails_is_named(configs, tmp_path):
    tool = runs.Tool(SCRIPT, configs / "hourglass.py", tmp_path, "cpu")
    with pytest.raises(RuntimeError, match="Expected tools/attack.py to succeed. Got"):
        tool.run("broken", "--eps", "-1")
