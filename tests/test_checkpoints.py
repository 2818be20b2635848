"""The one reader of checkpoints; tests/estimators/test_loading_refused.py has damaged files."""

from __future__ import annotations

import socket
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import EMAHook
from mmengine.runner.checkpoint import CheckpointLoader
from torch import nn
from torch.nn.parallel import DataParallel

from hpe_art.checkpoints import WEIGHTS, read_weights
from hpe_art.errors import ModelError

STATE = {"backbone.weight": torch.tensor([1.0, 2.0]), "backbone.count": torch.tensor(3)}


@pytest.fixture(autouse=True)
def downloads_stay_here(tmp_path, monkeypatch):
    """And go to no other machine."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def read(tmp_path, content):
    torch.save(content, tmp_path / "weights.pth")
    return read_weights(str(tmp_path / "weights.pth"))


def are_equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def renamed(prefix):
    return {f"{prefix}{name}": value for name, value in STATE.items()}


@pytest.mark.parametrize(
    "prefix",
    ["module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module.", "module.module."],
)
@pytest.mark.parametrize("container", [None, "state_dict", "model", "net"])
def test_wrappers_and_containers_are_taken_off(tmp_path, prefix, container):
    weights = renamed(prefix)
    assert are_equal(read(tmp_path, {container: weights} if container else weights), STATE)


def test_parts_may_be_compiled_and_called_module(tmp_path):
    backbone = nn.Sequential()
    backbone.add_module("module", nn.Linear(2, 2))
    model = nn.ModuleDict({"backbone": torch.compile(backbone)})
    assert "backbone._orig_mod.module.bias" in model.state_dict()
    given = DataParallel(model).state_dict()
    assert read(tmp_path, given).keys() == {"backbone.module.weight", "backbone.module.bias"}


def test_the_mean_of_ema_counts_where_both_are_there(tmp_path):
    other = {name: value * 9 for name, value in STATE.items()}
    ema = {"steps": torch.tensor(5), **renamed("module.")}
    assert are_equal(read(tmp_path, {"ema_state_dict": ema}), STATE)
    swapped = {"state_dict": other, "ema_state_dict": ema}
    assert are_equal(read(tmp_path, swapped), other)


def test_mmengine_saves_the_mean_as_the_weights(tmp_path):
    """What `read_weights` relies on where both are there."""
    model, hook = nn.Linear(1, 1), EMAHook(momentum=0.5)
    hook.before_run(SimpleNamespace(model=model))
    for value in (1.0, 5.0):
        nn.init.constant_(model.weight, value)
        hook.ema_model.update_parameters(model)
    mean = hook.ema_model.module.weight.item()
    content = {"state_dict": {k: v.clone() for k, v in model.state_dict().items()}}
    hook.before_save_checkpoint(SimpleNamespace(model=model), content)
    assert mean != 5 and read(tmp_path, content)["weight"].item() == mean
    content.pop("state_dict")
    assert read(tmp_path, content)["weight"].item() == 5


def test_another_container_beside_what_cannot_be_meant(tmp_path):
    assert are_equal(read(tmp_path, {"epoch": 3, "model_state_dict": STATE}), STATE)
    two = {"generator": STATE, "discriminator": STATE}
    assert read(tmp_path, two).keys() == two.keys(), "either could be meant"


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_weights_that_are_not_numbers_are_named(tmp_path, value, dtype):
    bad = torch.tensor([value, 1.0, value, value], dtype=dtype)
    message = r"Expected finite weights\. Got a.bad with 3 values that are not numbers in .*weights"
    with pytest.raises(ModelError, match=message):
        read(tmp_path, {"state_dict": {**STATE, "module.a.bad": bad}})


def test_weights_too_large_for_float32_are_named(tmp_path):
    large = torch.tensor([1e300, 1.0], dtype=torch.float64)
    with pytest.raises(ModelError, match="Got running_var with 1 values"):
        read(tmp_path, {"running_var": large})


def test_an_address_that_cannot_be_reached_is_refused_at_once():
    with socket.socket() as held:  # and nobody listens
        held.bind(("127.0.0.1", 0))
        url, begun = f"http://127.0.0.1:{held.getsockname()[1]}/x.pth", time.monotonic()
        with pytest.raises(ModelError) as caught:
            read_weights(url)
    assert time.monotonic() - begun < 10
    message = str(caught.value)
    assert message.startswith(f"Expected a checkpoint. Got {url}, which cannot be reached (urlopen")
    assert message.endswith("Connection refused): download it and give its path.")


@pytest.fixture
def server(tmp_path):
    """A server on this machine that has `good.pth`, and half of it; its address."""
    torch.save({"state_dict": STATE}, tmp_path / "good.pth")
    content = (tmp_path / "good.pth").read_bytes()
    files = {"/good.pth": content, "/half.pth": content[: len(content) // 2]}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path in files else 404)
            self.end_headers()
            self.wfile.write(files.get(self.path, b""))

        def log_message(self, *args):
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as served:
        thread = Thread(target=served.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{served.server_port}"
        served.shutdown()
        thread.join()


def test_weights_at_an_address(server, tmp_path):
    assert are_equal(read_weights(f"{server}/good.pth"), STATE)
    with pytest.raises(ModelError, match=r"which cannot be reached \(HTTP Error 404: Not Found\):"):
        read_weights(f"{server}/none.pth")
    message = rf"cannot be read \(.+\)\. Remove its copy in {tmp_path}/hub/checkpoints, and do"
    with pytest.raises(ModelError, match=message):
        read_weights(f"{server}/half.pth")


def test_mmengine_gets_the_weights_of_any_format(tmp_path):
    torch.save({"model": renamed("module.")}, tmp_path / "weights.pth")
    loaded = CheckpointLoader.load_checkpoint(f"{WEIGHTS}{tmp_path}/weights.pth", logger="silent")
    assert loaded.keys() == {"state_dict"} and are_equal(loaded["state_dict"], STATE)


def test_a_folder_is_no_checkpoint(tmp_path):
    with pytest.raises(ModelError, match=f"Expected a checkpoint. Got {tmp_path}, which is a fold"):
        read_weights(str(tmp_path))


def test_an_unknown_prefix_is_refused():
    with pytest.raises(ModelError, match="Expected a .*checkpoint. Got torchvision://no, which"):
        read_weights("torchvision://no")
