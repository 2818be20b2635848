"""The command, on six people with a tiny hourglass."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest

from hpe_art.data.corruptions import KINDS


@pytest.fixture
def run(call):
    """`run(config, ...)`: exit code, output and errors of the tool, in an empty folder."""
    return partial(call, "corruptions.py")


@pytest.mark.parametrize(
    "names",
    [("brightness",), pytest.param((*KINDS["noise"], "brightness"), marks=pytest.mark.slow)],
)
def test_scores_means_and_pictures(run, config, tmp_path, names):
    asked = ["--corruptions", *names, "--severities", "1", "5", "--out", "out"]
    code, out, err = run(config, *asked)
    assert code == 0, err
    assert "brightness" in out and "all: mPC, rPC" in out
    found = json.loads((tmp_path / "out/corruptions.json").read_text())
    assert [(cell["corruption"], cell["severity"]) for cell in found["cells"]] == [
        (name, severity) for name in names for severity in (1, 5)
    ]
    scores = {cell["corruption"]: [] for cell in found["cells"]}
    for cell in found["cells"]:
        scores[cell["corruption"]].append(cell["score"]["value"])
    means = {one["name"]: one for one in found["means"]}
    for name, values in scores.items():
        assert means[name]["score"]["value"] == pytest.approx(np.mean(values))
    mpc = np.mean([np.mean(values) for values in scores.values()])
    clean = found["clean"]["clean"]["score"]["value"]
    assert means["all"]["score"]["value"] == pytest.approx(mpc)
    assert means["all"]["relative"]["value"] == pytest.approx(100 * mpc / clean)
    low, high = means["all"]["score"]["interval"]
    assert low <= mpc <= high and low < high
    assert ("noise" in means) == ("noise: mean" in out) == (len(names) > 1)
    if "noise" in means:
        noise = [np.mean(scores[name]) for name in KINDS["noise"]]
        assert means["noise"]["score"]["value"] == pytest.approx(np.mean(noise))
    assert means["all"]["official"]["PCK"] == pytest.approx(mpc, abs=0.01)
    page = (tmp_path / "out/corruptions.md").read_text()
    assert "| brightness |" in page and "tools/corruptions.py" in page
    assert (tmp_path / "out/corruptions.png").stat().st_size > 10_000

    # What is there is not scored again, and says the same.
    assert run(config, *asked, "--quiet") == (0, "", "")
    again = json.loads((tmp_path / "out/corruptions.json").read_text())
    assert again["cells"] == found["cells"] and again["means"] == found["means"]
    # With another seed other noise is drawn: the folder is of the one before.
    code, _, err = run(config, *asked, "--seed", "1")
    assert code == 2 and "seed" in err and "--overwrite" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--corruptions", "rain"], "Expected corruptions out of gaussian_noise"),
        (["--severities", "6"], "invalid choice: 6"),
        (["no.pth"], "Got no.pth, which does not exist"),
        (["--cfg-options", "test_dataloader.dataset.pipeline=[]"], "with one LoadImage. Got 0"),
        (["--ann-file", "a.json"], "need --data-root"),
        (["--cfg-options", "test_dataloader=None"], "without test_dataloader.dataset"),
        (["--cfg-options", "test_dataloader=3"], "without test_dataloader.dataset"),
        (["--cfg-options", "test_evaluator=None"], "without test_evaluator"),
    ],
)
def test_bad_input(run, config, tmp_path, arguments, words):
    code, _, err = run(config, *arguments)
    assert code == 2
    last = err.strip().splitlines()[-1]
    assert last.startswith("corruptions.py: error: ") and words in last
    assert list(tmp_path.iterdir()) == []
