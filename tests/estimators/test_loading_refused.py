from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from hpe_art import zoo
from hpe_art.estimators.loading import ModelError, build_model, load_config


@pytest.fixture
def cfg(config):
    return load_config(config)


@pytest.fixture(scope="module")
def state(weights):
    return torch.load(weights, weights_only=True)["state_dict"]


def refuses(cfg, path, message):
    with pytest.raises(ModelError, match=message) as caught:
        build_model(cfg, path)
    assert str(path) in str(caught.value)


def test_no_such_checkpoint(cfg, tmp_path):
    path = tmp_path / "none.pth"
    refuses(cfg, path, r"Expected a checkpoint\. Got .*none.pth, which does not exist\.")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_truncated_checkpoint(cfg, weights, tmp_path, share):
    path = tmp_path / "part.pth"
    content = weights.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    refuses(cfg, path, r"Expected a .*checkpoint.*(cannot be read|damaged).*\)\. ")


def test_a_file_that_is_no_checkpoint(cfg, tmp_path):
    path = tmp_path / "notes.pth"
    path.write_text("These are not weights, only words. " * 20)
    refuses(cfg, path, r"Got .*notes.pth, .*(cannot be read|damaged)")


class Evil:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


@pytest.mark.parametrize("kind", ["zip", "legacy", "pickle"])
def test_a_checkpoint_that_would_run_code(cfg, state, tmp_path, kind):
    marker, path = tmp_path / "was run", tmp_path / "evil.pth"
    content = {"state_dict": state, "meta": Evil(marker)}
    if kind == "pickle":
        path.write_bytes(pickle.dumps({"meta": Evil(marker)}, protocol=2))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=kind == "zip")
    refuses(cfg, path, r"could run code, or is damaged: it is refused and nothing was run \(.+\)\.")
    assert not marker.exists()


def three_stacks(tmp_path, write_config):
    cfg = load_config(write_config(tmp_path / "three.py", stacks=3))
    return build_model(cfg).state_dict()


def test_weights_of_more_stacks(cfg, tmp_path, write_config):
    path = tmp_path / "three.pth"
    torch.save(three_stacks(tmp_path, write_config), path)
    refuses(
        cfg,
        path,
        r"is of another architecture: \d+ unknown \(first: backbone.hourglasses.2.*"
        r"\. Name the config that it was trained from\.",
    )


def test_weights_of_fewer_stacks(weights, tmp_path, write_config):
    cfg = load_config(write_config(tmp_path / "three.py", stacks=3))
    refuses(cfg, weights, r"another architecture: \d+ missing \(first: backbone.hourglasses.2")


def test_weights_of_another_width(cfg, weights):
    cfg.model.backbone.channels = 12
    refuses(cfg, weights, r"\d+ of another shape \(first: backbone.* for .*\[3")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "Expected a checkpoint with weights. Got a list"),
        ({"state_dict": 3}, "Expected a checkpoint with weights. Got a int"),
        ({}, "another architecture: .* missing"),
        ({"state_dict": {"head": 1}}, r"missing .* 1 unknown \(first: head\)"),
    ],
)
def test_checkpoints_without_these_weights(cfg, tmp_path, content, message):
    path = tmp_path / "other.pth"
    torch.save(content, path)
    refuses(cfg, path, message)


def test_values_that_are_no_tensors(cfg, state, tmp_path):
    path, name = tmp_path / "other.pth", next(iter(state))
    torch.save({**state, name: 1}, path)
    refuses(cfg, path, rf"1 of another shape \(first: {name} None for")


def test_weights_that_are_not_in_the_zoo(cfg):
    listed = str(sorted(zoo.index())).replace("[", r"\[")
    with pytest.raises(ModelError, match=f"Expected a bundled network out of {listed}. Got 'no'"):
        build_model(cfg, "zoo://no")
