"""Checkpoints are loaded by hpe_art.compat without running what is in them."""

from __future__ import annotations

import os
import pickle
import socket
from pathlib import Path

import numpy as np
import pytest
import torch

from hpe_art import compat
from hpe_art.evaluation.collecting import checkpoint_record
from hpe_art.files import sha256

SIGMAS = np.linspace(0.02, 0.1, 16)
needs_allow_list = pytest.mark.skipif(
    not compat.DONE["checkpoint types allow-listed"], reason="this torch has no allow list"
)


class Evil:
    """A pickle that makes a file or folder when it is loaded."""

    def __init__(self, marker: Path, way: str = "method") -> None:
        self.marker, self.way = marker, way

    def __reduce__(self):
        return {
            "method": (Path.touch, (self.marker,)),
            "system": (os.mkdir, (str(self.marker),)),
            "eval": (eval, (f"open({str(self.marker)!r}, 'w').close()",)),
        }[self.way]


def load(path: Path):
    from mmengine.runner.checkpoint import CheckpointLoader

    return CheckpointLoader.load_checkpoint(str(path), map_location="cpu", logger="silent")


@needs_allow_list
def test_a_checkpoint_of_mmengines_runner_loads(tmp_path):
    from mmengine.logging import MessageHub

    hub = MessageHub("a run")
    for value in (3.0, 1.0):
        hub.update_scalar("train/loss", value)
        hub.update_scalar("train/lr", np.float64(value))
    hub.update_info("epoch", 2)
    layer = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(layer.parameters())
    layer(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    path = tmp_path / "epoch_2.pth"
    content = {
        "meta": {"epoch": 2, "seed": 0, "dataset_meta": {"sigmas": SIGMAS, "name": "mpii"}},
        "state_dict": layer.state_dict(),
        "optimizer": optimizer.state_dict(),
        "message_hub": hub.state_dict(),
    }
    torch.save(content, path)
    loaded = load(path)
    assert torch.equal(loaded["state_dict"]["weight"], layer.weight)
    np.testing.assert_array_equal(loaded["meta"]["dataset_meta"]["sigmas"], SIGMAS)
    history = loaded["message_hub"]["log_scalars"]["train/loss"]
    assert (history.current(), history.mean(), history.min()) == (1.0, 2.0, 1.0)
    again = MessageHub("another run")
    again.load_state_dict(loaded["message_hub"])
    assert again.get_scalar("train/lr").max() == 3.0


@needs_allow_list
@pytest.mark.parametrize("other", ["numpy.core.multiarray", "numpy._core.multiarray"])
def test_arrays_written_by_either_numpy_load(tmp_path, other):
    path = tmp_path / "weights.pth"
    values = np.arange(4, dtype=np.float32)
    torch.save({"a": values, "b": np.float32(2)}, path, _use_new_zipfile_serialization=False)
    module = np.ndarray.__reduce__(values)[0].__module__
    path.write_bytes(path.read_bytes().replace(module.encode(), other.encode()))
    loaded = load(path)
    np.testing.assert_array_equal(loaded["a"], values)
    assert loaded["b"] == 2


@pytest.mark.parametrize("way", ["method", "system", "eval"])
@pytest.mark.parametrize("nested", [True, False])
@pytest.mark.parametrize("new_format", [True, False])
def test_a_pickle_that_would_run_code_is_refused(tmp_path, way, nested, new_format):
    marker, path = tmp_path / "was run", tmp_path / "evil.pth"
    evil = Evil(marker, way)
    content = {"state_dict": {"a": evil}} if nested else evil
    torch.save(content, path, _use_new_zipfile_serialization=new_format)
    with pytest.raises(pickle.UnpicklingError, match=r"(?i)unsupported|not an allowed"):
        load(path)
    assert not marker.exists()
    pickle.loads(pickle.dumps(evil))
    assert marker.exists(), "the pickle is as evil as it should be"


class Getattr:
    """Pickles as `getattr(owner, name)`."""

    def __init__(self, owner: object, name: str) -> None:
        self.owner, self.name = owner, name

    def __reduce__(self):
        return getattr, (self.owner, self.name)


@needs_allow_list
def test_getattr_serves_the_statistics_of_histories_alone(tmp_path):
    from mmengine.logging import HistoryBuffer

    path = tmp_path / "weights.pth"
    torch.save({"a": Getattr(HistoryBuffer, "mean")}, path)
    assert load(path)["a"] is HistoryBuffer.mean
    for owner, name in ((HistoryBuffer, "__init__"), (np.ndarray, "tofile")):
        torch.save({"a": Getattr(owner, name)}, path)
        refusal = f"Got {owner.__name__}.{name}: this checkpoint is refused"
        with pytest.raises(pickle.UnpicklingError, match=refusal):
            load(path)


def test_a_downloaded_checkpoint_is_loaded_as_carefully(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    cache = tmp_path / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    marker = tmp_path / "was run"
    good, evil = (compat.cached_path(f"https://example.org/{n}.pth") for n in ("good", "evil"))
    assert good.parent == cache
    torch.save({"state_dict": {"a": torch.ones(2)}}, good)
    torch.save(Evil(marker), evil)
    assert load("https://example.org/good.pth")["state_dict"]["a"].tolist() == [1, 1]
    with pytest.raises(pickle.UnpicklingError):
        load("https://example.org/evil.pth")
    assert not marker.exists()

    def download(url, path, wanted, progress):
        torch.save({"url": url}, path)

    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    assert load("https://example.org/new.pth?v=2")["url"].endswith("new.pth?v=2")
    assert compat.cached_path("https://example.org/new.pth?v=2").is_file()


def test_each_address_has_a_download_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    asked = []

    def download(url, path, wanted, progress):
        asked.append((url, socket.getdefaulttimeout()))
        torch.save({"url": url}, path)

    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    urls = [f"http://h/{folder}/epoch_200.pth" for folder in "ab"]
    for _ in range(2):
        assert [load(url)["url"] for url in urls] == urls
    assert asked == [(url, compat.STALLED) for url in urls], "each once, and not for ever"
    assert socket.getdefaulttimeout() is None
    assert checkpoint_record(urls[0]) == {
        "path": urls[0],
        "sha256": sha256(compat.cached_path(urls[0])),
    }
    assert checkpoint_record("http://h/not_loaded.pth")["sha256"] is None


def test_a_download_is_what_its_name_says(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    torch.save({"state_dict": {}}, tmp_path / "weights.pth")
    own = sha256(tmp_path / "weights.pth")[:8]

    def url(name):
        path = tmp_path / name
        path.write_bytes((tmp_path / "weights.pth").read_bytes())
        return path.as_uri()

    good = compat.downloaded(url(f"net-{own}.pth"), progress=False)
    assert compat.downloaded(url("net-20200708.pth"), progress=False).is_file(), "a date"
    with pytest.raises(RuntimeError, match="invalid hash value"):
        compat.downloaded(url("net-0123abcd.pth"), progress=False)
    good.write_bytes(b"cut")
    again = compat.downloaded(url(f"net-{own}.pth"), progress=False)
    assert again == good and sha256(good).startswith(own)


def test_a_missing_checkpoint(tmp_path):
    with pytest.raises(FileNotFoundError, match="none.pth can not be found"):
        load(tmp_path / "none.pth")


@needs_allow_list
def test_an_old_torch_has_no_list_of_harmless_types(monkeypatch):
    monkeypatch.delattr(torch.serialization, "add_safe_globals")
    assert compat.load_checkpoints_safely() is False
