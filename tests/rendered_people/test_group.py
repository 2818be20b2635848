"""Pictures of several people: what the body model says of them, and that a seed fixes them."""

import cv2
import numpy as np
import pytest

from hpe_art.rendered_people import coco_people_folder, render_people
from hpe_art.rendered_people.body_model import load_model
from hpe_art.rendered_people.contact_sheet import contact_sheet
from hpe_art.rendered_people.pictures import Member, group
from hpe_art.rendered_people.vectors import moved

pytest.importorskip("anny", reason="rendering needs anny")


@pytest.fixture(scope="module")
def drawn():
    return [group(2, "val", index) for index in range(3)]


def test_same_seed_same_picture_as_the_bundled_one(drawn):
    again = group(2, "val", 1)
    np.testing.assert_array_equal(again.image, drawn[1].image)
    for index, one in enumerate(drawn):
        path = coco_people_folder("val") / "images" / f"{index:05d}.jpg"
        # Up to JPEG and the rounding of another machine.
        assert np.abs(cv2.imread(str(path)).astype(int) - one.image).mean() < 6


def test_other_seed_or_split_is_another_picture(drawn):
    for other in (group(1, "val", 0), group(2, "train", 0)):
        assert np.abs(other.image.astype(int) - drawn[0].image).mean() > 5


def test_nobody_covers_anybody(drawn):
    for one in drawn:
        assert sum(member.mask.astype(int) for member in one.members).max() == 1


def test_a_member_of_whom_little_is_seen_is_a_crowd():
    mask = np.zeros((192, 192), bool)
    mask[:20, :20] = True
    seen = np.repeat([2, 1, 0], [8, 4, 5])
    member = Member(np.zeros((17, 2)), seen, mask)
    assert not member.crowd
    for few in (np.repeat([2, 1, 0], [7, 4, 6]), np.repeat([2, 1, 0], [8, 5, 4])):
        assert Member(np.zeros((17, 2)), few, mask).crowd
    assert Member(np.zeros((17, 2)), seen, mask & (np.arange(192) < 5)).crowd


def test_face_vertices_are_where_the_face_is():
    from hpe_art.rendered_people.pictures import _face_vertices

    points = load_model().template
    nose, left_eye, right_eye, left_ear, right_ear = (
        points[own].mean(axis=0) for own in _face_vertices()
    )
    # x to the person's left, y to the back, z up; metres.
    np.testing.assert_allclose(left_eye * [-1, 1, 1], right_eye, atol=1e-3)
    np.testing.assert_allclose(left_ear * [-1, 1, 1], right_ear, atol=2e-3)
    assert left_ear[0] > left_eye[0] > 0.02 and abs(nose[0]) < 2e-3
    assert nose[1] < left_eye[1] < left_ear[1]
    assert 0.01 < left_eye[2] - nose[2] < 0.07
    assert 0.12 < left_ear[0] - right_ear[0] < 0.2


def test_moved_turns_about_the_vertical():
    points = np.array([[1.0, 0, 2], [0, 1, 3]])
    result = moved(points, np.pi / 2, np.array([10.0, 20]))
    np.testing.assert_allclose(result, [[10, 21, 2], [9, 20, 3]], atol=1e-12)


def test_a_set_is_written_whole(tmp_path, drawn):
    folder = render_people(tmp_path / "set", "val", 2, seed=2, workers=1, label_format="coco")
    assert [path.name for path in tmp_path.iterdir()] == ["set"]
    ours = (folder / "annotations/person_keypoints_val.json").read_text().splitlines()
    bundled = coco_people_folder("val") / "annotations/person_keypoints_val.json"
    assert ours[1] == bundled.read_text().splitlines()[1]
    assert contact_sheet(folder, "val", "coco", skeletons=True).shape == (384, 8 * 384, 3)


def test_an_unknown_format_is_refused(tmp_path):
    with pytest.raises(ValueError, match="Expected a format of mpii, coco. Got 'voc'"):
        render_people(tmp_path / "set", "val", 1, label_format="voc")
