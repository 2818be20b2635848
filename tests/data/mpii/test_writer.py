import json

import numpy as np
import pytest
from scipy.io import loadmat

from hpe_art.data.mpii.writer import annotation, write_annotations


@pytest.fixture
def entry():
    joints = np.stack([np.linspace(20, 120, 16), np.linspace(30, 90, 16)], axis=1)
    inside, occluded = np.ones(16, bool), np.zeros(16, bool)
    inside[15], occluded[[3, 15]] = False, True
    return annotation("00007.jpg", joints, inside, occluded, np.array([1.0, 2.0, 11.0, 22.0]))


def test_counts_pixels_from_one(entry):
    np.testing.assert_allclose(entry["joints"][0], [21, 31])


def test_joints_outside_are_unlabelled_and_not_occluded(entry):
    assert entry["joints"][15] == [-1, -1]
    assert entry["joints_vis"] == [1] * 15 + [0]
    assert entry["joints_occluded"] == [int(k == 3) for k in range(16)]


def test_scale_and_centre_land_on_the_middle_of_the_labelled_joints(entry):
    joints = np.array(entry["joints"][:15]) - 1
    low, high = joints.min(axis=0), joints.max(axis=0)
    assert entry["scale"] == pytest.approx(1.1 * (high - low).max() / 200, abs=1e-4)
    down = np.array([0, 15 * entry["scale"]])
    loaded = np.array(entry["center"]) + down - 1  # what MpiiDataset does
    np.testing.assert_allclose(loaded, (low + high) / 2, atol=0.01)


def test_files(tmp_path, entry):
    write_annotations(tmp_path, "val", [entry, entry])
    (first, second) = json.loads((tmp_path / "annotations/mpii_val.json").read_text())
    assert first == second
    assert first["image"] == "00007.jpg"
    truth = loadmat(tmp_path / "annotations/mpii_gt_val.mat")
    np.testing.assert_allclose(truth["headboxes_src"][:, :, 1], [[2, 3], [12, 23]])
    assert truth["jnt_missing"][15, 0] == 1
