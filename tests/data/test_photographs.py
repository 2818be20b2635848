"""A photograph is cropped as MMPose crops it, and a perturbation comes back into it."""

from __future__ import annotations

from pathlib import Path

import hpe_art.compat  # noqa: F401

import cv2
import numpy as np
import pytest
from mmpose.apis import inference_topdown
from PIL import Image

from hpe_art.data.annotations import DataError
from hpe_art.data.photographs import crop_photograph, read_photograph
from hpe_art.estimators.loading import build_model, dataset_meta, load_config

PHOTOGRAPH = Path(__file__).parents[2] / "hpe_art/rendered_people/people_val/images/00004.jpg"


@pytest.fixture(scope="module")
def cfg(config):
    return load_config(config)


@pytest.fixture
def cropped(cfg):
    """`cropped(box=None, path=PHOTOGRAPH)` by the tiny config, whose crops are 64 x 96."""
    return lambda box=None, path=PHOTOGRAPH: crop_photograph(
        read_photograph(path, box), cfg, dataset_meta(cfg)
    )


@pytest.mark.parametrize("box", [None, (40.0, 20.0, 120.0, 180.5)])
def test_poses_are_those_of_mmpose(cfg, cropped, box):
    from hpe_art.estimators import PyTorchPoseEstimator

    model = build_model(cfg)
    model.cfg = cfg
    # Theirs leaves the file open where it takes the size from it.
    boxes = np.array([box or (0, 0, 192, 192)], np.float32)
    (theirs,) = inference_topdown(model, str(PHOTOGRAPH), boxes)
    crop = cropped(box)
    ours = crop.to_photograph(PyTorchPoseEstimator(model, device_type="cpu").predict(crop.x[None]))
    np.testing.assert_allclose(ours[0, :, :2], theirs.pred_instances.keypoints[0], atol=1e-2)
    np.testing.assert_allclose(crop.to_crop(crop.to_photograph(ours)), ours, atol=1e-2)


def test_a_map_of_udp_is_read_off_too(config):
    cfg = load_config(config)
    cfg.test_dataloader.dataset.pipeline[2].use_udp = True
    crop = crop_photograph(read_photograph(PHOTOGRAPH), cfg, dataset_meta(cfg))
    corners = crop.to_crop(np.array([[96 - 120, 96 - 180], [96 + 120, 96 + 180]], np.float32))
    np.testing.assert_allclose(corners, [[0, 0], [63, 95]], atol=1e-3)


@pytest.mark.parametrize("eps", [0.4, 1.5, 8.0])
@pytest.mark.parametrize("box", [None, (40.0, 20.0, 120.0, 180.0), (150.0, 150.0, 192.0, 192.0)])
def test_no_pixel_changes_by_more_than_eps_and_none_outside_the_crop(cropped, eps, box):
    crop = cropped(box)
    signs = np.random.default_rng(0).choice([-eps, eps], crop.x.shape).astype(np.float32)
    changed = crop.put_back(signs, eps).astype(int) - crop.photograph.pixels
    assert np.abs(changed).max() == (0 if eps < 1 else int(eps))
    x1, y1, x2, y2 = crop.window
    outside = np.ones(changed.shape[:2], bool)
    outside[y1:y2, x1:x2] = False
    assert not changed[outside].any()
    if eps >= 1:
        assert np.abs(changed[~outside]).mean() > 0.8 * int(eps)


def test_what_comes_back_is_there_when_cropped_again(cfg, cropped, tmp_path):
    crop = cropped()
    # Below 255 and above 0, so that nothing is clipped; whole pixels of the crop.
    change = np.random.default_rng(0).choice([-8.0, 8.0], crop.x.shape).astype(np.float32)
    path = tmp_path / "changed.png"
    cv2.imwrite(str(path), crop.put_back(change, 8.0))
    again = crop_photograph(read_photograph(path), cfg, dataset_meta(cfg))
    back = again.x - crop.x
    inside = crop.shows & (crop.x > 8).all(0) & (crop.x < 247).all(0)
    kept = (back * change)[:, inside].mean() / 64
    assert kept > 0.7
    assert not back[:, ~crop.shows].any()


def test_the_padding_shows_no_photograph(cropped):
    # With padding 1.25, and the shape of the crop, the crop is 240 x 360 pixels of 192 x 192.
    crop = cropped()
    assert crop.shows.shape == (96, 64)
    assert crop.shows.mean() == pytest.approx(192 * 192 / (240 * 360), rel=0.05)
    assert not crop.x[:, ~crop.shows].any()


def test_a_photograph_is_turned_as_its_exif_says(tmp_path):
    image, exif = Image.new("RGB", (30, 20)), Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "turned.jpg", exif=exif)
    assert read_photograph(tmp_path / "turned.jpg").box == (0, 0, 20, 30)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P"])
def test_other_kinds_of_images_become_colours(tmp_path, mode):
    Image.new(mode, (30, 20)).save(tmp_path / "other.png")
    assert read_photograph(tmp_path / "other.png").pixels.shape == (20, 30, 3)


@pytest.mark.parametrize(
    "box", [(0, 0, 193, 192), (-1, 0, 9, 9), (50, 0, 50, 9), (60, 0, 50, 9), (0, 9, 9, 5)]
)
def test_boxes_that_do_not_lie_in_the_photograph(box):
    with pytest.raises(DataError, match="192 x 192 pixels"):
        read_photograph(PHOTOGRAPH, box)


def test_what_is_no_photograph(tmp_path):
    (tmp_path / "text.jpg").write_text("no image")
    (tmp_path / "half.jpg").write_bytes(PHOTOGRAPH.read_bytes()[:2000])
    for path in ("text.jpg", "half.jpg", "nowhere.jpg"):
        with pytest.raises(DataError, match=f"Expected a photograph. Got .*{path}"):
            read_photograph(tmp_path / path)
