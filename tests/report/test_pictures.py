from __future__ import annotations

import matplotlib.image
import numpy as np
import pytest
from example_results import EPE, attack, run
from matplotlib.figure import Figure

from hpe_art.report import PersonPictures, draw_pictures, draw_skeleton, person_panel, save_pictures
from hpe_art.report.pictures import pictured_attacks, remove_pictures
from hpe_art.skeleton import MPII


@pytest.fixture
def person(images, pose):
    return PersonPictures(3, *images, pose, pose + 2, clean_score=92.86, perturbed_score=21.4)


def panel(person, name, eps, norm="inf", **more):
    return person_panel(person, attack(name, eps, 50.0, norm=norm), run([], **more))


def titles(figure):
    return [axes.get_title() for axes in figure.axes]


def test_skeleton_lines_end_in_the_joints(pose):
    lines = draw_skeleton(Figure().subplots(), pose, MPII.bones)
    assert len(lines) == len(MPII.bones)
    for line, (first, second, _) in zip(lines, MPII.bones, strict=True):
        np.testing.assert_array_equal(line.get_xydata(), pose[[first, second], :2])


def test_sides_have_their_own_colours(pose):
    lines = draw_skeleton(Figure().subplots(), pose, MPII.bones)
    pairs = zip(lines, MPII.bones, strict=True)
    colours = {(side, line.get_color()) for line, (_, _, side) in pairs}
    assert len(colours) == len({colour for _, colour in colours}) == 3


def test_untargeted_panel(person):
    figure = panel(person, "IGSM-U-10", 8)
    assert titles(figure) == ["clean", "perturbed", "perturbation × 16"]
    assert [len(axes.lines) for axes in figure.axes] == [15, 15, 0]
    called, headline = figure.get_suptitle().splitlines()
    assert called == "person 3"
    assert headline == "IGSM-U-10, eps 8 of 255 grey levels: PCKh of this person 93 → 21 %"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("IMG_2000.jpg", "IMG_2000.jpg, person 3"),
        ("$\\frac{1}$ <b>人.jpg", "$\\frac{1}$ <b>人.jpg, person 3"),
        ("x" * 150 + "/IMG_2000.jpg", "…" + "x" * 46 + "/IMG_2000.jpg, person 3"),
    ],
    ids=["usual", "hostile", "long"],
)
def test_a_picture_names_the_photograph(person, tmp_path, name, shown):
    one = run([attack("FGSM-U", 8, 50.0)])
    one.dataset.images = {3: name}
    (entry,) = one.attacks
    assert person_panel(person, entry, one).get_suptitle().splitlines()[0] == shown
    assert save_pictures(tmp_path, [person], entry, one)


def test_targeted_panel(images, pose):
    figure = panel(PersonPictures(0, *images, pose, pose + 2, pose + 5), "IGSM-T-20", 8)
    assert titles(figure)[3:] == ["target pose"]
    np.testing.assert_array_equal(figure.axes[3].lines[0].get_xydata(), pose[:2, :2] + 5)
    assert "PCKh of the target pose - → - %" in figure.get_suptitle()


def test_images_are_shown_as_they_are_and_the_perturbation_magnified(person):
    clean, perturbed, delta = (
        axes.images[0].get_array() for axes in panel(person, "FGSM-U", 8).axes
    )
    np.testing.assert_array_equal(clean, person.clean.transpose(1, 2, 0))
    np.testing.assert_array_equal(perturbed, person.perturbed.transpose(1, 2, 0))
    expected = np.clip(128 + 16 * (person.perturbed - person.clean), 0, 255)
    np.testing.assert_array_equal(delta, expected.transpose(1, 2, 0))


def test_joints_outside_leave_the_view_on_the_image(person):
    for axes in panel(person, "FGSM-U", 8).axes:
        assert axes.get_xlim() == (-0.5, 31.5)
        assert axes.get_ylim() == (39.5, -0.5)
        assert all(line.get_clip_on() for line in axes.lines)


@pytest.mark.parametrize(
    ("eps", "title"),
    [(0.25, "perturbation × 512"), (0, "perturbation × 1"), (200, "perturbation × 1")],
)
def test_the_factor_is_named(person, eps, title):
    assert titles(panel(person, "NOISE", eps))[2] == title


@pytest.mark.parametrize("norm", [1, 2])
def test_in_another_norm_the_largest_change_fills_the_range(images, pose, tmp_path, norm):
    clean = np.full_like(images[0], 100)
    changed = clean.copy()
    changed[0, 3, 3] += 4
    person = PersonPictures(7, clean, changed, pose, pose)
    figure = panel(person, "IGSM-U-10 L2", 500, norm)
    assert titles(figure)[2] == "perturbation × 32"
    assert figure.axes[2].images[0].get_array()[3, 3, 0] == 255
    assert figure.get_suptitle().splitlines()[1].startswith("IGSM-U-10 L2, eps 500: PCKh")
    (path,) = save_pictures(
        tmp_path, [person], attack("IGSM-U-10 L2", 500, 50.0, norm=norm), run([])
    )
    assert path.name == "igsm-u-10-l2_eps500_0007.png"


def test_missing_joints_are_left_out(images, pose, tmp_path):
    broken = pose.copy()
    broken[3:9] = np.nan
    people = [PersonPictures(12, *images, broken, np.full((16, 2), np.inf), broken)]
    (path,) = save_pictures(tmp_path / "pictures", people, attack("IGSM-T-20", 0.5, 50.0), run([]))
    assert path == tmp_path / "pictures" / "igsm-t-20_eps0.5_0012.png"
    height, width, _ = matplotlib.image.imread(path).shape
    assert width == 1200
    assert height > 300


def test_images_must_agree(images, pose):
    with pytest.raises(ValueError, match=r"shape \(3, H, W\). Got \(3, 40, 32\) and \(3, 40, 31\)"):
        panel(PersonPictures(0, images[0], images[1][..., :31], pose, pose), "NOISE", 8)


def test_the_headline_is_in_the_metrics_unit(person):
    figure = panel(person, "FGSM-U", 8, metric=EPE)
    assert figure.get_suptitle().endswith("EPE of this person 92.9 → 21.4 px")


def test_without_a_bound_the_largest_change_fills_the_range(person, tmp_path):
    free = attack("FREE-U", None, 50.0)
    assert titles(person_panel(person, free, run([])))[2] == "perturbation × 16"
    (path,) = save_pictures(tmp_path, [person], free, run([]))
    assert path.name == "free-u_0003.png"


def test_each_attack_but_noise_is_pictured_at_its_largest_eps(results, person, tmp_path):
    chosen = {name: one.eps for name, one in pictured_attacks(results).items()}
    assert chosen == {"IGSM-U-10": 8.0, "IGSM-T-100-ALL": 8.0}
    assert draw_pictures(tmp_path / "pictures", {"IGSM-U-10": [person]}, results) == 2
    names = {path.name for path in (tmp_path / "pictures").iterdir()}
    assert names == {"igsm-u-10_eps8_0003.png", "eps_curve.png"}


def test_pictures_of_before_are_removed_and_no_others(person, tmp_path):
    (path,) = save_pictures(tmp_path, [person], attack("FGSM-U", 8, 50.0), run([]))
    matplotlib.image.imsave(tmp_path / "mine_eps8_0003.png", np.zeros((4, 4)))
    (tmp_path / "broken.png").write_text("")
    assert remove_pictures(tmp_path) == 1 and not path.exists()
    assert {one.name for one in tmp_path.iterdir()} == {"mine_eps8_0003.png", "broken.png"}
