"""The study as a command."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from hpe_art.evaluation.result_files import read_results
from hpe_art.studies.jain2019 import grid as study_grid


@pytest.fixture(scope="module")
def networks(tmp_path_factory, write_config, write_weights, write_people):
    """A tiny network over a folder whose training people have head boxes, and one untrained."""
    folder = tmp_path_factory.mktemp("networks")
    people = write_people(folder / "people")
    boxes = people / "annotations"
    shutil.copy(boxes / "mpii_gt_val.mat", boxes / "mpii_gt_train.mat")
    configs = folder / "configs"
    configs.mkdir()
    config = write_config(configs / "flat.py", people, 1)
    weights = write_weights(folder / "flat.pth", config)
    write_config(config, people, 1, load_from=str(weights))
    write_config(configs / "untrained.py", people)
    return configs


@pytest.fixture(scope="module")
def run_study(networks, load_tool):
    """`run_study(out, *flags)`: the exit code, of a grid with few steps."""

    def run(out, *flags):
        people = networks.parent / "people"
        command = ["study.py", "--configs", networks, "--out", out, "--data-root", people]
        command += ["--device", "cpu", "--precision", "float32", *flags]
        few = replace(study_grid.QUICK, universal_eps=(8.0,), untargeted_curve=(1, 3))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(study_grid, "QUICK", few)
            patch.setattr(study_grid, "Grid", lambda: replace(few, eps=(8.0,), fits=True))
            patch.setattr(sys, "argv", list(map(str, command)))
            try:
                return load_tool("study.py").main()
            except SystemExit as stop:
                return stop.code

    return run


@pytest.fixture(scope="module")
def done(run_study, tmp_path_factory):
    out = tmp_path_factory.mktemp("study") / "study"
    assert run_study(out, "--epochs", 1) == 0
    return out


def test_what_it_leaves(done, run_study, capsys):
    found = read_results(done)
    assert list(found.runs) == ["flat"] and set(found.study.left_out) == {"untrained"}
    run = found.runs["flat"]
    assert run.arguments["epochs"] == 1 and run.notes == []
    assert {attack.name for attack in run.attacks} >= {"NOISE", "IGSM-U-3", "UAP-U"}
    assert (done / "flat/training/results.json").is_file(), "training people are scored too"
    # Again, and everything is there.
    assert run_study(done, "--epochs", 1, "--plan") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Left out: untrained" in said and ", 0 to do" in said
    assert run_study(done, "--epochs", 1, "--json") == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["study"] == json.loads((done / "results.json").read_text())["study"]
    assert "Left out: untrained" in said.err


def test_the_quick_one_fits_nothing(run_study, tmp_path, capsys):
    assert run_study(tmp_path / "study", "--quick", "--only", "noise", "--eps", 2) == 0
    found = read_results(tmp_path / "study")
    assert [(a.name, a.eps) for a in found.runs["flat"].attacks] == [("NOISE", 2.0)]
    assert found.study.notes == [] and "findings" in capsys.readouterr().out


def test_its_report_and_its_page_of_tables(done, tmp_path, load_tool, monkeypatch):
    asked = ["-o", "report.html", "--figures", "docs/figures", "--markdown", "docs/study.md"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["report.py", str(done), *asked])
    assert load_tool("report.py").main() == 0
    page = Path("docs/study.md").read_text()
    links = re.findall(r"!\[.*\]\((.*)\)", page)
    assert {"figures/curves.png", "figures/universal.png"} <= set(links)
    assert all((Path("docs") / link).is_file() for link in links)
    assert "Jain et al. 2019" in page


def test_another_metric_without_running_again(done, tmp_path, load_tool, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked = ["-o", "report.html", "--markdown", "page.md", "--metric", "EPE"]
    monkeypatch.setattr("sys.argv", ["report.py", str(done), *asked])
    assert load_tool("report.py").main() == 0
    page = Path("page.md").read_text()
    assert "EPE in pixels" in page and "Findings" not in page


@pytest.mark.slow
def test_two_processes_find_the_same(run_study, networks, tmp_path):
    flags = ("--only", "noise", "fgsm", "universal", "--eps", 8, "--epochs", 1, "--batch-size", 2)
    assert run_study(tmp_path / "one", *flags) == 0
    people = networks.parent / "people"
    given = ["--configs", networks, "--data-root", people, "--out", tmp_path / "two", *flags]
    given += ["--device", "cpu", "--precision", "float32"]
    script = Path(__file__).parents[2] / "tools" / "dist_study.sh"
    environment = {**os.environ, "PORT": "29731", "OMP_NUM_THREADS": "1"}
    path = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    command = ["bash", script, "2", *given]
    subprocess.run(list(map(str, command)), check=True, env={**environment, "PATH": path})
    found = {
        name: {(a.name, a.eps): a for a in read_results(tmp_path / name).runs["flat"].attacks}
        for name in ("one", "two")
    }
    # The first was asked for a shorter grid.
    assert all(found["two"][which].score == a.score for which, a in found["one"].items())


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--configs", "nowhere"], "Got nowhere"),
        (["--only", "magic"], "Expected parts out of noise, fgsm"),
        (["--seed", "7"], "seed 0 instead of 7"),
        (["--num-samples", "70"], "Expected 1 to 6 people"),
        (["--quick", "--fit-samples", "3"], "--quick fits nothing"),
        (["--quick", "--fit-ann-file", "f.json"], "--quick fits nothing"),
        (["--only", "noise", "--epochs", "3"], "Expected --epochs and --fit-samples with"),
        (["--only", "universal", "iterations", "--eps", "4"], "Expected --eps with noise, fgsm"),
        (["--data-root", "nowhere"], "Expected a folder for --data-root"),
        (["--launcher", "pytorch"], "Expected a process that torchrun"),
    ],
)
def test_bad_input(done, run_study, capsys, flags, words):
    assert run_study(done, *flags) == 2
    assert words in " ".join(capsys.readouterr().err.split())
