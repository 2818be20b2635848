"""`hpe-art art-attacks`: one attack of ART's through the loop, and its row."""

import json
from dataclasses import replace

import numpy as np
import pytest

from hpe_art.attacks.art import recipes
from hpe_art.commands.art_attacks import main
from hpe_art.evaluation.result_files import read_results
from hpe_art.evaluation.store import CLEAN, Store

NAME = "FastGradientMethod"


@pytest.fixture
def row(config, tmp_path, monkeypatch, capsys):
    """`row()` runs the attack on two people, and gives its row."""
    monkeypatch.chdir(tmp_path)

    def run():
        assert main(["--one", NAME, "--config", str(config), "--num-samples", "2"]) == 0
        return json.loads(capsys.readouterr().out.splitlines()[-1])

    return run


def test_the_row_is_that_of_the_results_and_the_store(row, tmp_path):
    found, folder = row(), tmp_path / "results" / "art_attacks" / NAME
    (run,) = read_results(folder).runs.values()
    (attack,) = run.attacks
    assert found["before"] == run.clean.score.value and found["after"] == attack.score.value
    assert found["linf"] == pytest.approx(8.0) and found["eps"] == 8.0
    store, index = Store(folder / "store"), np.arange(2)
    moved = store.gathered(attack.folder, index) - store.gathered(CLEAN, index)
    assert found["moved"] == pytest.approx(np.linalg.norm(moved[..., :2], axis=-1).mean())


def test_what_art_raises_is_the_result(row, monkeypatch):
    broken = replace(recipes.RECIPES[NAME], generate=lambda target, x, y: 1 / 0)
    monkeypatch.setitem(recipes.RECIPES, NAME, broken)
    found = row()
    assert found["error"] == "ZeroDivisionError: division by zero" and "after" not in found


def test_an_attack_that_there_is_not_is_refused_before_any_runs(config, tmp_path, capsys):
    page = tmp_path / "page.md"
    assert main(["--only", "Nothing", "--out", str(page), "--config", str(config)]) == 2
    assert "Expected a recipe out of FastGradientMethod," in capsys.readouterr().err
    assert not page.exists()
