"""Crops in a file read like the array that they are."""

import copy
import gc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from hpe_art.data.pixels import PixelFile

CROPS = np.random.default_rng(0).integers(0, 256, (7, 3, 4, 5), np.uint8)


@pytest.fixture
def pixels():
    return PixelFile(iter(CROPS))


@pytest.mark.parametrize(
    "chosen",
    [3, -1, slice(2, 5), slice(5, 99), slice(0, 0), slice(None, None, -2), [4, 0, 4]],
    ids=repr,
)
def test_indexing_is_numpys(pixels, chosen):
    found, expected = pixels[chosen], CROPS[chosen]
    assert found.dtype == expected.dtype and found.shape == expected.shape
    np.testing.assert_array_equal(found, expected)


def test_it_looks_like_an_array(pixels):
    assert (len(pixels), pixels.shape, pixels.ndim) == (7, CROPS.shape, 4)
    np.testing.assert_array_equal(np.asarray(pixels), CROPS)
    assert np.asarray(pixels, np.float32).dtype == np.float32


def test_what_is_read_can_be_changed_without_the_file(pixels):
    first = pixels[:1]
    first += 1
    np.testing.assert_array_equal(pixels[:1], CROPS[:1])


def test_threads_do_not_disturb_each_other(pixels):
    with ThreadPoolExecutor(4) as pool:
        for i, crop in enumerate(pool.map(lambda i: pixels[i % 7], range(200))):
            np.testing.assert_array_equal(crop, CROPS[i % 7])


def test_the_file_has_no_name_and_goes_with_the_object(pixels, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    here = PixelFile(CROPS)
    assert not list(Path(tmp_path).iterdir())
    file = here._file
    shallow = copy.copy(here)
    del here, shallow
    gc.collect()
    assert file.closed


def test_wrong_use_is_named(pixels):
    with pytest.raises(IndexError):
        pixels[7]
    with pytest.raises(ValueError, match="Expected at least one crop. Got none."):
        PixelFile([])
    with pytest.raises(ValueError, match=r"Expected crops of \(3, 4, 5\). Got \(3, 4, 4\)."):
        PixelFile([CROPS[0], CROPS[0, :, :, :4]])
