"""Training goes on from the newest checkpoint that is whole."""

from __future__ import annotations

import copy
import os
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from hpe_art.errors import UserError
from hpe_art.training.resuming import check_optimizer, check_resumed, newest_whole

MADE = {"epoch_9.pth": "20260101_000009", "epoch_10.pth": "20260101_000010"}


@pytest.fixture(scope="module")
def model():
    return nn.Linear(3, 2)


def content(model, made="20260101_000000"):
    optimizer = torch.optim.AdamW(model.parameters())
    meta = dict(epoch=1, iter=2, time=made)
    parts = dict(meta=meta, state_dict=model.state_dict(), message_hub={})
    return dict(parts, optimizer=optimizer.state_dict())


@pytest.fixture
def begun(tmp_path, model):
    """A folder with two whole checkpoints; the newer one lay there first, as copies may."""
    for name, made in reversed(MADE.items()):
        torch.save(content(model, made), tmp_path / name)
        os.utime(tmp_path / name, (10**9 - len(name), 10**9 - len(name)))
    # As a kill between the renaming of the new one and this leaves it.
    (tmp_path / "last_checkpoint").write_text(str(tmp_path / "epoch_9.pth"))
    torch.save({"state_dict": model.state_dict()}, tmp_path / "best_PCK_epoch_10.pth")
    return tmp_path


def test_the_newest_one_is_taken(begun, model):
    assert newest_whole(begun, model) == (begun / "epoch_10.pth", [])


def test_one_of_an_earlier_run_is_older_whatever_its_number(begun, model):
    torch.save(content(model, "20251231_000000"), begun / "epoch_210.pth")
    assert newest_whole(begun, model) == (begun / "epoch_10.pth", [])


def truncated(path, model):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path, model):
    path.write_bytes(b"")


def text(path, model):
    path.write_text("hello")


def weights_alone(path, model):
    torch.save(model.state_dict(), path)


def without_optimizer(path, model):
    torch.save({k: v for k, v in content(model).items() if k != "optimizer"}, path)


def not_finite(path, model):
    torch.save(content(spoiled(model)), path)


def spoiled(model):
    other = copy.deepcopy(model)
    other.weight.data[0, 0] = torch.nan
    return other


def other_network(path, model):
    torch.save(content(nn.Linear(3, 3)), path)


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (truncated, "it is damaged, or no checkpoint"),
        (empty, "it is damaged, or no checkpoint"),
        (text, "it is damaged, or no checkpoint"),
        (weights_alone, "it holds no meta, state_dict, message_hub, optimizer"),
        (without_optimizer, "it holds no optimizer, so it is not one of training"),
        (not_finite, "weight has values that are not finite"),
        (other_network, "it is of another network: weight is missing, or of another shape"),
    ],
)
def test_what_cannot_be_used_is_passed_over_and_named(begun, model, spoil, what):
    newest = begun / "epoch_11.pth"
    torch.save(content(model, "20260101_000011"), newest)
    spoil(newest, model)
    path, faults = newest_whole(begun, model)
    assert path == begun / "epoch_10.pth"
    if faults:  # what was made when it cannot be read is known by the clock of the file alone
        assert len(faults) == 1 and faults[0].startswith(f"{newest}: {what}")
    with pytest.raises(UserError, match=f"checkpoint to resume. Got {newest}: {what}.*--load-from"):
        check_resumed(str(newest), model)
    for name in MADE:
        (begun / name).unlink()
    with pytest.raises(UserError, match=f"Got 2 that cannot be used, first {newest}: {what}"):
        newest_whole(begun, model)


def test_nothing_to_resume(tmp_path, model):
    with pytest.raises(UserError, match=f"to resume in {tmp_path}. Got none. Name another one, or"):
        newest_whole(tmp_path, model)
    (tmp_path / "last_checkpoint").write_text("gone/epoch_3.pth")
    with pytest.raises(UserError, match="Got 1 that cannot be used, first gone/epoch_3.pth: not"):
        newest_whole(tmp_path, model)


def test_checkpoints_that_lie_elsewhere(begun, tmp_path, model):
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "last_checkpoint").write_text(str(begun / "epoch_9.pth"))
    assert newest_whole(folder, model)[0] == begun / "epoch_10.pth"


def test_another_optimizer(begun, model):
    check_optimizer(begun / "epoch_9.pth", torch.optim.AdamW(model.parameters(), lr=7))
    other = torch.optim.SGD(model.parameters(), lr=1)
    with pytest.raises(UserError, match="with this optimizer to resume. Got .*9.pth, of another"):
        check_optimizer(begun / "epoch_9.pth", other)
    several = SimpleNamespace(state_dict=lambda: {"a": other.state_dict()})
    with pytest.raises(UserError, match="of another"):
        check_optimizer(begun / "epoch_9.pth", several)
