"""The study as a command: what it leaves, that it goes on, and that the plan was right."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "study.py"
# Few steps, by changing the grid in the process.
SHORT = """
import runpy, sys, os, signal
from dataclasses import replace
import hpe_art.evaluation.study.prepared as prepared
from hpe_art.evaluation.study.cells import CellStore
few = dict(untargeted_curve=(1, 3), targeted_curve=(2, 4), universal_eps=(8.0,), all_targeted=True)
prepared.QUICK = replace(prepared.QUICK, **few)
prepared.Grid = lambda: replace(prepared.QUICK, eps=(4.0, 8.0))
stop, when = int(sys.argv.pop(1)), sys.argv.pop(1)
write, count = CellStore.add, 0
def counted(self, *args):
    global count
    count += 1
    if count == stop and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    write(self, *args)
    if count == stop:
        os.kill(os.getpid(), signal.SIGKILL)
CellStore.add = counted
sys.argv[0] = sys.argv[1]
del sys.argv[1]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="module")
def networks(tmp_path_factory, write_config, write_weights, write_people):
    """Two tiny hourglasses over one folder, whose training people have head boxes."""
    folder = tmp_path_factory.mktemp("networks")
    people = write_people(folder / "people")
    boxes = people / "annotations"
    shutil.copy(boxes / "mpii_gt_val.mat", boxes / "mpii_gt_train.mat")
    configs = folder / "configs"
    configs.mkdir()
    for name, stacks in (("deep", 2), ("flat", 1)):
        config = write_config(configs / f"{name}.py", people, stacks)
        weights = write_weights(folder / f"{name}.pth", config)
        write_config(config, people, stacks, load_from=str(weights))
    write_config(configs / "untrained.py", people)
    return configs


def study(networks, out, *flags, stop=0, when="after"):
    data = networks.parent / "people"
    command = [sys.executable, "-W", "ignore", "-c", SHORT, str(stop), when, str(TOOL)]
    command += ["--configs", str(networks), "--out", str(out), "--data-root", str(data)]
    command += [] if "--only" in flags else ["--epochs", "1"]
    command += ["--device", "cpu", *map(str, flags)]
    return subprocess.run(command, capture_output=True, text=True, cwd=TOOL.parents[1])


@pytest.fixture(scope="module")
def whole(networks, tmp_path_factory):
    """An uninterrupted study."""
    out = tmp_path_factory.mktemp("whole") / "study"
    done = study(networks, out)
    assert done.returncode == 0, done.stderr
    return out, done


def results(out):
    return json.loads((out / "results.json").read_text())


def without_clock(value):
    if isinstance(value, dict):
        return {k: without_clock(v) for k, v in value.items() if k not in ("seconds", "arguments")}
    return [without_clock(v) for v in value] if isinstance(value, list) else value


def test_what_a_study_leaves(whole, networks):
    out, done = whole
    found = results(out)
    assert "Left out: untrained" in done.stdout and "findings" in done.stdout
    assert list(found["runs"]) == ["deep", "flat"] and found["missing"] == []
    names = {entry["name"] for entry in found["runs"]["deep"]["attacks"]}
    assert {"NOISE", "FGSM-U", "FGSM-T-ALL", "IGSM-U-3", "IGSM-T-4-ALL", "UAP-U"} <= names
    # Every run is a result document of its own.
    from hpe_art.evaluation.results import read_results, write_results

    path = out.parent / "one.json"
    write_results(path, found["runs"]["flat"])
    assert read_results(path)["clean"] == found["runs"]["flat"]["clean"]
    assert [finding["number"] for finding in found["findings"]] == list(range(1, 11))
    shown = found["examples"]["deep"]
    assert all((out / p["image"]).is_file() for one in shown for p in one["people"])
    alone = found["universal"]["flat"][0]
    assert set(alone["poses"]) == {"deep", "flat"} and (out / alone["image"]).is_file()


