"""One photograph, as the command attacks it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from PIL import Image

from hpe_art.evaluation.photograph.results import PhotographResult

PEOPLE = Path(__file__).parents[2] / "hpe_art/rendered_people/people_val/images"
PERSON = PEOPLE / "00004.jpg"


class Outcome:
    def __init__(self, code, out, err, folder):
        self.code, self.out, self.err, self.folder = code, out, err, folder

    @property
    def result(self):
        return PhotographResult.model_validate_json((self.folder / "result.json").read_text())


@pytest.fixture
def demo(load_tool, capsys, monkeypatch, tmp_path):
    """`demo(photograph, ...)` runs the tool's `main` in an empty working directory."""
    main, cwd = load_tool("demo.py").main, tmp_path / "cwd"
    cwd.mkdir()
    monkeypatch.chdir(cwd)

    def run(photograph, *arguments):
        words = list(map(str, [photograph, *arguments]))
        monkeypatch.setattr(sys, "argv", ["demo.py", *words])
        try:
            code = main()
        except SystemExit as stop:
            code = stop.code
        printed = capsys.readouterr()
        named = [words[i + 1] for i, word in enumerate(words) if word == "--out-dir"]
        folder = cwd / (named[0] if named else f"results/demo/{Path(photograph).stem}")
        return Outcome(code, printed.out, printed.err, folder)

    run.cwd = cwd
    return run


def pixels(path):
    return np.asarray(Image.open(path).convert("RGB"), int)


def test_the_joints_move_and_the_files_are_there(demo):
    done = demo(PERSON, "--max-iter", 5)
    assert (done.code, done.err) == (0, "")
    result = done.result
    assert result.attack == "IGSM-U-5" and result.config.endswith("hourglass.py")
    assert result.crop.moved.mean_percent > 10 and result.written.moved.mean_percent > 10
    change = pixels(done.folder / "perturbed.png") - pixels(PERSON)
    assert np.abs(change).max() == result.largest_change == 8
    assert matplotlib.image.imread(done.folder / "side_by_side.png").shape[1] == 1350
    crop, png = (seen.moved for seen in (result.crop, result.written))
    for place, moved in {"  crop": crop, "   PNG": png}.items():
        said = f"{place}: joints moved by {moved.mean:.1f} ({moved.mean_percent:.1f} %) on average"
        assert f"{said}, {moved.largest:.1f} ({moved.largest_percent:.1f} %) at most" in done.out
    assert "away from the network's own prediction" in done.out


def test_towards_a_pose_in_a_box(demo, tmp_path):
    pose = tmp_path / "pose.json"
    pose.write_text(json.dumps({"keypoints": {"left_wrist": [120, 40], "right_wrist": None}}))
    box = [20, 10, 170, 185]
    done = demo(PERSON, "--target", pose, "--bbox", *box, "--out-dir", "here", "--eps", 16)
    assert done.code == 0
    result = done.result
    assert result.box == tuple(box) and result.settings["targeted"] is True
    assert result.written.to_target.mean < 0.5 * result.clean_to_target.mean
    assert f"from the target {result.clean_to_target.mean:.1f}" in done.out
    assert str(pose) in done.out


@pytest.mark.parametrize("flags", [["--attack", "auto"], ["--loss", "margin", "--radius", 0.1]])
def test_attacks_that_ask_what_counts_as_moved(demo, flags):
    done = demo(PERSON, "--config", "deeppose", *flags)
    assert done.code == 0 and done.result.crop.moved.mean_percent > 5
    assert done.result.radius == pytest.approx(192 * (0.1 if "--radius" in flags else 0.05))
    # Said once, before the run.
    assert "no gradient at the network's own prediction" in done.err
    assert "no gradient" not in done.out


def test_a_network_with_the_joints_of_coco(demo):
    done = demo(
        PERSON, "--config", "coco_resnet_heatmap", "--target", PEOPLE / "00007.jpg", "--max-iter", 8
    )
    assert done.code == 0
    assert len(done.result.clean) == 17 and done.result.crop_size == (112, 144)
    assert done.result.written.to_target.mean < done.result.clean_to_target.mean


