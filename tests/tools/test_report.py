"""The report as a command: of two results, and of robustness cards."""

from __future__ import annotations

from pathlib import Path

import pytest
from example_results import attack, run

from hpe_art.evaluation.result_files import write_results
from hpe_art.evaluation.results import Results

CARDS = Path(__file__).parents[2] / "model_cards"


@pytest.fixture
def report(load_tool, tmp_path, monkeypatch):
    """`report(*arguments)`: the exit code, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments):
        monkeypatch.setattr("sys.argv", ["report.py", *map(str, arguments)])
        try:
            return load_tool("report.py").main()
        except SystemExit as stop:
            return stop.code

    return command


def test_two_results_are_compared(report, tmp_path):
    for name in ("before", "after"):
        one = run([attack("FGSM-U", 8.0, 50.0)])
        write_results(tmp_path / name / "results.json", Results(runs={"net": one}))
    assert report("before", "after", "-o", "compared.html") == 0
    page = Path("compared.html").read_text()
    assert "<h3>net (before) → net (after)</h3>" in page
    assert "The scores of each person are not beside both results" in page


def test_all_cards_are_one_page(report):
    assert report("--cards", CARDS, "-o", "cards.html") == 0
    page = Path("cards.html").read_text()
    assert all(f">{path.stem}</a>" in page for path in CARDS.glob("*.json"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "expected results, or --cards without any"),
        (["study", "--cards"], "expected results, or --cards without any"),
        (["--cards", CARDS, "--figures", "figures"], "expected --cards without --figures"),
        (["--cards", "."], "Expected a folder of robustness cards for --cards. Got .: none."),
    ],
    ids=["nothing", "both", "figures", "no card"],
)
def test_what_cannot_be_reported_is_said(report, capsys, arguments, message):
    assert report(*arguments) == 2
    assert message in capsys.readouterr().err
    assert not Path("report.html").exists()


def test_a_config_of_a_metric_may_raise_anything(report, capsys, tmp_path):
    write_results("results.json", Results(runs={"net": run([attack("FGSM-U", 8.0, 50.0)])}))
    Path("raises.py").write_text("raise RuntimeError('now')")
    assert report("results.json", "--metric", "PCKh", "--config", "raises.py") == 2
    said = capsys.readouterr().err
    assert "Expected raises.py to be a config file. Got RuntimeError: now." in said
