from __future__ import annotations

import sys

import hpe_art.compat  # noqa: F401

import numpy as np
import pytest
from mmengine.config import Config

from hpe_art.data.corruptions import CORRUPTIONS, KINDS, CorruptImage, corruptions_named
from hpe_art.evaluation.corruptions import corrupted_config

COMPILED = "glass_blur"  # by numba, when it is first used
DRAWS_NOTHING = {"defocus_blur", "zoom_blur", "brightness", "contrast", "pixelate"}
DRAWS_NOTHING |= {"jpeg_compression"}
EACH = [
    pytest.param(name, marks=[pytest.mark.slow] * (name == COMPILED), id=name)
    for name in CORRUPTIONS
]


@pytest.fixture(scope="module")
def image():
    """A photograph's smoothness: 64 x 48 pixels, BGR."""
    rows, columns = np.mgrid[:64, :48]
    waves = [100 + 60 * np.sin(rows / (4 + k)) + 40 * np.cos(columns / (3 + k)) for k in range(3)]
    return np.stack(waves, -1).clip(0, 255).astype(np.uint8)


def corrupted(image, name, severity=3, seed=0, path="a/1.jpg"):
    step = CorruptImage(name, severity, seed)
    return step.transform({"img": image.copy(), "img_path": path})["img"]


@pytest.mark.parametrize("name", EACH)
def test_what_is_drawn_depends_on_seed_and_image_alone(image, name):
    found = corrupted(image, name)
    assert found.shape == image.shape and found.dtype == np.uint8
    assert (found != image).mean() > 0.05
    np.random.seed(5)
    assert np.array_equal(found, corrupted(image, name, path="elsewhere/1.jpg"))
    np.random.seed(5)
    drawn = np.random.random()
    np.random.seed(5)
    corrupted(image, name)
    assert np.random.random() == drawn, "the global state is as it was"
    if name not in DRAWS_NOTHING:
        assert not np.array_equal(found, corrupted(image, name, seed=1))
        assert not np.array_equal(found, corrupted(image, name, path="2.jpg"))


# Fog and frost are laid over an image, wherever: not farther from it at each severity.
@pytest.mark.parametrize("name", [one for one in EACH if one.id not in ("fog", "frost")])
def test_severity_takes_away_more(image, name):
    mild, strong = (
        np.abs(corrupted(image, name, severity).astype(float) - image).mean() for severity in (1, 5)
    )
    assert strong > 1.15 * mild


def test_images_are_bgr():
    """Frost is blue: on black it has more of the first channel than of the last."""
    black = np.zeros((64, 64, 3), np.uint8)
    means = [corrupted(black, "frost", seed=seed).mean((0, 1)) for seed in range(6)]
    assert np.mean(means, 0)[0] > np.mean(means, 0)[2]


def test_names():
    assert corruptions_named([]) == CORRUPTIONS and len(CORRUPTIONS) == 15
    assert corruptions_named(["fog", "noise"]) == (*KINDS["noise"], "fog")
    with pytest.raises(ValueError, match="Expected corruptions out of gaussian_noise.* Got rain."):
        corruptions_named(["rain", "fog"])


def test_it_comes_right_behind_the_image():
    step = dict(type="CorruptImage", name="fog")
    for kind in ("LoadImage", "mmpose.datasets.transforms.LoadImage", type("LoadImage", (), {})):
        pipeline = [dict(type="Before"), dict(type=kind), dict(type="TopdownAffine")]
        cfg = Config(dict(test_dataloader=dict(dataset=dict(pipeline=pipeline))))
        found = corrupted_config(cfg, step).test_dataloader.dataset.pipeline
        assert [one["type"] for one in found] == ["Before", kind, "CorruptImage", "TopdownAffine"]
        assert len(cfg.test_dataloader.dataset.pipeline) == 3
    with pytest.raises(ValueError, match="a test pipeline with one LoadImage. Got 0"):
        corrupted_config(Config(dict(test_dataloader=dict(dataset={}))), step)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rain",), "Expected a corruption out of gaussian_noise, .*jpeg_compression. Got rain."),
        (("fog", 6), "Expected a severity of 1 to 5. Got 6."),
    ],
)
def test_corruptions_that_are_none(arguments, message):
    with pytest.raises(ValueError, match=message):
        CorruptImage(*arguments)


def test_an_image_that_is_too_small():
    with pytest.raises(ValueError, match="32 pixels at least to corrupt. Got a.jpg of 40x31"):
        corrupted(np.zeros((31, 40, 3), np.uint8), "fog", path="a.jpg")


def test_the_package_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "imagecorruptions", None)
    with pytest.raises(ValueError, match=r"Got none: pip install hpe-art\[corruptions\]"):
        CorruptImage("fog")
