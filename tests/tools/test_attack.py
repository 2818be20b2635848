"""The command, end to end on six people with a tiny untrained hourglass."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from hpe_art import zoo
from hpe_art.estimators.gradient_copy import has_fast_bfloat16
from hpe_art.estimators.loading import load_config
from hpe_art.evaluation.results import read_results

FAST = ["--cfg-options", "train_cfg.max_epochs=1", "--device", "cpu"]


class Outcome:
    """What a run left: exit code, what it printed, and its result file."""

    def __init__(self, code: int, out: str, err: str, folder: Path) -> None:
        self.code, self.out, self.err, self.folder = code, out, err, folder

    @property
    def results(self) -> dict:
        return read_results(self.folder / "results.json")

    @property
    def names(self) -> list[str]:
        return [entry["name"] for entry in self.results["attacks"]]


@pytest.fixture
def attack(load_tool, capsys, monkeypatch, tmp_path):
    """`attack(config, ...)` runs the tool's `main` in an empty working directory."""
    main = load_tool("attack.py").main
    cwd = tmp_path / "cwd"
    cwd.mkdir()
    monkeypatch.chdir(cwd)

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr("sys.argv", ["attack.py", *map(str, arguments)])
        try:
            code = main()
        except SystemExit as stop:
            code = stop.code
        printed = capsys.readouterr()
        return Outcome(code, printed.out, printed.err, cwd / "results" / "tiny")

    run.cwd = cwd
    return run


def without_clock(results: dict) -> dict:
    attacks = [{**entry, "seconds": None} for entry in results["attacks"]]
    clock = dict.fromkeys(("started", "seconds", "phases", "arguments"))
    return {**results, **clock, "attacks": attacks}


# --- what it does --------------------------------------------------------------------------------


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_precision_is_that_of_the_search_alone(attack, config, precision):
    run = attack(config, *FAST, "--attack", "fgsm", "--precision", precision)
    assert run.code == 0, run.err
    assert (
        run.results["precision"]
        == {"float32": "float32", "bfloat16": "bfloat16, folded"}[precision]
    )
    other = attack(config, *FAST, "--attack", "fgsm").results
    assert run.results["clean"] == other["clean"]


