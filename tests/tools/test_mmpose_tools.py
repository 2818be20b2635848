"""MMPose's own, unchanged tools run an `AttackLoop` that a config names."""

from __future__ import annotations

import json
import runpy
from importlib.util import find_spec
from pathlib import Path

import cv2
import mmpose
import numpy as np
import pytest
import torch

from hpe_art.evaluation.result_files import read_results

TOOLS = Path(mmpose.__file__).parent / ".mim" / "tools"
OURS = Path(__file__).parents[2] / "tools"
PLUGIN = """
custom_imports = dict(imports=["hpe_art.plugin"], allow_failed_imports=False)
# Runs of one name that begin in one second would share MMEngine's logger and its best score.
experiment_name = "{name}"
visualizer = dict(
    type="PoseLocalVisualizer",
    name="{name}",
    vis_backends=[dict(type="LocalVisBackend"), *{backends}],
)
"""
TESTED = """
test_cfg = dict(
    type="AttackLoop", attacks=[dict(type="igsm", eps=8)], num_samples=4, kept=2, device="cpu"
)
"""
KEY = "IGSM-U-2_eps8/PCKh"
VALIDATED = f"""
val_cfg = dict(
    type="AttackLoop",
    attacks=[dict(type="igsm", eps=8, max_iter=2)],
    device="cpu",
    precision="float32",
    kept=1,
)
train_cfg = dict(by_epoch=True, max_epochs=2, val_interval=1)
default_hooks = dict(checkpoint=dict(save_best="{KEY}", rule="greater", max_keep_ckpts=2))
"""
# MMPose's tools speak to their developers, as they would in a process of their own.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """`run(tool, *arguments)`: a tool's `main` as the user would start it, in this process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOCAL_RANK", "0")

    def start(tool, *arguments):
        monkeypatch.setattr("sys.argv", [tool.name, *map(str, arguments)])
        try:
            runpy.run_path(str(tool), run_name="__main__")
        except SystemExit as stop:
            assert stop.code in (0, None), capsys.readouterr().err
        return capsys.readouterr().out

    return start


@pytest.fixture
def own_config(tmp_path, write_config, weights):
    """`own_config(add, backends="[]")`: the tiny config with an `AttackLoop`."""

    def write(add, backends="[]", load_from=str(weights)):
        text = PLUGIN.format(name=tmp_path.name, backends=backends) + add
        return write_config(tmp_path / "tiny.py", load_from=load_from, add=text)

    return write


def judged(run):
    """What was found, but for how long it took and what was asked for beside it."""
    (attack,) = run.attacks
    return run.clean, attack.model_copy(update={"seconds": 0.0})


def newest(folder, name):
    return sorted(folder.rglob(name))[-1]


def test_mmpose_tests_as_the_attack_command_does(run, own_config, config, weights, tmp_path):
    own = own_config(TESTED)
    run(TOOLS / "test.py", own, weights, "--work-dir", "theirs")
    flags = ["--attack", "igsm", "--eps", 8, "--num-samples", 4, "--device", "cpu"]
    run(OURS / "attack.py", config, weights, *flags, "--out", "ours")
    (theirs,) = read_results(tmp_path / "theirs").runs.values()
    (ours,) = read_results(tmp_path / "ours").runs.values()
    assert judged(theirs) == judged(ours)
    assert theirs.checkpoint == ours.checkpoint and theirs.config == str(own)


