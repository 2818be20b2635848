"""The picture of one photograph shows what the crop shows, with the poses where they are seen."""

from __future__ import annotations

import numpy as np
import pytest

from hpe_art.evaluation.photograph.results import Distances, PhotographResult, Seen
from hpe_art.evaluation.results import Checkpoint, SkeletonRecord
from hpe_art.report.photograph_picture import photograph_panel

JOINTS = ["nose", "left_wrist"]
SKELETON = SkeletonRecord(joints=JOINTS, groups={}, bones=[(0, 1, "left")])
NONE = Distances(joints={}, mean=3.0, largest=4.0, mean_percent=12.4, largest_percent=20.0)


@pytest.fixture
def result():
    seen = Seen(pose={"nose": (9, 9, 1), "left_wrist": (12, 13, 1)}, moved=NONE)
    return PhotographResult(
        photograph="a.jpg",
        sha256="",
        size=(30, 20),
        box=(5, 5, 20, 15),
        window=(4, 3, 24, 17),
        crop_size=(8, 8),
        config="a.py",
        checkpoint=Checkpoint(path=None, sha256=None),
        skeleton=SKELETON,
        attack="X-U",
        settings={},
        eps=8.0,
        radius=1.0,
        clean={"nose": (6, 5, 1), "left_wrist": (7, 8, 1)},
        crop=seen,
        written=seen,
        largest_change=8,
        device="cpu",
        precision="float32",
        versions={},
        notes=[],
    )


@pytest.fixture
def photographs():
    clean = np.random.default_rng(0).integers(20, 230, (20, 30, 3), dtype=np.uint8)
    return clean, clean + np.uint8(8)


def test_the_window_is_shown_red_first_with_poses_in_it(result, photographs):
    figure = photograph_panel(result, *photographs)
    clean, perturbed, change = figure.axes
    part = photographs[0][3:17, 4:24, ::-1]
    np.testing.assert_array_equal(clean.images[0].get_array(), part)
    np.testing.assert_array_equal(perturbed.images[0].get_array(), part + 8)
    assert (change.images[0].get_array() == 255).all()
    np.testing.assert_array_equal(clean.lines[0].get_xydata(), [[2, 2], [3, 5]])
    np.testing.assert_array_equal(perturbed.lines[0].get_xydata(), [[5, 6], [8, 10]])
    headline = "X-U, eps 8 of 255 grey levels: joints moved by 12 % of the box"
    assert figure.get_suptitle() == headline


def test_joints_that_may_go_anywhere_are_not_drawn(result, photographs):
    result.target = {"nose": (6, 5, 1)}
    *_, target = photograph_panel(result, *photographs).axes
    assert target.get_title() == "target pose"
    np.testing.assert_array_equal(target.lines[0].get_xydata(), [[2, 2], [np.nan, np.nan]])
