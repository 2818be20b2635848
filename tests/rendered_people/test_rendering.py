import subprocess
import sys

import hpe_art.compat  # noqa: F401

import cv2
import numpy as np
import pytest

from hpe_art.rendered_people import people_folder, render_people
from hpe_art.rendered_people.body_model import load_model
from hpe_art.rendered_people.contact_sheet import contact_sheet
from hpe_art.rendered_people.pictures import person, streams

BONES_OF_THE_BODY = [(0, 1), (1, 2), (3, 4), (4, 5), (10, 11), (11, 12), (13, 14), (14, 15)]


@pytest.fixture(scope="module")
def anny():
    """Anny, an extra; the first time on a machine it takes a while to parse its data."""
    return pytest.importorskip("anny", reason="rendering needs anny")


@pytest.fixture(scope="module")
def drawn(anny):
    return [person(0, "val", index) for index in (0, 1, 2)]


def test_same_seed_same_person(drawn):
    again = person(0, "val", 1)
    np.testing.assert_array_equal(again.image, drawn[1].image)
    np.testing.assert_array_equal(again.joints, drawn[1].joints)


def test_the_bundled_people_are_those_of_the_recipe(drawn):
    for index, one in enumerate(drawn):
        bundled = cv2.imread(str(people_folder("val") / "images" / f"{index:05d}.jpg"))
        # Up to JPEG and the rounding of another machine.
        assert np.abs(bundled.astype(int) - one.image).mean() < 6


def test_other_seed_split_or_index_is_another_person(drawn):
    for other in (person(1, "val", 0), person(0, "train", 0)):
        assert np.abs(other.joints - drawn[0].joints).max() > 5


def test_splits_share_no_random_numbers():
    draws = {
        (split, index, name): rng.integers(2**62)
        for split in ("train", "val")
        for index in range(20)
        for name, rng in streams(0, split, index).items()
    }
    assert len(set(draws.values())) == len(draws)


def test_joints_lie_on_the_person(drawn):
    for one in drawn:
        near = cv2.dilate(one.mask.astype(np.uint8), np.ones((7, 7))) > 0
        for k in np.flatnonzero(one.inside & ~one.occluded):
            x, y = np.rint(one.joints[k]).astype(int)
            assert near[np.clip(y, 0, 191), np.clip(x, 0, 191)]


def test_limbs_run_inside_the_silhouette(drawn):
    inside = []
    for one in drawn:
        near = cv2.dilate(one.mask.astype(np.uint8), np.ones((3, 3))) > 0
        for a, b in BONES_OF_THE_BODY:
            if one.inside[[a, b]].all() and not one.occluded[[a, b]].any():
                line = np.linspace(one.joints[a], one.joints[b], 9)
                x, y = np.clip(np.rint(line).astype(int), 0, 191).T
                inside.append(near[y, x].mean())
    assert np.mean(inside) > 0.95


def test_a_set_is_written_whole_and_does_not_depend_on_the_workers(tmp_path, drawn):
    folder = render_people(tmp_path / "set", "val", 2, workers=1)
    assert [p.name for p in tmp_path.iterdir()] == ["set"]
    for index in range(2):
        name = f"images/{index:05d}.jpg"
        ours, bundled = (cv2.imread(str(f / name)) for f in (folder, people_folder("val")))
        assert np.abs(ours.astype(int) - bundled).mean() < 2  # rounding of another machine
    assert contact_sheet(folder, "val", skeletons=True).shape == (384, 8 * 384, 3)


@pytest.mark.parametrize(
    ("kwargs", "error", "message"),
    [
        ({"count": 0}, ValueError, "at least one person to render. Got 0"),
        ({"split": "test"}, ValueError, "Got 'test'"),
    ],
)
def test_bad_input(tmp_path, kwargs, error, message):
    with pytest.raises(error, match=message):
        render_people(tmp_path / "set", **{"split": "val", "count": 1, **kwargs})
    assert list(tmp_path.iterdir()) == []


def test_never_overwrites(tmp_path):
    with pytest.raises(FileExistsError, match="does not exist yet"):
        render_people(tmp_path, "val", 1)


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"Expected a place where .*file/set can be made"):
        render_people(tmp_path / "file" / "set", "val", 1)


def test_nothing_stays_behind_when_rendering_fails(tmp_path, monkeypatch, anny):
    from hpe_art.rendered_people import rendering

    def fail(*args):
        raise RuntimeError("disk")

    monkeypatch.setattr(rendering, "_render_all", fail)
    with pytest.raises(RuntimeError, match="disk"):
        render_people(tmp_path / "set", "val", 1)
    assert list(tmp_path.iterdir()) == []


def test_missing_anny_is_said_before_anything_is_written(tmp_path, monkeypatch):
    load_model.cache_clear()
    monkeypatch.setitem(sys.modules, "anny", None)
    with pytest.raises(ImportError, match=r"pip install anny==0.6.2"):
        render_people(tmp_path / "set", "val", 1)
    assert list(tmp_path.iterdir()) == []


def test_workers_need_no_mmpose():
    code = "import sys, hpe_art.rendered_people.rendering; sys.exit('mmpose' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
