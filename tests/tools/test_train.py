"""The command: two iterations on six people with a tiny hourglass."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import warnings
from itertools import count
from pathlib import Path

import pytest
import torch

from hpe_art.estimators.loading import build_model, load_config

REPOSITORY = Path(__file__).parents[2]
# The order of people and the first weights are drawn: without this, every run draws its own.
SEED = ["--cfg-options", "randomness.seed=0"]


@pytest.fixture(scope="module")
def train(load_tool):
    """`train(cwd, *arguments)`: the log of a run in this process."""
    main = load_tool("train.py").main

    numbers = count()

    def run(cwd, *arguments, work_dir="work", code=0):
        # Runs of one name that begin in one second would share a logger of MMEngine's.
        own, options = f"experiment_name=run{next(numbers)}", "--cfg-options"
        at = arguments.index(options) + 1 if options in arguments else len(arguments)
        given = [own] if options in arguments else [options, own]
        arguments = [*arguments[:at], *given, *arguments[at:]]
        with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MMEngine's, as in a process of its own
            patch.chdir(cwd)
            patch.setenv("LOCAL_RANK", "0")
            patch.setattr("sys.argv", ["train.py", *map(str, arguments)])
            assert main() == code
        return max((cwd / work_dir).rglob("*.log")).read_text()

    return run


@pytest.fixture(scope="module")
def trained(tmp_path_factory, train, write_config):
    """A work folder after one epoch of two iterations in bfloat16, the config, and the log."""
    folder = tmp_path_factory.mktemp("train")
    # From scratch: that these weights do not exist must not matter.
    config = write_config(folder / "tiny.py", load_from="no_such_weights.pth")
    log = train(folder, config, "--work-dir", "work", "--amp", *SEED)
    return folder, config, log


def checkpoint(path):
    # Written a moment ago by the test itself.
    return torch.load(path, map_location="cpu", weights_only=False)


def test_trains_from_scratch_and_validates(trained):
    folder, _, log = trained
    assert "Load checkpoint from" not in log and "no_such_weights.pth can not" not in log
    assert "PCK: " in log, "MpiiPCKAccuracy has scored the validation people"
    saved = checkpoint(folder / "work" / "epoch_1.pth")
    assert saved["meta"]["iter"] == 2
    # Mixed precision is in the passes alone: weights and optimizer stay in float32.
    values = saved["state_dict"].values()
    assert {v.dtype for v in values if v.is_floating_point()} == {torch.float32}


def test_what_it_saves_can_be_attacked(trained):
    folder, config, _ = trained
    path = folder / "work" / "epoch_1.pth"
    model = build_model(load_config(config), path)
    saved = checkpoint(path)["state_dict"]
    assert all(torch.equal(v, saved[k]) for k, v in model.state_dict().items())


def test_resumes_where_it_stopped(trained, train):
    folder, config, _ = trained
    options = [*SEED, "train_cfg.max_epochs=2"]
    log = train(folder, config, "--work-dir", "work", "--resume", *options)
    assert "resumed epoch: 1, iter: 2" in log
    saved = checkpoint(folder / "work" / "epoch_2.pth")
    assert saved["meta"]["iter"] == 4
    steps = {int(state["step"]) for state in saved["optimizer"]["state"].values()}
    assert steps == {4}, "the optimizer went on with its own state"


def test_what_was_trained_is_not_replaced(trained, train, capsys):
    folder, config, _ = trained
    kept = (folder / "work" / "epoch_1.pth").read_bytes()
    train(folder, config, "--work-dir", "work", *SEED, code=2)
    last = capsys.readouterr().err.splitlines()[-1]
    assert "Expected --resume, or a --work-dir without checkpoints. Got work with epoch_" in last
    assert (folder / "work" / "epoch_1.pth").read_bytes() == kept


def test_starts_from_given_weights_with_the_folder_of_the_user(
    trained, train, weights, tmp_path, write_people
):
    _, config, _ = trained
    people = write_people(tmp_path / "mine", 4)
    # With a learning rate of 0, what comes out are the weights that went in.
    options = ["--cfg-options", "optim_wrapper.optimizer.lr=0", "train_cfg.val_interval=9"]
    plain = tmp_path / "plain.pth"  # as attack.py advises to save them
    torch.save(checkpoint(weights)["state_dict"], plain)
    given = [config, "--load-from", plain, "--data-root", people]
    train(tmp_path, *given, *options, work_dir="work_dirs/tiny")
    saved = checkpoint(tmp_path / "work_dirs" / "tiny" / "epoch_1.pth")
    assert saved["meta"]["iter"] == 1, "one batch of three out of four people"
    first = checkpoint(weights)["state_dict"]
    for name, value in saved["state_dict"].items():
        if "running" not in name and "num_batches" not in name:
            assert torch.equal(value, first[name]), name


def test_goes_on_from_what_is_whole_and_keeps_it_when_it_diverges(trained, train, tmp_path, capsys):
    work = shutil.copytree(trained[0] / "work", tmp_path / "work")
    whole = (work / "epoch_1.pth").read_bytes()
    (work / "epoch_2.pth").write_bytes(whole[: len(whole) // 2])
    (work / "last_checkpoint").write_text("work/epoch_2.pth")
    options = [*SEED, "train_cfg.max_epochs=2", "model.head.loss.loss_weight=1e39"]
    log = train(tmp_path, trained[1], "--work-dir", "work", "--resume", *options, code=1)
    assert log.count(f"Training cannot go on from {work}/epoch_2.pth: it is damaged, or no") == 1
    assert f"goes on from {work}/epoch_1.pth, the newest whole checkpoint" in log
    assert "resumed epoch: 1, iter: 2" in log
    last = capsys.readouterr().err.splitlines()[-1]
    assert "error: Expected finite numbers in training. Got loss" in last
    assert "in epoch 2, iteration 3. " in last and "work/epoch_1.pth is kept: go on" in last
    assert (work / "epoch_1.pth").read_bytes() == whole


def test_leaves_out_who_cannot_be_used(train, tmp_path, write_config, write_people):
    people = write_people(tmp_path / "people")
    (people / "images" / "00001.jpg").write_text("no image")
    config = write_config(tmp_path / "tiny.py", data_root=people)
    short = [*SEED, "train_cfg.val_interval=9"]
    log = train(tmp_path, config, "--work-dir", "work", "--skip-bad", *short)
    assert "1 people or images, first 00001.jpg: it cannot be read" in log
    assert checkpoint(tmp_path / "work" / "epoch_1.pth")["meta"]["iter"] == 1
    went_on = [*short, "train_cfg.max_epochs=2"]
    train(tmp_path, config, "--work-dir", "work", "--skip-bad", "--resume", *went_on)
    assert checkpoint(tmp_path / "work" / "epoch_2.pth")["meta"]["iter"] == 2


@pytest.mark.slow
def test_what_is_killed_and_resumed_ends_in_the_same_weights(tmp_path, write_config):
    """Augmentations too are those of a run that was not stopped, in workers that go on and on."""
    (tmp_path / "killing.py").write_text(KILLING)
    names = "[*_base_.custom_imports.imports, 'killing']"
    hook = f"custom_imports = dict(imports={names}, allow_failed_imports=False)\n"
    hook += "custom_hooks = [*_base_.custom_hooks, dict(type='KillingHook')]\n"
    gain = "dict(type='RandomChannelGain')"
    drawn = f"train_dataloader['dataset']['pipeline'].insert(1, {gain})\n"
    drawn += "train_dataloader.update(num_workers=2, persistent_workers=True)\n"
    config = write_config(tmp_path / "tiny.py", add=hook + drawn)

    def train(work_dir, *more, kill=""):
        tool = [sys.executable, str(REPOSITORY / "tools" / "train.py"), str(config)]
        options = [*SEED, "train_cfg.max_epochs=3", "train_cfg.val_interval=9"]
        return subprocess.run(
            [*tool, "--work-dir", work_dir, *more, *options],
            cwd=tmp_path,
            env={**os.environ, "KILL": kill},
            capture_output=True,
            text=True,
        )

    done = train("undisturbed")
    assert done.returncode == 0, done.stderr[-3000:]
    expected = checkpoint(tmp_path / "undisturbed" / "epoch_3.pth")
    for work, where in (("one", "between two steps"), ("two", "in the middle of a checkpoint")):
        killed = train(work, kill=where)
        assert killed.returncode == -signal.SIGKILL, killed.stderr[-3000:]
        resumed = train(work, "--resume")
        assert resumed.returncode == 0, resumed.stderr[-3000:]
        said = f"goes on from {tmp_path / work}/epoch_1.pth, the newest whole checkpoint"
        assert said in resumed.stdout + resumed.stderr
        assert not list((tmp_path / work).glob(".*")), "half a file"
        found = checkpoint(tmp_path / work / "epoch_3.pth")
        for part in ("state_dict", "ema_state_dict"):
            assert expected[part].keys() == found[part].keys()
            assert all(torch.equal(v, found[part][k]) for k, v in expected[part].items()), part


KILLING = """\
import os, signal

