from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch
from mmengine.runner.checkpoint import CheckpointLoader

from hpe_art import zoo
from hpe_art.zoo.packing import pack, unpack

REPOSITORY = Path(__file__).parents[2]
KEYS = {"file", "sha256", "config", "command", "seed", "date"}


def load(name: str):
    return CheckpointLoader.load_checkpoint(name, map_location="cpu", logger="silent")


# --- what is bundled -----------------------------------------------------------------------------


def test_every_entry_says_how_it_was_made():
    for name, entry in zoo.index().items():
        assert set(entry) >= KEYS, name
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", entry["date"])
        assert isinstance(entry["seed"], int)
        assert (REPOSITORY / entry["config"]).is_file()
        assert entry["config"] in entry["command"]
        assert any(key.lower().startswith("clean") for key in entry)


def test_every_file_is_there_whole_and_small():
    total = sum(zoo.checkpoint_path(name).stat().st_size for name in zoo.index())
    assert total < 7.5e6
    for name in zoo.index():
        # Nothing but weights: no optimizer, no log, no path of the machine it was trained on.
        content = load(f"zoo://{name}")
        assert set(content) <= {"state_dict", "meta"}
        assert all(torch.isfinite(value).all() for value in content["state_dict"].values())


def test_every_network_is_built_with_its_weights_from_any_folder(tmp_path, monkeypatch):
    from hpe_art.estimators.loading import build_model, load_config

    monkeypatch.chdir(tmp_path)
    for name, entry in zoo.index().items():
        cfg = load_config(REPOSITORY / entry["config"])
        assert cfg.load_from == f"zoo://{name}"
        model = build_model(cfg)
        weights = load(cfg.load_from)["state_dict"]
        assert all(torch.equal(v, weights[k]) for k, v in model.state_dict().items())


def test_every_perturbation_is_whole_small_and_strong():
    from hpe_art.attacks import UniversalPosePerturbation
    from hpe_art.estimators import PyTorchPoseEstimator

    for name, network in zoo.index().items():
        for eps, entry in network.get("perturbations", {}).items():
            path = zoo.perturbation_path(name, float(eps))
            assert path.stat().st_size < 60e3
            estimator = PyTorchPoseEstimator.from_config(REPOSITORY / network["config"])
            attack = UniversalPosePerturbation.load(path, estimator)
            assert attack.fitted["source"] == f"zoo://{name}" and attack.eps == float(eps)
            assert entry["relative_PCKh"] < 90


def test_no_file_is_left_over():
    listed = {entry["file"] for entry in zoo.index().values()}
    for entry in zoo.index().values():
        listed |= {found["file"] for found in entry.get("perturbations", {}).values()}
    assert {path.name for path in zoo.FOLDER.glob("*.npz")} == listed


# --- the machinery, on an entry of our own ---------------------------------------------------


WEIGHTS = {
    "first.weight": torch.tensor([[0.5, -2.0, 1 / 3]]),
    "norm.num_batches_tracked": torch.tensor(7),
    "norm.running_var": torch.tensor([4.0, 0.25]),
    "scale": torch.tensor(1.5),
}


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A zoo with one network, "small"."""
    monkeypatch.setattr(zoo, "FOLDER", tmp_path)
    path = zoo.save("small", pack(WEIGHTS))
    index = {"small": {"file": path.name, "sha256": zoo.sha256(path)}}
    (tmp_path / "index.json").write_text(json.dumps(index))
    return path


def test_sha256_is_that_of_the_content(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    # FIPS 180-2, appendix B.1
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert zoo.sha256(tmp_path / "abc") == expected


def test_weights_come_back(own):
    weights = load("zoo://small")["state_dict"]
    assert weights.keys() == WEIGHTS.keys()
    expected = unpack(pack(WEIGHTS))
    assert all(torch.equal(value, expected[name]) for name, value in weights.items())


def test_names_with_and_without_prefix(own):
    assert zoo.checkpoint_path("small") == zoo.checkpoint_path("zoo://small") == own


def test_an_unknown_name_lists_those_there_are(own):
    message = r"Expected a bundled network out of \['small'\]. Got 'large'"
    with pytest.raises(zoo.ZooError, match=message):
        load("zoo://large")


def change(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("spoil", [change, Path.unlink, lambda path: path.write_bytes(b"")])
def test_a_file_that_is_not_the_one_of_the_index(own, spoil):
    spoil(own)
    message = "Expected .*small.npz with SHA-256 [0-9a-f]{64}. Got another or no file: install"
    with pytest.raises(zoo.ZooError, match=message):
        load("zoo://small")
