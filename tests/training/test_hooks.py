"""Whatever stops training, a whole checkpoint is left."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from uuid import uuid4

import numpy as np
import pytest
import torch
from mmengine.logging import MessageHub
from mmengine.runner import save_checkpoint

from hpe_art.errors import UserError
from hpe_art.training.hooks import DivergedError, FiniteHook, WholeCheckpointHook


@pytest.fixture
def runner(tmp_path):
    """What hooks see of a Runner: it is at the end of epoch 1, and saves what it is told to."""

    def save(folder, filename, file_client_args=None, backend_args=None, **options):
        save_checkpoint(
            runner.content, f"{folder}/{filename}", file_client_args, backend_args=backend_args
        )

    runner = SimpleNamespace(
        content={"epoch": 1},
        epoch=0,
        iter=4,
        model=torch.nn.Linear(3, 2),
        work_dir=str(tmp_path),
        logger=logging.getLogger("test"),
        message_hub=MessageHub.get_instance(uuid4().hex),
        save_checkpoint=save,
    )
    return runner


def saved(runner, hook, epochs):
    hook.before_train(runner)
    for epoch in range(epochs):
        runner.epoch = epoch
        hook.after_train_epoch(runner)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(("asked", "kept"), [(1, 2), (2, 2), (3, 3), (-1, 4)])
def test_two_checkpoints_are_kept_at_least(runner, tmp_path, asked, kept):
    saved(runner, WholeCheckpointHook(interval=1, max_keep_ckpts=asked, save_last=False), 4)
    assert names(tmp_path) == [*(f"epoch_{n}.pth" for n in range(5 - kept, 5)), "last_checkpoint"]


def test_a_full_disk_costs_no_checkpoint(runner, tmp_path, monkeypatch):
    best = dict(save_best="PCK", rule="greater")
    hook = WholeCheckpointHook(interval=1, save_last=False, max_keep_ckpts=2, **best)
    saved(runner, hook, 2)
    runner.epoch = 2  # MMEngine validates when it has counted the epoch
    hook.after_val_epoch(runner, {"PCK": 1.0})
    before = names(tmp_path)
    assert before == ["best_PCK_epoch_2.pth", "epoch_1.pth", "epoch_2.pth", "last_checkpoint"]

    def full(descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        for save in (
            lambda: hook.after_train_epoch(runner),
            lambda: hook.after_val_epoch(runner, {"PCK": 2.0}),
        ):
            with pytest.raises(OSError, match="No space left"):
                save()
            assert names(tmp_path) == before
    for name in ("epoch_1.pth", "epoch_2.pth"):
        assert torch.load(tmp_path / name, weights_only=True) == runner.content


def test_what_a_killed_process_left_of_a_file_is_removed(runner, tmp_path):
    (tmp_path / ".epoch_3.pth.123.part").write_text("half")
    (tmp_path / "part").write_text("a user's own")
    WholeCheckpointHook(interval=1).before_train(runner)
    assert names(tmp_path) == ["part"]


@pytest.mark.parametrize("option", [dict(interval="x"), dict(max_keep_ckpts=None)])
def test_options_that_do_not_fit(option):
    with pytest.raises(UserError, match=r"whole numbers for the CheckpointHook\. Got interval="):
        WholeCheckpointHook(**option)


@pytest.mark.parametrize("loss", [torch.nan, torch.inf])
def test_a_loss_that_is_not_finite_stops_training(runner, tmp_path, loss):
    hook, images = FiniteHook(), ["/d/00001.jpg", "/d/00007.jpg"]
    batch = {"data_samples": [SimpleNamespace(metainfo={"img_path": path}) for path in images]}
    good = {"loss": torch.tensor(1.0), "acc_pose": torch.tensor(torch.nan)}
    hook.after_train_iter(runner, 0, batch, good)
    assert hook.iterations == 1
    bad = {**good, "loss_kpt": torch.tensor([1.0, loss])}
    words = rf"Got loss_kpt {loss} \(images 00001.jpg, 00007.jpg\), in epoch 1, iteration 5"
    with pytest.raises(DivergedError, match=rf"{words}\. No checkpoint is kept; lower optim_wrap"):
        hook.after_train_iter(runner, 0, batch, bad)
    meta = dict(time="20260101_000000")
    parts = dict(meta=meta, state_dict=runner.model.state_dict(), message_hub={}, optimizer={})
    torch.save(parts, tmp_path / "epoch_3.pth")
    (tmp_path / "epoch_4.pth").write_bytes(b"half")
    with pytest.raises(DivergedError, match="epoch_3.pth is kept: go on from it with --resume"):
        hook.after_train_iter(runner, 0, batch, bad)


def test_a_weight_that_is_not_finite_is_not_saved(runner):
    weights = {"a": torch.ones(3), "count": torch.tensor(3)}
    FiniteHook().before_save_checkpoint(runner, {"state_dict": weights})
    weights["b"] = torch.tensor([1.0, np.inf, np.nan])
    with pytest.raises(DivergedError, match="Got b with 2 values that are none, in epoch 1"):
        FiniteHook().before_save_checkpoint(runner, {"state_dict": weights})
