from __future__ import annotations

import json
import re
import zipfile

import numpy as np
import pytest

from hpe_art.attacks.universal_file import FORMAT, read_perturbation, write_perturbation

FACTS = dict(format=FORMAT, source="", eps=8.0, delta=None, epochs=2, batch_size=16)
FACTS |= dict(targeted=False, outputs="last", seed=0, bgr=True)


def saved(path, levels=None, **facts):
    levels = np.full((3, 4, 5), 127, np.int8) if levels is None else levels
    kept = {key: value for key, value in {**FACTS, **facts}.items() if value is not ...}
    np.savez(path, noise=levels, fitted=np.array(json.dumps(kept)))
    return path


def test_what_is_written_is_read_again(tmp_path):
    noise = np.random.default_rng(0).uniform(-8, 8, (3, 4, 5)).astype(np.float32)
    write_perturbation(tmp_path / "a.npz", noise, {**FACTS, "loss": "training", "people": 7})
    found, facts = read_perturbation(tmp_path / "a.npz")
    np.testing.assert_allclose(found, noise, atol=8 / 127 / 2 + 1e-6)
    assert facts == {**FACTS, "loss": "training", "people": 7}
    assert read_perturbation(saved(tmp_path / "old.npz"))[1]["loss"] == "training"


@pytest.mark.parametrize(
    ("levels", "facts", "message"),
    [
        (np.zeros((0, 4, 5), np.int8), {}, "Got int8 (0, 4, 5), not int8 (3, H, W)."),
        (np.zeros((4, 4, 5), np.int8), {}, "Got int8 (4, 4, 5), not int8 (3, H, W)."),
        (np.zeros((3, 4, 5), np.float32), {}, "Got float32 (3, 4, 5), not int8 (3, H, W)."),
        (np.full((3, 4, 5), -128, np.int8), {}, "Got a level of -128, which is beyond eps."),
        (None, {"bgr": ...}, "Got in bgr: Field required."),
        (None, {"outputs": ...}, "Got in outputs: Field required."),
        (None, {"outputs": "some"}, "Got in outputs: Input should be 'last' or 'all'."),
        (None, {"eps": "8"}, "Got in eps: Input should be a valid number."),
        (None, {"eps": float("nan")}, "Got in eps: "),
        (None, {"eps": -1}, "Got in eps: Input should be greater than 0."),
        (None, {"targeted": None}, "Got in targeted: Input should be a valid boolean."),
        (None, {"format": 2}, "Got in format: Input should be 1."),
    ],
)
def test_files_that_are_none(tmp_path, levels, facts, message):
    path = saved(tmp_path / "a.npz", levels, **facts)
    with pytest.raises(ValueError, match=re.escape(f"writes it in {path}. {message}")):
        read_perturbation(path)


def test_a_file_that_unpacks_to_more_than_memory(tmp_path):
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("noise.npy", bytes(65 * 2**20))
    with pytest.raises(ValueError, match="68 MB of arrays, more than 67"):
        read_perturbation(path)
