"""The command, on six people with a tiny hourglass."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest

ASKED = ["--sigma", "20", "--copies", "14", "--eps", "2", "4000", "--max-iter", "3"]
ASKED += ["--gradient-copies", "2", "--out", "out", "--device", "cpu"]


@pytest.fixture
def run(call):
    """`run(config, ...)`: exit code, output and errors of the tool, in an empty folder."""
    return partial(call, "certify.py")


@pytest.fixture
def passes(monkeypatch):
    """How many images went through `noisy_poses`."""
    from hpe_art.evaluation import certificates

    counted, own = [], certificates.noisy_poses

    def count(*arguments):
        counted.append(arguments)
        return own(*arguments)

    monkeypatch.setattr(certificates, "noisy_poses", count)
    return counted


def test_certifies_beside_an_attack_and_goes_on(run, config, tmp_path, passes):
    code, out, err = run(config, *ASKED)
    assert code == 0, err
    assert "certified" in out and "14 copies" in out and len(passes) == 3 * 6
    found = json.loads((tmp_path / "out/certificates.json").read_text())
    certified = np.array(found["certified_eps"], float)
    counts = ~np.isnan(certified)
    assert found["people"] == list(range(6)) and certified.shape == (6, 16)
    assert not counts[:, [6, 7]].any(), "pelvis and thorax are not scored"
    assert not counts[1, 0] and not counts[3, 9] and counts.sum() == 6 * 14 - 3
    assert 0 < certified[counts].max() <= found["largest"] < 20
    assert found["certified"]["value"] == pytest.approx(100 * (certified[counts] > 0).mean())
    near, far = found["rows"]
    assert (near["eps"], far["eps"]) == (2, 4000)
    assert near["certified"]["value"] == pytest.approx(100 * (certified[counts] > 2).mean())
    assert 0 < near["certified"]["value"] <= near["smoothed"]["value"]
    assert near["broken"] == far["broken"] == far["certified"]["value"] == 0
    assert far["smoothed"]["value"] < found["smoothed"]["value"]
    assert far["network"]["value"] < found["clean"]["value"]
    # The network's own numbers are those of an attack without noise.
    own = found["network"]
    assert own["clean"]["score"]["value"] == pytest.approx(found["clean"]["value"])
    scores = [one["score"]["value"] for one in own["attacks"]]
    assert scores == pytest.approx([near["network"]["value"], far["network"]["value"]])
    low, high = found["clean"]["interval"]
    assert low < found["clean"]["value"] < high
    page = (tmp_path / "out/certificates.md").read_text()
    assert "| l2 eps | smoothed, certified |" in page and "tools/certify.py" in page
    assert (tmp_path / "out/certificates.png").stat().st_size > 10_000

    # Another confidence needs no pass, another eps one attack, other noise another folder.
    more = [*ASKED, "--confidence", "0.99", "--eps", "2"]
    code, out, err = run(config, *more, "--json")
    assert code == 0 and len(passes) == 3 * 6, err
    assert json.loads(out) == json.loads((tmp_path / "out/certificates.json").read_text())
    assert "smoothed" in err
    surer = json.loads((tmp_path / "out/certificates.json").read_text())
    assert surer["largest"] > found["largest"] and len(surer["rows"]) == 1
    assert surer["rows"][0]["smoothed"] == near["smoothed"]
    code, _, err = run(config, *ASKED, "--sigma", "10")
    assert code == 2 and "sigma 20.0 instead of 10.0" in err and "--overwrite" in err


def test_without_an_attack_and_by_another_metric(run, config, tmp_path):
    code, out, err = run(config, *ASKED[:4], "--eps", "--metric", "PCK", "--num-samples", "3")
    assert code == 0, err
    folder = tmp_path / "results/certificates/tiny"
    found = json.loads((folder / "certificates.json").read_text())
    assert found["rows"] == [] and len(found["certified_eps"]) == 3
    assert found["clean"]["interval"] is None, "of three people"
    assert "PCK@" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--sigma", "0"], "expected a finite number > 0, got 0"),
        (["--copies", "5"], "at least 12 copies of each image for a confidence of 0.999. Got 5"),
        (["--confidence", "99.9"], "a confidence between 0 and 1, such as 0.999. Got 99.9"),
        (["--eps", "-1"], "expected a finite number > 0, got -1"),
        (["no.pth"], "Got no.pth, which does not exist"),
        (["--metric", "rain"], "rain"),
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
    assert last.startswith("certify.py: error: ") and words in last
    assert list(tmp_path.iterdir()) == []