from mmengine.hooks import Hook
from mmengine.registry import HOOKS


@HOOKS.register_module()
class KillingHook(Hook):
    def after_train_iter(self, runner, **others):
        if runner.epoch == 1 and os.environ["KILL"] == "between two steps":
            kill()
        if runner.epoch == 1 and os.environ["KILL"] == "in the middle of a checkpoint":
            os.fsync = kill


def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_two_processes_train_together_without_a_gpu(tmp_path, write_config):
    config = write_config(tmp_path / "tiny.py")
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    tool = REPOSITORY / "tools" / "train.py"
    done = subprocess.run(
        [sys.executable, *launch, str(tool), str(config), "--launcher", "pytorch", *SEED],
        cwd=tmp_path,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "GPU number: 2" in done.stdout + done.stderr, "what MMEngine calls processes"
    assert "PCK: " in done.stdout + done.stderr
    saved = checkpoint(tmp_path / "work_dirs" / "tiny" / "epoch_1.pth")
    assert saved["meta"]["iter"] == 1, "three of the six people for each process"


UNKNOWN_BEST = """\
default_hooks = dict(checkpoint=dict(save_best="FGSM_eps8/PCKh", rule="greater"))
val_cfg = dict(type="AttackLoop", attacks=[dict(type="fgsm", eps=8)])
"""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no.py"], "Expected a config file. Got no.py, which does not exist"),
        (["{config}", "--data-root", "nowhere"], "which does not exist"),
        (["{config}", "--ann-file", "a.json"], "need --data-root"),
        (["{config}", "--cfg-options", "x"], "expected KEY=VALUE, got x"),
        (
            ["{config}", "--cfg-options", "train_dataloader.num_worker=1"],
            "Expected train_dataloader with settings that PyTorch's DataLoader takes",
        ),
        (["{broken}"], "line 1"),
        (["{config}", *SEED, "model.backbone.nope=1"], "unexpected keyword argument 'nope'"),
        (["{config}", *SEED, "model.backbone=3"], "Got AttributeError: 'int' object has no"),
        (["{config}", *SEED, "train_dataloader.batch_size=7"], "one batch of 7. Got 6: lower"),
        (["{config}", *SEED, "default_hooks.checkpoint.interval=x"], "interval='x'"),
        (["{unknown}", *SEED], "attack in val_cfg: FGSM-U_eps8/PCKh. Got FGSM_eps8/PCKh"),
        (
            ["{config}", "--resume", "{broken}", *SEED],
            "Got {broken}: it is damaged, or no checkpoint",
        ),
        (
            ["hourglass", "--resume", "{broken}", *SEED],
            "Got {broken}: it is damaged, or no checkpoint",
        ),
        (
            ["{config}", "--data-root", "{people}", *SEED],
            "person 3 (00003.jpg): joint 0 is at [nan, ",
        ),
    ],
)
def test_bad_input(
    load_tool, capsys, monkeypatch, tmp_path, config, write_people, arguments, words
):
    people = write_people(tmp_path / "people")
    file = people / "annotations" / "mpii_train.json"
    entries = json.loads(file.read_text())
    entries[3]["joints"][0][0] = math.nan
    file.write_text(json.dumps(entries))
    broken = tmp_path / "broken.py"
    broken.write_text("model = dict(")
    cwd = tmp_path / "cwd"
    cwd.mkdir()
    monkeypatch.chdir(cwd)
    monkeypatch.setenv("LOCAL_RANK", "0")
    # Where nobody is rendered yet; that would come too late, and take minutes.
    monkeypatch.setenv("HPE_ART_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("hpe_art.rendered_people.dataset.render_people", None)
    unknown = tmp_path / "unknown.py"
    unknown.write_text(f'_base_ = ["{config}"]\n{UNKNOWN_BEST}')
    names = dict(config=config, broken=broken, people=people, unknown=unknown)
    given = [argument.format(**names) for argument in arguments]
    if SEED[1] in given:
        given.append(f"experiment_name={tmp_path.name}")
    monkeypatch.setattr("sys.argv", ["train.py", *given])
    try:
        code = load_tool("train.py").main()
    except SystemExit as stop:
        code = stop.code
    assert code == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("train.py: error: ") and words.format(**names) in last
    assert list(cwd.iterdir()) == []
