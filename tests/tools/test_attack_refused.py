"""Bad input: one line that says what was expected and what was got; nothing is written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import loadmat, savemat


def refused(done, cwd: Path, *words: object) -> None:
    """One line on stderr with all the words, exit code 2, nothing written."""
    assert done.code == 2
    assert "Traceback" not in done.err
    lines = done.err.strip().splitlines()
    last = lines[-1]
    assert last.startswith("attack.py: error: ")
    # argparse puts the usage before it.
    assert len(lines) == 1 or lines[0].startswith("usage: ")
    for word in words:
        assert str(word) in last, f"{word!r} is not in {last!r}"
    assert list(cwd.iterdir()) == []


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--eps", "-1"], ["--eps", "expected a finite number > 0, got -1"]),
        (["--eps=-1"], ["--eps", "expected a finite number > 0, got -1"]),
        (["--eps", "0"], ["--eps", "expected a finite number > 0, got 0"]),
        (["--eps", "nan"], ["--eps", "got nan"]),
        (["--eps", "8", "inf"], ["--eps", "got inf"]),
        (["--eps", "eight"], ["--eps", "got eight"]),
        (["--eps", "256"], ["at most 255 grey levels", "Got 256"]),
        (["--eps-step", "0"], ["--eps-step", "expected a finite number > 0, got 0"]),
        (["--eps-step", "9"], ["Expected --eps-step of at most eps. Got 9 for eps 8"]),
        (["--max-iter", "0"], ["--max-iter", "expected a whole number >= 1, got 0"]),
        (["--batch-size", "0"], ["--batch-size", "expected a whole number >= 1, got 0"]),
        (["--num-samples", "0"], ["--num-samples", "expected a whole number >= 1, got 0"]),
        (["--num-samples", "7"], ["Expected 1 to 6 people (--num-samples). Got 7."]),
        (["--seed", "-1"], ["--seed", "expected a whole number >= 0, got -1"]),
        (["--norm", "3"], ["--norm", "expected inf, 1 or 2, got 3"]),
        (["--attack", "cw"], ["registered attack, out of", "fgsm", "igsm", "noise", "Got 'cw'"]),
        (["--loss", "l3"], ["registered loss, out of", "distance", "training", "Got 'l3'"]),
        (["--metric", "mAP"], ["PCKh", "mAP"]),
        (["--launcher", "pytorch"], ["torchrun --nproc-per-node N started", "without RANK"]),
        (["--outputs", "first"], ["--outputs", "first", "last", "all"]),
        (["--device", "tpu"], ["--device", "tpu", "cpu", "cuda"]),
        (["--targeted", "--both"], ["--both", "--targeted", "not allowed"]),
        (
            ["--attack", "fgsm", "--max-iter", "5"],
            ["--max-iter with --attack", "igsm or", "Got fgsm"],
        ),
        (["--ann-file", "a.json"], ["--ann-file", "need --data-root"]),
        (["--image-prefix", "a"], ["--image-prefix", "need --data-root"]),
        (["--data-root", "nowhere"], ["--data-root. Got nowhere: not there"]),
        (["--cfg-options", "model.type.x=1"], ["overrides that fit the config", "model.type.x"]),
        (["--cfg-options", "model.backbone.type=No"], ["a model that MMPose can build", "No"]),
        (["--cfg-options", "model.head.type=DSNTHead"], ["Expected"]),
        (
            ["--target", "pose.json"],
            ["--target far, mirror or a JSON file of poses. Got pose.json"],
        ),
        (["--target-joints", "nose"], ["Expected joints out of Head", "Got nose"]),
        (["--attack", "fgsm", "--target", "mirror"], ["--target-joints with a targeted attack"]),
        (["--transfer-to", "no.py"], ["Expected a config file. Got no.py, which does not exist"]),
        (["--perturbation", "no.npz"], ["file for --perturbation. Got no.npz: not there"]),
        (["--attack", "uap", "--targeted"], ["mirror or a JSON file", "everybody alike"]),
        (["--defence", "jpeg", "--behind", "jpeg"], ["--behind or --defence. Got both"]),
        (["--cfg-options", "x"], ["--cfg-options", "expected KEY=VALUE, got x"]),
        (["--cfg-options", "test_dataloader.num_worker=1"], ["DataLoader takes", "'num_worker'"]),
        (["--cfg-options", "test_dataloader.num_workers=-1"], ["should be non-negative"]),
        (
            ["--cfg-options", "test_dataloader.dataset.pipeline=[]"],
            ["pipeline that crops"],
        ),
        (["--cfg-options", "test_dataloader=here"], ["without test_dataloader.dataset"]),
        (["--attack", "fgsm", "a.pth"], ["--attack. Got a.pth: a checkpoint stands right after"]),
        (["--eps", "8", "a.pth"], ["got a.pth: a checkpoint stands right after the config"]),
        (["--transfer-to", "a.pth"], ["Expected a config file. Got a.pth"]),
        (["--data-root", ""], ["a value for --data-root, got an empty one: is a variable unset"]),
    ],
    ids=lambda value: " ".join(value[:2]) if value and value[0].startswith("--") else "",
)
def test_bad_flags(attack, config, flags, words):
    refused(attack(config, *flags), attack.cwd, *words)


def test_as_a_command(run_tool, tmp_path, config):
    """The exit code and the streams of a process, for one error of each kind."""
    cwd = tmp_path / "cwd"
    cwd.mkdir()
    for flags, word in ((["--eps", "nan"], "nan"), (["--num-samples", 7], "Got 7")):
        done = run_tool("attack.py", config, *flags, cwd=cwd)
        assert done.stdout == ""
        *usage, line = done.stderr.splitlines()
        assert usage == [] or usage[0].startswith("usage: "), "no warnings of other packages"
        assert line.startswith("attack.py: error: ") and word in line
        assert done.returncode == 2
        assert list(cwd.iterdir()) == []


def test_a_config_that_is_none(attack, tmp_path):
    refused(attack("no.py"), attack.cwd, "Expected a config file. Got no.py, which does not exist")
    refused(attack(tmp_path), attack.cwd, f"Got {tmp_path}, which is a folder")
    (tmp_path / "b.txt").write_text("words")
    refused(attack(tmp_path / "b.txt"), attack.cwd, f"Expected a config file. Got {tmp_path}/b.txt")
    for name, text in (("a.py", "model = dict("), ("c.py", "1 / 0")):
        (tmp_path / name).write_text(text)
        words = f"Expected {tmp_path}/{name} to be a config file. Got "
        refused(attack(tmp_path / name), attack.cwd, words)


def test_a_config_that_ends_the_process_or_has_nobody_to_attack(attack, config, tmp_path):
    (tmp_path / "ends.py").write_text("import sys\nsys.exit(0)")
    refused(attack(tmp_path / "ends.py"), attack.cwd, "ends.py, which calls exit with 0")
    (tmp_path / "ends.py").write_text("raise GeneratorExit")
    refused(attack(tmp_path / "ends.py"), attack.cwd, "ends.py, which raises GeneratorExit")
    for part in ("test_dataloader", "test_evaluator"):
        (tmp_path / "none.py").write_text(f"_base_ = '{config}'\n{part} = None")
        done = attack(tmp_path / "none.py")
        refused(done, attack.cwd, "a config with people to attack", f"none.py without {part}")


def test_a_config_in_yaml_that_would_run_code(attack, tmp_path):
    (tmp_path / "a.yaml").write_text(f'a: !!python/object/apply:os.mkdir ["{tmp_path / "b"}"]')
    refused(attack(tmp_path / "a.yaml"), attack.cwd, "!!python/object/apply:os.mkdir", "refused")
    assert not (tmp_path / "b").exists()


def test_a_config_that_is_not_top_down(attack, tmp_path):
    (tmp_path / "bottomup.py").write_text('model = dict(type="BottomupPoseEstimator")')
    refused(attack(tmp_path / "bottomup.py"), attack.cwd, "top-down", "Got BottomupPoseEstimator")


@pytest.mark.parametrize(
    ("name", "flag"), [("mpii_val.json", "--ann-file"), ("mpii_gt_val.mat", "--headbox-file")]
)
def test_data_that_is_missing(
    attack, config, weights, tmp_path, write_people, write_config, name, flag
):
    folder = write_people(tmp_path / "people")
    own = write_config(tmp_path / "tiny.py", folder)
    given = attack(config, "--data-root", folder, flag, "no.file")
    refused(given, attack.cwd, f"Expected a file for {flag}. Got {folder}/no.file")
    (folder / "annotations" / name).unlink()
    refused(attack(config, "--data-root", folder), attack.cwd, name, "Got none", flag)
    refused(attack(own, weights), attack.cwd, name, flag)


def test_data_that_is_broken(attack, config, tmp_path, write_people):
    folder = write_people(tmp_path / "people")
    flags = ["--data-root", folder]
    boxes = folder / "annotations" / "mpii_gt_val.mat"
    whole = boxes.read_bytes()
    boxes.write_bytes(whole[:150])
    refused(attack(config, *flags), attack.cwd, f"Expected MPII head boxes in {boxes}")
    boxes.write_bytes(whole)
    image = folder / "images" / "00003.jpg"
    image.write_bytes(image.read_bytes()[:-1000])
    refused(attack(config, *flags), attack.cwd, "1 that are not", image, "--skip-unreadable")
    (folder / "annotations" / "mpii_val.json").write_text("[{")
    refused(attack(config, *flags), attack.cwd, "annotations in JSON", "mpii_val.json")


def test_nobody_with_a_joint_that_the_metric_counts(attack, config, tmp_path, write_people):
    """PCKh leaves out pelvis and thorax."""
    folder = write_people(tmp_path / "people")
    file = folder / "annotations" / "mpii_val.json"
    people = json.loads(file.read_text())
    file.write_text(
        json.dumps([{**one, "joints_vis": [int(k in (6, 7)) for k in range(16)]} for one in people])
    )
    flags = [config, "--data-root", folder, "--attack", "noise"]
    refused(attack(*flags), attack.cwd, "a labelled joint that PCKh@0.5 counts", "none of 6 people")
    assert attack(*flags, "--metric", "EPE").code == 0


def test_nobody_to_give_a_target_pose(attack, config, tmp_path, write_people):
    folder = write_people(tmp_path / "people", 2)
    # Person 1 lacks a joint, and person 0 cannot be its own donor.
    refused(attack(config, "--data-root", folder), attack.cwd, "people with all 16", "Got 1 in")
    assert attack(config, "--data-root", folder, "--attack", "noise").code == 0


def test_checkpoints_that_will_not_do(attack, config, weights, tmp_path, write_config):
    refused(attack(config, "no.pth"), attack.cwd, "Expected a checkpoint. Got no.pth, which does")
    refused(attack(config, tmp_path), attack.cwd, f"Got {tmp_path}, which is a folder: name a file")
    path = tmp_path / "part.pth"
    path.write_bytes(weights.read_bytes()[:20000])
    refused(attack(config, path), attack.cwd, f"Got {path}", "cannot be read")
    none = write_config(tmp_path / "none.py")
    refused(attack(none), attack.cwd, "Expected trained weights", f"tools/train.py {none}")
    more = write_config(tmp_path / "three.py", stacks=3)
    refused(attack(more, weights), attack.cwd, weights, "another architecture", "missing (first:")
    refused(attack(config, "zoo://no"), attack.cwd, "Expected a bundled network", "Got 'no'")


def test_weights_that_make_no_numbers(attack, config, weights, tmp_path):
    """Every joint would be lost, before any attack and under each."""
    own = torch.load(weights, weights_only=True)["state_dict"]
    path = tmp_path / "broken.pth"
    (name, *_) = (name for name in own if name.endswith("running_var"))
    torch.save({**own, name: -torch.ones_like(own[name])}, path)
    refused(attack(config, path), attack.cwd, "predicts finite numbers", "a variance is negative")
    torch.save({name: value.to(torch.int8) for name, value in own.items()}, path)
    refused(attack(config, path), attack.cwd, "Expected floating weights", f"int8 in {path}")


class Evil:
    def __init__(self, marker: Path) -> None:
        self.marker = str(marker)

    def __reduce__(self):
        return os.mkdir, (self.marker,)


def test_a_checkpoint_that_would_run_code(attack, config, tmp_path):
    path, marker = tmp_path / "evil.pth", tmp_path / "was run"
    torch.save({"state_dict": {}, "meta": Evil(marker)}, path)
    refused(attack(config, path), attack.cwd, path, "run code", "refused and nothing was run")
    assert not marker.exists()


def test_an_output_folder_that_cannot_be_written(attack, config, tmp_path):
    taken = tmp_path / "a file"
    taken.write_text("")
    message = f"Expected a writable folder for --work-dir. Got {taken}"
    refused(attack(config, "--out", taken), attack.cwd, message)
    refused(attack(config, "--out", taken / "below"), attack.cwd, message)
    assert taken.read_text() == ""
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    for name, why in ((tmp_path / "link", "a link to what is not there"), ("a" * 300, "too long")):
        done = attack(config, "--out", name)
        refused(done, attack.cwd, f"Expected a writable folder for --work-dir. Got {name}", why)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there(attack, config):
    refused(attack(config, "--device", "cuda"), attack.cwd, "--device cuda", "use cpu")


def test_a_network_without_weights_cannot_look_on(attack, config, weights, tmp_path, write_config):
    other = write_config(tmp_path / "other.py")
    done = attack(config, weights, "--transfer-to", other)
    refused(done, attack.cwd, "Expected trained weights", "without load_from")


def test_weights_that_are_still_to_be_trained(attack, tmp_path, write_config):
    config = write_config(tmp_path / "later.py", load_from="work_dirs/later/epoch_4.pth")
    done = attack(config)
    refused(done, attack.cwd, "work_dirs/later/epoch_4.pth, which does not exist", "tools/train.py")


def test_a_matlab_file_that_would_end_the_process_is_named(attack, config, write_people, tmp_path):
    """The head boxes are whole, but MMPose reads all that is beside them."""
    boxes = write_people(tmp_path / "people", 2) / "annotations/mpii_gt_val.mat"
    savemat(boxes, {"odd": np.zeros(3), "headboxes_src": loadmat(boxes)["headboxes_src"]})
    whole = bytearray(boxes.read_bytes())
    whole[145] |= 8  # of the first array's flags: it is complex
    boxes.write_bytes(whole)
    done = attack(config, "--data-root", tmp_path / "people")
    refused(done, attack.cwd, f"head boxes in {boxes}. Got: an array without imaginary numbers")