def test_scores_and_pictures_of_a_test_reach_the_backends(run, own_config, weights, tmp_path):
    board = find_spec("tensorboard") is not None
    own = own_config(TESTED, backends='[dict(type="TensorboardVisBackend")]' if board else "[]")
    run(TOOLS / "test.py", own, weights, "--work-dir", "run")
    (found,) = read_results(tmp_path / "run").runs.values()
    logged = json.loads(newest(tmp_path / "run", "scalars.json").read_text().splitlines()[-1])
    (attack,) = found.attacks
    assert logged["PCKh"] == found.clean.score.value
    assert logged["IGSM-U-10_eps8/PCKh"] == attack.score.value
    assert logged["IGSM-U-10_eps8/relative_PCKh"] == attack.relative.value
    metrics = json.loads(newest(tmp_path / "run", "2*.json").read_text())
    assert metrics["IGSM-U-10_eps8/PCKh"] == attack.score.value
    pictures = sorted((tmp_path / "run").rglob("vis_image/*.png"))
    assert [path.name for path in pictures] == [
        "IGSM-U-10_eps8_00000_0.png",
        "IGSM-U-10_eps8_00001_0.png",
    ]
    assert cv2.imread(str(pictures[0])).shape == (96, 64, 3)
    if board:
        events = newest(tmp_path / "run", "events.out.tfevents*").read_bytes()
        for name in (b"IGSM-U-10_eps8/PCKh", b"IGSM-U-10_eps8_00000"):
            assert name in events


def test_names_of_scores_and_pictures_are_those_that_mlflow_takes(
    run, own_config, weights, tmp_path
):
    like_mlflow = '[dict(type="LocalVisBackend", name="MLflowVisBackend")]'
    run(TOOLS / "test.py", own_config(TESTED, like_mlflow), weights, "--work-dir", "run")
    logged = json.loads(newest(tmp_path / "run", "scalars.json").read_text().splitlines()[-1])
    assert "PCK_0.1" in logged and not any("@" in name for name in logged)
    assert list((tmp_path / "run").rglob("vis_image/IGSM-U-10_eps8_00000.png*"))


@pytest.mark.parametrize("tool", [TOOLS / "train.py", OURS / "train.py"], ids=["MMPose", "ours"])
def test_robust_scores_while_training(run, own_config, tool, tmp_path):
    own = own_config(VALIDATED, load_from=None)
    run(tool, own, "--work-dir", "work")
    lines = newest(tmp_path / "work", "scalars.json").read_text().splitlines()
    scores = {line["step"]: line[KEY] for line in map(json.loads, lines) if "PCKh" in line}
    assert sorted(scores) == [1, 2]
    for epoch, score in scores.items():
        (found,) = read_results(tmp_path / "work/robustness" / f"epoch_{epoch}").runs.values()
        assert found.attacks[0].score.value == score
        assert "PCK" in found.clean.official
        assert list((tmp_path / "work").rglob(f"vis_image/IGSM-U-2_eps8_00000_{epoch}.png"))
    best = max(scores, key=lambda epoch: (scores[epoch], -epoch))
    (kept,) = (tmp_path / "work").rglob("*best*.pth")
    assert kept.name.endswith(f"epoch_{best}.pth")
    first, last = (
        torch.load(tmp_path / "work" / f"epoch_{epoch}.pth", weights_only=False)["state_dict"]
        for epoch in (1, 2)
    )
    moved = [name for name in first if not torch.equal(first[name], last[name])]
    assert any("weight" in name for name in moved), "attacks leave nothing frozen"


def test_weights_that_changed_are_validated_anew(run, own_config, tmp_path):
    """Whoever removes the checkpoints and trains again is scored by the new weights."""
    found = []
    for seed in (0, 1):
        own = own_config(VALIDATED + f"randomness = dict(seed={seed})\n", load_from=None)
        one = ["--cfg-options", "train_cfg.max_epochs=1"]
        run(OURS / "train.py", own, "--work-dir", "work", *one)
        (tmp_path / "work" / "epoch_1.pth").unlink()
        (done,) = read_results(tmp_path / "work/robustness/epoch_1").runs.values()
        store = np.load(newest(tmp_path / "work/robustness/epoch_1/store/clean", "000000*.npz"))
        found.append((done.checkpoint, store["poses/own"]))
    assert not np.array_equal(found[0][1], found[1][1])