def test_the_command_without_flags(run_tool, tmp_path, config, weights, people):
    done = run_tool("attack.py", config, weights, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "results" / "tiny"
    results = read_results(folder / "results.json")
    names = [entry["name"] for entry in results["attacks"]]
    assert names == ["NOISE", "FGSM-U", "IGSM-U-10", "IGSM-T-20"]
    assert results["config"] == str(config)
    assert results["checkpoint"] == {"path": str(weights), "sha256": zoo.sha256(weights)}
    assert results["dataset"] == {
        "ann_file": str(people / "annotations" / "mpii_val.json"),
        "num_samples": 6,
    }
    fast = "bfloat16" if has_fast_bfloat16(torch.device("cpu")) else "float32"
    assert results["seed"] == 0 and results["precision"] == f"{fast}, folded"
    assert set(results["phases"]) == {
        "load",
        "read",
        "clean",
        "attack",
        "score",
        "tell",
        "pictures",
    }
    assert sum(part["share"] for part in results["phases"].values()) == pytest.approx(1)
    assert results["targets"]["seed"] == 0 and len(results["targets"]["donors"]) == 6
    assert all(0 < entry["linf_max"] <= 8 for entry in results["attacks"])
    steps = [(entry["eps_step"], entry["max_iter"]) for entry in results["attacks"]]
    assert steps == [(None, None), (8, 1), (pytest.approx(3.2), 10), (1, 20)]
    pictures = list((folder / "pictures").glob("*.png"))
    assert pictures and all(cv2.imread(str(path)) is not None for path in pictures)
    for word in (*names, "PCKh", "Ankle", "results.json"):
        assert word in done.stdout
    assert done.stderr == ""


def test_the_same_seed_gives_the_same_numbers_and_another_does_not(attack, config, weights):
    flags = ["--attack", "noise", "igsm", "--targeted", "--max-iter", 2, "--num-samples", 5]
    first = attack(config, weights, *flags, "--seed", 1)
    assert first.code == 0
    numbers = without_clock(first.results)
    assert without_clock(attack(config, weights, *flags, "--seed", 1).results) == numbers
    assert numbers["dataset"]["num_samples"] == 5
    other = without_clock(attack(config, weights, *flags, "--seed", 2).results)
    assert other["targets"]["donors"] != numbers["targets"]["donors"]


def test_flags_are_obeyed_and_recorded(attack, config, weights):
    done = attack(
        config, weights, "--attack", "fgsm", "--both", "--eps", 2, 8, "--outputs", "all",
        "--batch-size", 4, "--out", "elsewhere", *FAST,
    )  # fmt: skip
    assert done.code == 0
    assert not done.folder.exists()
    done.folder = attack.cwd / "elsewhere"
    assert done.names == ["FGSM-U-ALL"] * 2 + ["FGSM-T-ALL"] * 2
    assert [entry["eps"] for entry in done.results["attacks"]] == [2, 8, 2, 8]
    arguments = done.results["arguments"]
    assert arguments["eps"] == [2, 8] and arguments["both"] and arguments["outputs"] == "all"
    assert arguments["batch_size"] == 4 and arguments["norm"] == "inf"
    assert arguments["cfg_options"] == {"train_cfg.max_epochs": 1}
    assert done.results["device"] == "cpu"
    assert (done.folder / "pictures" / "eps_curve.png").is_file()


def test_target_poses_of_ones_own(attack, config, weights, tmp_path):
    pose = tmp_path / "pose.json"
    pose.write_text(json.dumps([[k / 16, 0.25] for k in range(16)]))
    flags = ["--attack", "igsm", "--targeted", "--max-iter", 2, "--target"]
    done = attack(config, weights, *flags, pose, "--target-joints", "Wrist", "head_top")
    assert done.code == 0
    targets = done.results["targets"]
    assert str(pose) in targets["rule"]
    assert targets["joints"] == ["head_top", "right_wrist", "left_wrist"]
    width = load_config(config).codec.input_size[0]
    assert targets["poses"][0][10][0] == pytest.approx(10 / 16 * width)
    done = attack(config, weights, *flags, "mirror")
    assert "mirrored" in done.results["targets"]["rule"]


def test_universal_perturbations_are_fitted_saved_and_scored_again(attack, config, weights):
    flags = ["--num-samples", 4, "--seed", 3]
    fit = ["--attack", "uap", "fgsm", "--eps", 4, 8, "--epochs", 2, "--fit-samples", 5]
    done = attack(config, weights, *fit, *flags)
    assert done.code == 0
    assert done.names == ["UAP-U", "UAP-U", "FGSM-U", "FGSM-U"]
    entry = done.results["attacks"][1]
    assert (entry["eps"], entry["eps_step"], entry["max_iter"]) == (8, None, None)
    assert entry["universal"]["people"] == 5 and entry["universal"]["epochs"] == 2
    assert entry["universal"]["source"] == str(weights)
    assert entry["forward_passes"] == 4 and entry["backward_passes"] == 0
    files = sorted((done.folder / "perturbations").iterdir())
    assert [file.name for file in files] == ["uap-u_eps4.npz", "uap-u_eps8.npz"]
    fitted = done.results["attacks"][:2]
    again = attack(config, weights, "--perturbation", *files, *flags)
    assert again.names == ["UAP-U uap-u_eps4", "UAP-U uap-u_eps8"]
    same = {"name": "", "seconds": 0}
    assert [{**e, **same} for e in again.results["attacks"]] == [{**e, **same} for e in fitted]


def test_a_targeted_perturbation_moves_everybody_alike(attack, config, weights):
    flags = ["--attack", "uap", "--targeted", "--target", "mirror", "--epochs", 1]
    done = attack(config, weights, *flags)
    assert done.code == 0 and done.names == ["UAP-T"]
    [entry] = done.results["attacks"]
    assert entry["universal"]["targeted"]
    [file] = (done.folder / "perturbations").iterdir()
    blind = attack(config, weights, "--perturbation", file)
    assert blind.code == 2 and "--target mirror or a JSON file" in blind.err
    again = attack(config, weights, "--perturbation", file, "--target", "mirror")
    assert "mirrored" in again.results["targets"]["rule"]
    assert again.results["attacks"][0]["target_PCKh"] == entry["target_PCKh"]


def test_fitting_on_a_folder_of_ones_own(attack, config, weights, tmp_path, write_people):
    folder = write_people(tmp_path / "folder")
    done = attack(config, weights, "--attack", "uap", "--fit-data-root", folder, "--epochs", 1)
    assert done.results["attacks"][0]["universal"]["people"] == 6
    done = attack(config, weights, "--attack", "uap", "--fit-data-root", tmp_path)
    assert done.code == 2 and "mpii_train.json" in done.err


def test_transfer_to_other_networks(attack, config, weights, tmp_path, write_config, write_weights):
    other = write_config(tmp_path / "other.py", stacks=1)
    write_config(other, stacks=1, load_from=str(write_weights(tmp_path / "other.pth", other)))
    done = attack(config, weights, "--attack", "fgsm", "noise", "--transfer-to", other)
    assert done.code == 0
    assert list(done.results["transfer_to"]) == [str(other)]
    assert all(e["transfer_to"][str(other)]["PCKh"] >= 0 for e in done.results["attacks"])
    assert "other networks: relative PCKh" in done.out and "clean PCKh" in done.out


def test_perturbed_images_are_kept_where_asked(attack, config, weights):
    done = attack(config, weights, "--attack", "noise", "igsm", "--max-iter", 2, "--save-images")
    assert done.code == 0
    folders = sorted(path.name for path in (done.folder / "perturbed").iterdir())
    assert folders == ["igsm-u-2_eps8", "noise_eps8"]
    from hpe_art.data.crops import load_crops
    from hpe_art.estimators.loading import load_config

    crops = load_crops(load_config(config))
    for name in folders:
        for i in range(6):
            # OpenCV reads and writes blue first, as the crops are packed.
            image = cv2.imread(str(done.folder / "perturbed" / name / f"{i:05d}.png"))
            change = image.transpose(2, 0, 1).astype(int) - crops.x[i]
            assert 6 <= np.abs(change).max() <= 8


def test_flip_test_is_scored_attacked_and_noted(attack, config, weights):
    plain = attack(config, weights, "--attack", "fgsm").results
    done = attack(config, weights, "--attack", "fgsm", "--flip-test")
    assert done.code == 0
    results = done.results
    assert "Scored and attacked with flip-test." in results["notes"]
    assert "flip-test" in done.out
    counts = ("forward_passes", "backward_passes")
    assert [results["attacks"][0][k] for k in counts] == [
        2 * plain["attacks"][0][k] for k in counts
    ]


def test_a_folder_of_ones_own(attack, config, weights, write_people):
    folder = write_people(attack.cwd / "mine", 3)
    annotations = folder / "annotations"
    (annotations / "mpii_val.json").rename(annotations / "upright_val.json")
    (folder / "images").rename(folder / "photos")
    done = attack(
        config, weights, "--data-root", folder, "--image-prefix", "photos", "--attack", "noise"
    )
    assert done.code == 0, done.err
    assert done.results["dataset"] == {
        "ann_file": "mine/annotations/upright_val.json",
        "num_samples": 3,
    }


def test_other_norms(attack, config, weights):
    flags = ["--attack", "fgsm", "--eps", 100, 300, "--save-images"]
    done = attack(config, weights, *flags, "--norm", "2")
    assert done.code == 0
    assert done.results["attacks"][0]["norm"] == 2
    assert "FGSM-U L2" in done.out and "in the norm of the name" in " ".join(done.out.split())
    saved = {path.name for path in (done.folder / "perturbed").iterdir()}
    assert saved == {"fgsm-u-l2_eps100", "fgsm-u-l2_eps300"}
    pictures = {path.name.rsplit("_", 1)[0] for path in (done.folder / "pictures").iterdir()}
    assert pictures == {"fgsm-u-l2_eps300", "eps"}


def test_every_attack_has_pictures_at_its_largest_eps(attack, config, weights, tmp_path):
    fit = ["--attack", "uap", "--eps", 16, "--epochs", 1, "--fit-samples", 2]
    [file] = (attack(config, weights, *fit).folder / "perturbations").iterdir()
    shutil.move(file, tmp_path / "kept.npz")
    flags = ["--attack", "uap", "fgsm", "--perturbation", tmp_path / "kept.npz", "--eps", 2, 4]
    done = attack(config, weights, *flags, "--out", "with_pictures")
    assert done.code == 0
    names = (path.name for path in (attack.cwd / "with_pictures" / "pictures").iterdir())
    assert {name.rsplit("_", 1)[0] for name in names} == {"uap-u_eps16", "fgsm-u_eps4", "eps"}


def test_one_output_equals_all_of_them_and_that_is_noted(
    attack, tmp_path, write_config, write_weights
):
    config = write_config(tmp_path / "tiny.py", stacks=1)
    weights = write_weights(tmp_path / "tiny.pth", config)
    done = attack(config, weights, "--attack", "noise", "--outputs", "all")
    assert done.results["notes"] == ["The network has one output: all outputs equal the last."]


def test_unreadable_images_are_left_out_where_asked(
    attack, weights, tmp_path, write_people, write_config
):
    folder = write_people(tmp_path / "people")
    config = write_config(tmp_path / "tiny.py", folder)
    (folder / "images" / "00001.jpg").write_bytes(b"no")
    done = attack(config, weights, "--attack", "noise", "--skip-unreadable")
    assert done.code == 0
    assert done.results["notes"] == ["1 unreadable images were left out: 00001.jpg."]
    assert "1 unreadable images" in done.out
    assert done.results["dataset"]["num_samples"] == 5


# --- bad input -----------------------------------------------------------------------------------


def test_defences_that_the_attacker_does_not_know_of(attack, config, weights):
    names = ["smoothing", "jpeg", "squeezing", "gaussian", "flip-perturbation"]
    done = attack(config, weights, "--attack", "fgsm", "--defence", *names)
    assert done.code == 0
    assert list(done.results["defence"]) == names
    assert list(done.results["attacks"][0]["defence"]) == names
    assert "behind a defence" in done.out
    defended = done.results
    assert defended["defence"]["flip-perturbation"] == defended["clean"]
    plain = attack(config, weights, "--attack", "fgsm").results
    assert defended["attacks"][0]["PCKh"] == plain["attacks"][0]["PCKh"]


def test_attacks_behind_a_defence(attack, config, weights):
    done = attack(config, weights, "--attack", "fgsm", "--behind", "smoothing")
    assert done.code == 0
    behind = done.results
    assert behind["notes"] == ["Scored and attacked behind smoothing."]
    plain = attack(config, weights, "--attack", "fgsm").results
    assert behind["clean"]["per_joint"] != plain["clean"]["per_joint"]


def test_a_network_without_weights_cannot_look_on(attack, config, weights, tmp_path, write_config):
    other = write_config(tmp_path / "other.py")
    done = attack(config, weights, "--transfer-to", other)
    refused(done, attack.cwd, "Expected trained weights", "without load_from")


def test_weights_that_are_still_to_be_trained(attack, tmp_path, write_config):
    config = write_config(tmp_path / "later.py", load_from="work_dirs/later/epoch_4.pth")
    done = attack(config)
    refused(done, attack.cwd, "work_dirs/later/epoch_4.pth, which does not exist", "tools/train.py")


def refused(done: Outcome, cwd: Path, *words: str) -> None:
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
        (["--attack", "cw"], ["--attack", "cw", "noise", "fgsm", "igsm"]),
        (["--outputs", "first"], ["--outputs", "first", "last", "all"]),
        (["--device", "tpu"], ["--device", "tpu", "cpu", "cuda"]),
        (["--targeted", "--both"], ["--both", "--targeted", "not allowed"]),
        (["--attack", "fgsm", "--max-iter", "5"], ["--max-iter with --attack igsm. Got fgsm"]),
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
    for name, text in (("a.py", "model = dict("), ("b.txt", "words"), ("c.py", "1 / 0")):
        (tmp_path / name).write_text(text)
        refused(
            attack(tmp_path / name), attack.cwd, f"Expected a config file. Got {tmp_path}/{name}"
        )


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


def test_nobody_to_give_a_target_pose(attack, config, tmp_path, write_people):
    folder = write_people(tmp_path / "people", 2)
    # Person 1 lacks a joint, and person 0 cannot be its own donor.
    refused(attack(config, "--data-root", folder), attack.cwd, "donors with all 16", "Got 1 in")
    assert attack(config, "--data-root", folder, "--attack", "noise").code == 0


def test_checkpoints_that_will_not_do(attack, config, weights, tmp_path, write_config):
    refused(attack(config, "no.pth"), attack.cwd, "Expected a checkpoint. Got no.pth, which does")
    path = tmp_path / "part.pth"
    path.write_bytes(weights.read_bytes()[:20000])
    refused(attack(config, path), attack.cwd, f"Got {path}", "cannot be read")
    none = write_config(tmp_path / "none.py")
    refused(attack(none), attack.cwd, "Expected trained weights", f"tools/train.py {none}")
    more = write_config(tmp_path / "three.py", stacks=3)
    refused(attack(more, weights), attack.cwd, weights, "another architecture", "missing (first:")
    refused(attack(config, "zoo://no"), attack.cwd, "Expected a bundled network", "Got 'no'")


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
    message = f"Expected a writable folder for --out. Got {taken}"
    refused(attack(config, "--out", taken), attack.cwd, message)
    refused(attack(config, "--out", taken / "below"), attack.cwd, message)
    assert taken.read_text() == ""


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there(attack, config):
    refused(attack(config, "--device", "cuda"), attack.cwd, "--device cuda", "use cpu")
