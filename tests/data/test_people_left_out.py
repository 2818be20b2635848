"""People and images that cannot be used are named, or left out where that is asked for."""

from __future__ import annotations

import json

import hpe_art.compat  # noqa: F401  (before mmpose)

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from hpe_art.data.annotations import DataError
from hpe_art.data.people import load_people

COUNT, JOINTS, WIDTH, HEIGHT = 6, 16, 64, 96


def missing(path):
    path.unlink()


def garbage(path):
    path.write_bytes(b"not a picture")


def empty(path):
    path.write_bytes(b"")


def truncated(path):
    path.write_bytes(path.read_bytes()[:-2000])


@pytest.mark.parametrize("spoil", [missing, garbage, empty, truncated])
def test_images_that_cannot_be_read_are_named_or_left_out(own, pixels, spoil):
    folder, cfg = own
    spoil(folder / "images" / "00002.jpg")
    with pytest.raises(DataError, match=r"Got 1 that .*00002.jpg \(.+\)\. Mend .*--skip-unread"):
        load_people(cfg)
    left = load_people(cfg, skip_unreadable=True)
    assert left.skipped == ("00002.jpg",)
    assert left.index.tolist() == [0, 1, 3, 4, 5]
    np.testing.assert_array_equal(left.x, pixels[left.index])
    np.testing.assert_allclose(left.to_image(left.y), left.truth.keypoints, atol=1e-3)


def test_broken_images_beyond_those_asked_for_do_not_matter(own):
    folder, cfg = own
    garbage(folder / "images" / "00004.jpg")
    assert len(load_people(cfg, num_samples=4)) == 4
    with pytest.raises(DataError, match="Got 1 that are not, first .*00004.jpg"):
        load_people(cfg)


def test_nobody_left(own):
    folder, cfg = own
    for path in (folder / "images").iterdir():
        garbage(path)
    with pytest.raises(DataError, match="Expected at least one readable image. Got none"):
        load_people(cfg, skip_unreadable=True)


def edit(folder, spoil):
    path = folder / "annotations" / "mpii_val.json"
    people = json.loads(path.read_text())
    spoil(people)
    path.write_text(json.dumps(people))


def drop_centre(people):
    del people[0]["center"]


def name_without_number(people):
    people[0]["image"] = "someone.jpg"


@pytest.mark.parametrize(
    ("spoil", "fact"),
    [
        (drop_centre, r"person 0 \(00000.jpg\): center missing"),
        (name_without_number, r"person 0 \(someone.jpg\): image is 'someone.jpg' for a name that"),
    ],
)
def test_annotations_that_mmpose_cannot_load(own, spoil, fact):
    folder, cfg = own
    edit(folder, spoil)
    with pytest.raises(DataError, match=f"Expected people .*mpii_val.json. Got 1 .* first {fact}"):
        load_people(cfg)


def not_known(people):
    people[2].update(center=[-1, -1], scale=-1)


def far_away(people):
    people[2]["center"] = [5000, 20]


def joints_elsewhere(people):
    people[2]["joints"] = [[5000, 20]] * 16


@pytest.mark.parametrize(
    ("spoil", "fact"),
    [
        (not_known, "centre and scale are not known"),
        (far_away, "its box lies outside the image of 120 x 170 pixels"),
        (joints_elsewhere, "all its joints lie outside the image of 120 x 170 pixels"),
    ],
)
def test_people_who_cannot_be_used_are_named_or_left_out(own, pixels, spoil, fact):
    """Also one whom MMPose would leave out and say nothing: nobody else's number changes."""
    folder, cfg = own
    edit(folder, spoil)
    named = rf"person 2 \(00002.jpg\): {fact}"
    with pytest.raises(DataError, match=f"mpii_val.json. Got 1 .*{named}.*--skip-bad"):
        load_people(cfg)
    left = load_people(cfg, skip_unreadable=True)
    assert left.index.tolist() == [0, 1, 3, 4, 5] and left.skipped == ()
    assert len(left.left_out) == 1 and left.left_out[0].startswith("person 2 (00002.jpg): ")
    np.testing.assert_array_equal(left.x, pixels[left.index])
    assert left.ann_file == str(folder / "annotations" / "mpii_val.json")


def test_people_without_a_labelled_joint_are_left_out(own):
    folder, cfg = own
    edit(folder, lambda people: people[3].update(joints_vis=[0] * 16, joints=[[-1, -1]] * 16))
    some = load_people(cfg)
    assert some.index.tolist() == [0, 1, 2, 4, 5]
    assert some.left_out == ("person 3 (00003.jpg): no joint is labelled",)
    edit(folder, lambda people: [one.update(joints_vis=[0] * 16) for one in people])
    with pytest.raises(DataError, match="Got none of 6, first person 0 .*no joint"):
        load_people(cfg)


def test_an_image_that_only_pillow_reads(own):
    folder, cfg = own
    path = folder / "images" / "00002.jpg"
    Image.open(path).save(path, "GIF")
    with pytest.raises(DataError, match="in the format GIF, which its reader cannot read"):
        load_people(cfg)
    assert load_people(cfg, skip_unreadable=True).skipped == ("00002.jpg",)


def test_an_image_that_only_opencv_reads(own, pixels, monkeypatch):
    _, cfg = own
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    np.testing.assert_array_equal(load_people(cfg).x, pixels)


@pytest.mark.parametrize("name", ["mpii_val.json", "mpii_gt_val.mat"])
def test_files_of_the_config_that_are_missing_are_named(own, name):
    folder, cfg = own
    (folder / "annotations" / name).unlink()
    with pytest.raises(DataError, match=f"{name}.*Name yours with --data-root"):
        load_people(cfg)


def test_an_unknown_dataset_is_named(cfg):
    cfg = Config(cfg.to_dict())
    cfg.test_dataloader.dataset.type = "NoSuchDataset"
    with pytest.raises(DataError, match="NoSuchDataset"):
        load_people(cfg)
