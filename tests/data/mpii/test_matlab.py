"""MATLAB files: what SciPy can read is told from what would end the process."""

from __future__ import annotations

import io
from pathlib import Path
from struct import pack_into, unpack_from

import numpy as np
import pytest
import scipy.io.matlab
from releases import structs
from scipy.io import loadmat, savemat

from hpe_art.data.mpii import matlab
from hpe_art.data.mpii.matlab import check_matlab

OF_MATLAB = Path(scipy.io.matlab.__file__).parent / "tests" / "data"
FLAGS = 144
"""Where the flags of the first array lie in a file that is not packed."""
HELD = {
    "numbers": np.arange(24.0).reshape(2, 3, 4),
    "complex": np.array([1 + 2j]),
    "text": "a text",
    "cells": np.array([1, "b", np.array([True])], object),
    "structs": structs({"x": 1.0, "inner": structs({"y": "z"})}, {"x": 2.0, "inner": 0.0}),
    "empty": np.empty((0, 3)),
}


@pytest.fixture
def written(tmp_path):
    """`written(held, change)`: a file, not packed, with its bytes changed."""

    def write(held, change=lambda data: None):
        buffer = io.BytesIO()
        savemat(buffer, held)
        data = bytearray(buffer.getvalue())
        change(data)
        path = tmp_path / "a.mat"
        path.write_bytes(data)
        return path

    return write


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", HELD)
def test_what_scipy_writes_is_whole(tmp_path, name, packed):
    savemat(tmp_path / "a.mat", {name: HELD[name]}, do_compression=packed)
    check_matlab(tmp_path / "a.mat")


@pytest.mark.skipif(not OF_MATLAB.is_dir(), reason="this SciPy comes without its tests")
def test_what_matlab_writes_is_whole_and_nothing_else():
    """SciPy's own files: those that it cannot read are refused here too."""
    accepted = 0
    for path in OF_MATLAB.glob("*.mat"):
        try:
            check_matlab(path)
        except Exception:
            continue
        accepted += 1
        if path.name != "bad_miutf8_array_name.mat":  # refused by SciPy, in words
            loadmat(path)
    assert accepted > 60


def set_flags(bits):
    return lambda data: pack_into("<I", data, FLAGS, unpack_from("<I", data, FLAGS)[0] | bits)


def names_without_end(data):
    at = data.index(b"x\x00\x00")
    data[at : at + 32] = b"x" * 32


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("numbers", set_flags(0x800), "without imaginary numbers"),  # ends the process in SciPy
        ("numbers", set_flags(0xFF), "of class 255"),
        ("numbers", lambda data: pack_into("<I", data, 192, 99), "without numbers"),
        ("numbers", lambda data: pack_into("<I", data, 132, 2**31), "cut short"),
        ("numbers", lambda data: data.__delitem__(slice(-9, None)), "cut short"),
        ("numbers", lambda data: pack_into("<i", data, 160, -1), "of shape"),
        ("cells", lambda data: pack_into("<i", data, 164, 2**20), "another number of values"),
        ("structs", names_without_end, "fields have no names"),
        ("text", lambda data: data.__setitem__(slice(126, 128), b"XX"), "of version 5 to 7"),
        ("text", lambda data: data.__setitem__(slice(0, 10), b"MATLAB 7.3"), "save it with -v7"),
    ],
)
def test_what_is_damaged_is_refused_in_words(written, name, change, said):
    with pytest.raises(ValueError, match=said):
        check_matlab(written({name: HELD[name]}, change))


def test_what_is_packed_and_damaged_is_refused_in_words(tmp_path):
    path = tmp_path / "a.mat"
    savemat(path, {"numbers": HELD["numbers"]}, do_compression=True)
    damaged = bytearray(path.read_bytes())
    damaged[-3] ^= 255  # of the sum that it is checked by
    path.write_bytes(damaged)
    with pytest.raises(ValueError, match="packed array that is damaged"):
        check_matlab(path)


def test_what_is_nested_too_deep_or_too_large_is_refused(tmp_path, monkeypatch):
    deep = np.zeros(1)
    for _ in range(matlab.DEEPEST + 2):
        cell = np.empty(1, object)
        cell[0] = deep
        deep = cell
    savemat(tmp_path / "a.mat", {"deep": deep})
    with pytest.raises(ValueError, match="32 deep"):
        check_matlab(tmp_path / "a.mat")
    monkeypatch.setattr(matlab, "LARGEST", 2**20)
    savemat(tmp_path / "a.mat", {"large": np.zeros(2**18)}, do_compression=True)
    with pytest.raises(ValueError, match="more than 1 MiB"):
        check_matlab(tmp_path / "a.mat")
