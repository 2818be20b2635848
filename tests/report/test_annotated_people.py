"""What annotations say of a person, drawn on the photograph."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from hpe_art.data.folder_checks import Annotated
from hpe_art.report.annotated_people import annotated_panel


@pytest.fixture
def person(tmp_path):
    image = tmp_path / "IMG_3.png"
    cv2.imwrite(str(image), np.full((60, 80, 3), (0, 0, 255), np.uint8))
    pose = np.array([[20, 10, 1], [-1, -1, 0], [30, 40, 2]], np.float32)
    box = np.array([10, 0, 50, 60], np.float32)
    return Annotated(7, image, pose, box, None, None)


def test_joints_of_an_unknown_skeleton_have_numbers_and_unlabelled_ones_nothing(person):
    (axes,) = annotated_panel(person).axes
    assert [text.get_text() for text in axes.texts] == ["0", "2"]
    assert axes.get_title() == "person 7, IMG_3.png: 2 of 3 joints\nbox 40 x 60 pixels"
    corners = [(patch.get_xy(), patch.get_width(), patch.get_height()) for patch in axes.patches]
    assert corners == [((10, 0), 40, 60), ((5, -7.5), 50, 75)]
    np.testing.assert_array_equal(axes.images[0].get_array()[0, 0], [255, 0, 0])


def test_what_reaches_beyond_the_crop_is_in_view(person):
    (axes,) = annotated_panel(person._replace(box=np.array([25, 30, 35, 40], np.float32))).axes
    left, right = axes.get_xlim()
    bottom, top = axes.get_ylim()
    assert left < 20 and top < 10 and right > 35 and bottom > 40


def test_an_image_that_is_gone_is_named(person):
    person.image.unlink()
    with pytest.raises(OSError, match=r"Got .*IMG_3.png, which cannot be read any more"):
        annotated_panel(person)


def test_names_of_joints_that_lie_on_each_other_are_apart_and_in_view(person):
    pose = np.tile(np.array([[20, 30, 1]], np.float32), (16, 1))
    (axes,) = annotated_panel(person._replace(pose=pose)).axes
    bottom, top = axes.get_ylim()
    by_column = {}
    for text in axes.texts:
        by_column.setdefault(text.get_ha(), []).append(text.xyann[1])
    assert sorted(by_column) == ["left", "right"]
    for heights in by_column.values():
        assert len(heights) == 8
        np.testing.assert_allclose(np.diff(heights), (bottom - top) / 28, rtol=1e-5)
        assert top < min(heights) and max(heights) < bottom
