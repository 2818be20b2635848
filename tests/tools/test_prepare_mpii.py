"""The command, as a user runs it."""

from __future__ import annotations

import json
import sys

import pytest
from releases import write_release


@pytest.fixture
def prepare(tmp_path, load_tool, monkeypatch, capsys):
    """`prepare(*arguments)` runs the command in `tmp_path`; gives its status and both outputs."""
    write_release(tmp_path / "release.mat")
    monkeypatch.chdir(tmp_path)
    tool = load_tool("prepare_mpii.py")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["prepare_mpii.py", *arguments])
        try:
            status = tool.main()
        except SystemExit as stop:
            status = stop.code
        return status, *capsys.readouterr()

    return run


def people(folder, split):
    return json.loads((folder / "annotations" / f"mpii_{split}.json").read_text())


def test_the_command(tmp_path, run_tool):
    write_release(tmp_path / "release.mat")
    arguments = ("release.mat", "--data-root", "mpii", "--val-fraction", "0.3")
    done = run_tool("prepare_mpii.py", *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    train, val = people(tmp_path / "mpii", "train"), people(tmp_path / "mpii", "val")
    assert len(train) + len(val) == 44
    assert not {p["image"] for p in train} & {p["image"] for p in val}
    assert f"{len(train)} people in" in done.stdout and f", {len(val)} people in" in done.stdout
    assert "Left out: 2 people without joints." in done.stdout
    assert "not comparable with published figures" in done.stdout
    assert "43 of 43 images are not in mpii/images; put those of mpii_human_pose" in done.stdout


def test_a_list_and_the_usual_folder(tmp_path, prepare):
    (tmp_path / "val.txt").write_text("000000001.jpg 2\n000000002.jpg\n000000005.jpg 1\n")
    (tmp_path / "data" / "mpii" / "images").mkdir(parents=True)
    (tmp_path / "data" / "mpii" / "images" / "000000002.jpg").touch()
    status, out, _ = prepare("release.mat", "--val-list", "val.txt")
    assert status == 0
    assert [p["image"] for p in people(tmp_path / "data" / "mpii", "val")] == [
        "000000001.jpg",
        "000000002.jpg",
    ]
    assert "not comparable" not in out
    assert "Not found: 1 of 3 places on the list" in out and "first 000000005.jpg 1." in out
    assert "41 of 42 images are not in data/mpii/images" in out


def test_a_second_time(tmp_path, prepare):
    arguments = ("release.mat", "--data-root", "mpii", "--val-fraction", "0.3")
    assert prepare(*arguments)[0] == 0
    before = (tmp_path / "mpii" / "annotations" / "mpii_val.json").read_bytes()
    status, _, error = prepare(*arguments)
    assert status == 2
    assert error.startswith("prepare_mpii.py: error: Expected no annotations in mpii/annotations.")
    assert prepare(*arguments, "--overwrite")[0] == 0
    assert (tmp_path / "mpii" / "annotations" / "mpii_val.json").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no.mat"], "error: Expected a file. Got no.mat, which does not exist."),
        (["release.mat", "--val-list", "no.txt"], "error: Expected a file. Got no.txt, which"),
        (["release.mat", "--val-fraction", "1"], "expected between 0 and 1. Got 1.0."),
        (
            ["release.mat", "--val-fraction", "0.2", "--val-list", "x"],
            "not allowed with argument --val-fraction",
        ),
    ],
)
def test_errors(prepare, arguments, message):
    status, _, error = prepare(*arguments)
    assert status == 2
    assert message in error and "Traceback" not in error
