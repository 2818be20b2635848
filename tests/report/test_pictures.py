from __future__ import annotations

import matplotlib.image
import numpy as np
import pytest
from matplotlib.figure import Figure

from hpe_art.mpii import SKELETON
from hpe_art.report import Person, draw_skeleton, person_panel, save_pictures


@pytest.fixture
def person(images, pose):
    return Person(3, *images, pose, pose + 2, clean_pckh=92.86, perturbed_pckh=21.4)


def titles(figure):
    return [axes.get_title() for axes in figure.axes]


def test_skeleton_lines_end_in_the_joints(pose):
    lines = draw_skeleton(Figure().subplots(), pose)
    assert len(lines) == len(SKELETON)
    for line, (first, second, _) in zip(lines, SKELETON, strict=True):
        np.testing.assert_array_equal(line.get_xydata(), pose[[first, second], :2])


def test_sides_have_their_own_colours(pose):
    lines = draw_skeleton(Figure().subplots(), pose)
    pairs = zip(lines, SKELETON, strict=True)
    colours = {(side, line.get_color()) for line, (_, _, side) in pairs}
    assert len(colours) == len({colour for _, colour in colours}) == 3


def test_untargeted_panel(person):
    figure = person_panel(person, "IGSM-U-10", 8)
    assert titles(figure) == ["clean", "perturbed", "perturbation × 16"]
    assert [len(axes.lines) for axes in figure.axes] == [15, 15, 0]
    headline = figure.get_suptitle()
    assert headline == "IGSM-U-10, eps 8 of 255 grey levels: PCKh of this person 93 → 21 %"


def test_targeted_panel(images, pose):
    figure = person_panel(Person(0, *images, pose, pose + 2, pose + 5), "IGSM-T-20", 8)
    assert titles(figure)[3:] == ["target pose"]
    np.testing.assert_array_equal(figure.axes[3].lines[0].get_xydata(), pose[:2, :2] + 5)
    assert "- → - %" in figure.get_suptitle()


def test_images_are_shown_as_they_are_and_the_perturbation_magnified(person):
    clean, perturbed, delta = (
        axes.images[0].get_array() for axes in person_panel(person, "FGSM-U", 8).axes
    )
    np.testing.assert_array_equal(clean, person.clean.transpose(1, 2, 0))
    np.testing.assert_array_equal(perturbed, person.perturbed.transpose(1, 2, 0))
    expected = np.clip(128 + 16 * (person.perturbed - person.clean), 0, 255)
    np.testing.assert_array_equal(delta, expected.transpose(1, 2, 0))


def test_joints_outside_leave_the_view_on_the_image(person):
    for axes in person_panel(person, "FGSM-U", 8).axes:
        assert axes.get_xlim() == (-0.5, 31.5)
        assert axes.get_ylim() == (39.5, -0.5)
        assert all(line.get_clip_on() for line in axes.lines)


@pytest.mark.parametrize(
    ("eps", "title"),
    [(0.25, "perturbation × 512"), (0, "perturbation × 1"), (200, "perturbation × 1")],
)
def test_the_factor_is_named(person, eps, title):
    assert titles(person_panel(person, "NOISE", eps))[2] == title


@pytest.mark.parametrize("norm", [1, 2])
def test_in_another_norm_the_largest_change_fills_the_range(images, pose, tmp_path, norm):
    clean = np.full_like(images[0], 100)
    changed = clean.copy()
    changed[0, 3, 3] += 4
    person = Person(7, clean, changed, pose, pose)
    figure = person_panel(person, "IGSM-U-10 L2", 500, norm)
    assert titles(figure)[2] == "perturbation × 32"
    assert figure.axes[2].images[0].get_array()[3, 3, 0] == 255
    assert figure.get_suptitle().startswith("IGSM-U-10 L2, eps 500: PCKh")
    (path,) = save_pictures(tmp_path, [person], "IGSM-U-10 L2", 500, norm)
    assert path.name == "igsm-u-10-l2_eps500_0007.png"


def test_missing_joints_are_left_out(images, pose, tmp_path):
    broken = pose.copy()
    broken[3:9] = np.nan
    people = [Person(12, *images, broken, np.full((16, 2), np.inf), broken)]
    (path,) = save_pictures(tmp_path / "pictures", people, "IGSM-T-20", 0.5)
    assert path == tmp_path / "pictures" / "igsm-t-20_eps0.5_0012.png"
    height, width, _ = matplotlib.image.imread(path).shape
    assert width == 1200
    assert height > 300


def test_images_must_agree(images, pose):
    with pytest.raises(ValueError, match=r"shape \(3, H, W\). Got \(3, 40, 32\) and \(3, 40, 31\)"):
        person_panel(Person(0, images[0], images[1][..., :31], pose, pose), "NOISE", 8)