def test_an_eps_that_is_lost_is_warned_of_before_the_run(demo):
    done = demo(PERSON, "--attack", "noise", "--eps", 0.4)
    assert done.code == 0
    assert "Note: eps 0.4 is lost in the whole grey levels of the PNG" in done.err
    assert (pixels(done.folder / "perturbed.png") == pixels(PERSON)).all()
    flags = [PERSON, "--attack", "noise", "--eps", 0.4]
    quiet, as_json = demo(*flags, "--quiet"), demo(*flags, "--json")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")
    assert json.loads(as_json.out) == json.loads((as_json.folder / "result.json").read_text())


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--bbox", 0, 0, 193, 9], ["within", "192 x 192 pixels. Got 0 0 193 9"]),
        (["--bbox", 9, 9, 9, 20], ["x1 < x2 and y1 < y2", "Got 9 9 9 20"]),
        (["--bbox", 90, 9, 9, 20], ["x1 < x2 and y1 < y2", "Got 90 9 9 20"]),
        (["--bbox", 1, 2, 3], ["--bbox", "expected 4 arguments"]),
        (["--config", "hourglas"], ["the name of a shipped one: ", "Got hourglas"]),
        (["--config", "nowhere.py"], ["Expected a config file. Got nowhere.py"]),
        (["--checkpoint", "no.pth"], ["Expected a checkpoint. Got no.pth"]),
        (["--config", "resnet_heatmap", "--checkpoint", "zoo://none"], ["none"]),
        (["--target", "pose.json"], ["--target mirror, a JSON file of a pose or a photograph"]),
        (["--target", "far"], ["Got far, which does not exist"]),
        (["--target", PEOPLE.parent / "VERSION"], ["Expected a photograph. Got", "VERSION"]),
        (["--attack", "cw"], ["registered attack, out of", "Got 'cw'"]),
        (["--attack", "uap"], ["an attack on one image, within an eps. Got uap"]),
        (["--attack", "fmn"], ["an attack on one image, within an eps. Got fmn"]),
        (["--attack", "noise", "--target", "mirror"], ["a direction for --target. Got noise"]),
        (["--attack", "fgsm", "--max-iter", 5], ["--max-iter with --attack", "Got fgsm"]),
        (["--radius", 0.1], ["--radius with an attack or loss that asks for it. Got igsm"]),
        (["--eps", 0], ["--eps", "expected a finite number > 0, got 0"]),
        (["--eps", 256], ["at most 255 grey levels", "Got 256"]),
        (["--eps-step", 9], ["eps_step of at most eps. Got 9 for eps 8"]),
        (["--loss", "l3"], ["registered loss", "Got 'l3'"]),
        (["--cfg-options", "model.backbone.type=No"], ["a model that MMPose can build"]),
        (["--cfg-options", "test_dataloader=None"], ["whose test_dataloader.dataset is one of"]),
        (
            ["--cfg-options", "test_dataloader.dataset.pipeline=[]"],
            ["pipeline that crops"],
        ),
    ],
    ids=lambda value: "-".join(map(str, value[:2])) if str(value[0]).startswith("--") else "",
)
def test_bad_input_is_one_line(demo, flags, words):
    refused(demo(PERSON, *flags), demo.cwd, words)


@pytest.mark.parametrize("name", ["nowhere.jpg", "text.jpg", "folder"])
def test_what_is_no_photograph(demo, tmp_path, name):
    (tmp_path / "text.jpg").write_text("no image")
    (tmp_path / "folder").mkdir()
    refused(demo(tmp_path / name), demo.cwd, ["Expected a photograph", name])


def test_a_pose_of_other_joints(demo, tmp_path):
    (tmp_path / "pose.json").write_text('{"keypoints": {"nose": [1, 2]}}')
    refused(demo(PERSON, "--target", tmp_path / "pose.json"), demo.cwd, ["out of", "Got nose"])


def test_what_is_read_is_not_replaced(demo):
    done = demo(PERSON, "--attack", "noise", "--out-dir", "out")
    assert done.code == 0
    again = demo(done.folder / "perturbed.png", "--out-dir", "out")
    assert again.code == 2 and "in which nothing that is read is replaced" in again.err


def refused(done, cwd, words):
    """One line on stderr with all the words, exit code 2, nothing written."""
    assert done.code == 2
    lines = done.err.strip().splitlines()
    assert lines[-1].startswith("demo.py: error: ")
    assert len(lines) == 1 or lines[0].startswith("usage: ")  # argparse puts it before
    for word in words:
        assert word in lines[-1], f"{word!r} is not in {lines[-1]!r}"
    assert list(cwd.iterdir()) == []


def test_the_result_of_another_photograph_is_not_replaced(demo, tmp_path):
    """Photographs of one name in two folders have one folder of results."""
    other = tmp_path / "other" / PERSON.name
    other.parent.mkdir()
    Image.fromarray(pixels(PERSON).astype(np.uint8)[:, ::-1]).save(other)
    flags = ("--attack", "noise")
    assert demo(PERSON, *flags).code == 0
    again = demo(PERSON, *flags, "--eps", 4)
    assert again.code == 0 and again.result.eps == 4
    refused = demo(other, *flags)
    assert refused.code == 2 and "without the result of another photograph" in refused.err
    assert refused.result.eps == 4, "it is there still"