def test_its_report_and_its_page_of_tables(whole, tmp_path, run_tool):
    asked = ["-o", "report.html", "--figures", "docs/figures", "--markdown", "docs/study.md"]
    done = run_tool("report.py", whole[0], *asked, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    links = re.findall(r"!\[.*\]\((.*)\)", (tmp_path / "docs/study.md").read_text())
    assert {"figures/eps.png", "figures/transfer.png"} <= set(links)
    assert all((tmp_path / "docs" / link).is_file() for link in links)


def test_training_people_are_scored_too(whole):
    out, _ = whole
    cell = json.loads((out / "cells" / "flat" / "uap-u_eps8.json").read_text())
    assert len(cell["attacks"][0]["train_hits"]) == 6
    assert cell["attacks"][0]["entry"]["universal"]["people"] == 6


def planned_passes(done):
    rows = [line.split() for line in done.stdout.splitlines()]
    return {(r[0], r[1], *map(int, r[2:5])) for r in rows if r and r[0] in ("deep", "flat")}


def counted_passes(out):
    return {
        (network, cell, passes["forward"], passes["backward"], sum(passes["elsewhere"].values()))
        for network, cells in results(out)["passes"].items()
        for cell, passes in cells.items()
    }


def test_the_plan_was_right(whole, networks, tmp_path):
    planned = study(networks, tmp_path / "plan", "--plan")
    assert planned.returncode == 0 and not (tmp_path / "plan").exists()
    assert planned_passes(planned) == counted_passes(whole[0])


def test_it_goes_on_where_the_people_lie_elsewhere(networks, whole, tmp_path):
    shutil.copytree(networks.parent / "people", tmp_path / "elsewhere")
    shutil.copytree(whole[0], tmp_path / "study")
    flags = ("--plan", "--data-root", tmp_path / "elsewhere")
    planned = study(networks, tmp_path / "study", *flags)
    assert planned.returncode == 0, planned.stderr
    assert " cells, 0 to run" in " ".join(planned.stdout.split())


def test_killed_and_gone_on_with(networks, whole, tmp_path):
    out = tmp_path / "study"
    kills = ((1, "before"), (4, "after"), (2, "before"), (9, "after"), (3, "before"))
    for stop, when in kills:
        killed = study(networks, out, stop=stop, when=when)
        assert killed.returncode == -9, killed.stderr
        assert not (out / "results.json").exists()
    done = study(networks, out)
    assert done.returncode == 0, done.stderr
    assert without_clock(results(out)) == without_clock(results(whole[0]))
    assert results(out)["passes"] == results(whole[0])["passes"]


def test_a_finished_study_runs_nothing(whole, networks, tmp_path):
    out = tmp_path / "study"
    shutil.copytree(whole[0], out)
    planned = study(networks, out, "--plan")
    assert " 0 to run" in planned.stdout
    assert planned_passes(planned) == counted_passes(out)
    before = (out / "cells" / "deep" / "fgsm-u.json").stat().st_mtime_ns
    assert study(networks, out).returncode == 0
    assert (out / "cells" / "deep" / "fgsm-u.json").stat().st_mtime_ns == before


def test_more_eps_later(whole, networks, tmp_path):
    out = tmp_path / "study"
    shutil.copytree(whole[0], out)
    flags = ["--eps", 4, 8, 16, "--only", "noise", "fgsm"]
    assert study(networks, out, *flags).returncode == 0
    # What was not asked for this time is there still.
    before, after = (results(folder)["runs"]["flat"]["attacks"] for folder in (whole[0], out))
    kept = [entry for entry in after if entry["eps"] != 16]
    assert without_clock(kept) == without_clock(before)
    assert [(e["name"], e["eps"]) for e in after if e["eps"] == 16] == [
        ("NOISE", 16),
        ("FGSM-U", 16),
    ]


def test_a_network_that_comes_later(whole, networks, tmp_path):
    """Of the first one only what the second one sees is run again, and nothing is lost."""
    out = tmp_path / "study"
    assert study(networks, out, "--configs", networks / "deep.py").returncode == 0
    alone = results(out)["passes"]["deep"]
    assert study(networks, out).returncode == 0
    both = results(out)
    assert without_clock(both["runs"]) == without_clock(results(whole[0])["runs"])
    assert without_clock(both["universal"]) == without_clock(results(whole[0])["universal"])
    grown = {name for name, passes in both["passes"]["deep"].items() if passes != alone[name]}
    assert grown == {"clean", "igsm-u_eps8", "uap-u_eps8", "uap-u-all_eps8"}
    # The perturbation was not fitted again.
    backward = [found["uap-u_eps8"]["backward"] for found in (alone, both["passes"]["deep"])]
    assert backward[0] == backward[1] == 6


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--configs", "nowhere"], "Expected configs or folders of them. Got nowhere"),
        (["--only", "magic"], "Expected parts out of noise, fgsm"),
        (["--seed", "7"], "Expected the seed that"),
        (["--precision", "float32"], "Expected the precision that"),
        (["--epochs", "2"], "Expected the training people or perturbation that"),
        (["--num-samples", "3"], "Expected the people that"),
        (["--num-samples", "70"], "Expected 1 to 6 people"),
        (["--quick", "--fit-samples", "3"], "--quick fits nothing"),
        (["--quick", "--fit-ann-file", "f.json"], "--quick fits nothing"),
        (["--only", "noise", "--epochs", "3"], "--only without universal fits nothing"),
        (["--only", "universal", "iterations", "--eps", "4"], "--eps is that of noise, fgsm"),
        (["--data-root", "nowhere"], "Expected a folder for --data-root"),
    ],
)
def test_bad_input(whole, networks, load_tool, monkeypatch, capsys, flags, words):
    data = ["--data-root", networks.parent / "people", "--device", "cpu"]
    command = ["study.py", "--configs", networks, "--out", whole[0], *data, *flags]
    monkeypatch.setattr("sys.argv", list(map(str, command)))
    try:
        code = load_tool("study.py").main()
    except SystemExit as stop:
        code = stop.code
    assert code == 2 and words in capsys.readouterr().err


def test_no_network_has_weights(networks, tmp_path, write_config):
    configs = tmp_path / "configs"
    configs.mkdir()
    write_config(configs / "untrained.py")
    done = study(configs, tmp_path / "study", "--data-root", networks.parent / "people")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "Got none: untrained: the config names no weights" in done.stderr
