import numpy as np
import pytest
import torch
from mmpose.registry import KEYPOINT_CODECS

import hpe_art.models  # noqa: F401
from hpe_art.models.dlcm import BONES, LIMBS
from hpe_art.skeleton import MPII

SIZES = dict(input_size=(48, 32), heatmap_size=(24, 16))


def codec(kind="PartHeatmap", sigma=1.0, unbiased=False):
    return KEYPOINT_CODECS.build(dict(type=kind, sigma=sigma, unbiased=unbiased, **SIZES))


def pose(seed=0):
    """One person, joints anywhere on the crop or a little beside it."""
    generator = np.random.default_rng(seed)
    return generator.uniform(-6, [54, 38], (1, 16, 2)).astype(np.float32)


@pytest.mark.parametrize("unbiased", [False, True])
@pytest.mark.parametrize("sigma", [1.0, 2.0])
def test_joints_are_those_of_mmpose(sigma, unbiased):
    points, visible = pose(), np.ones((1, 16), np.float32)
    visible[0, 3] = 0
    ours = codec("PartHeatmap", sigma, unbiased).encode(points, visible)
    theirs = codec("MSRAHeatmap", sigma, unbiased).encode(points, visible)
    np.testing.assert_allclose(ours["heatmaps"][:16], theirs["heatmaps"], atol=1e-6)
    np.testing.assert_array_equal(ours["keypoint_weights"][:, :16], theirs["keypoint_weights"])
    drawn = theirs["keypoint_weights"][0] > 0
    found, scores = codec("PartHeatmap", sigma, unbiased).decode(ours["heatmaps"][:16][drawn])
    expected, expected_scores = codec("MSRAHeatmap", sigma, unbiased).decode(
        theirs["heatmaps"][drawn]
    )
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    np.testing.assert_allclose(scores, expected_scores, rtol=1e-6)


@pytest.mark.parametrize("unbiased", [False, True])
@pytest.mark.parametrize("sigma", [1.0, 2.0])
def test_a_bone_is_the_largest_gaussian_of_its_points(sigma, unbiased):
    points = np.clip(pose(), 0, [47, 31]).astype(np.float32)
    encoded = codec("PartHeatmap", sigma, unbiased).encode(points)
    cells = points[0] / 2 if unbiased else np.floor(points[0] / 2 + 0.5)
    limit = np.inf if unbiased else (3 * sigma) ** 2
    x, y = np.meshgrid(np.arange(24), np.arange(16))
    for index, (begin, end) in enumerate(BONES):
        expected = np.zeros((16, 24))
        for fraction in np.linspace(0, 1, 2001):
            centre = (1 - fraction) * cells[begin] + fraction * cells[end]
            squared = (x - centre[0]) ** 2 + (y - centre[1]) ** 2
            gaussian = np.exp(-squared / (2 * sigma**2)) * (squared <= limit)
            expected = np.maximum(expected, gaussian)
        drawn = encoded["heatmaps"][16 + index]
        # A cell just on the rim may be in or out, by a hair.
        rim = (np.abs(expected - np.exp(-4.5)) < 1e-3) & (not unbiased)
        np.testing.assert_allclose(drawn[~rim], expected[~rim], atol=2e-4)


def test_a_limb_is_the_larger_of_its_bones():
    heatmaps = codec().encode(np.clip(pose(1), 0, [47, 31]).astype(np.float32))["heatmaps"]
    for index, (first, second) in enumerate(LIMBS):
        expected = np.maximum(heatmaps[16 + first], heatmaps[16 + second])
        np.testing.assert_array_equal(heatmaps[28 + index], expected)


def test_a_part_counts_where_all_its_joints_do():
    visible = np.ones((1, 16), np.float32)
    visible[0, 2] = 0  # the right hip: in bones 1 and 4, limbs 0 (leg) and 2 (waist)
    points = np.clip(pose(), 0, [47, 31]).astype(np.float32)
    encoded = codec().encode(points, visible)
    off = np.flatnonzero(encoded["keypoint_weights"][0] == 0)
    np.testing.assert_array_equal(off, [2, 16 + 1, 16 + 4, 28 + 0, 28 + 2])
    assert not encoded["heatmaps"][off].any()


def test_a_bone_within_one_cell_is_a_joint():
    encoded = codec().encode(np.full((1, 16, 2), 20.0, np.float32))["heatmaps"]
    inside = encoded[0] >= np.exp(-4.5) - 1e-6  # a bone ends in a circle, a joint in a square
    np.testing.assert_allclose(encoded[16][inside], encoded[0][inside], atol=1e-6)
    assert not encoded[16][~inside].any()


def test_poses_are_encoded_one_by_one_as_in_a_batch():
    poses = np.concatenate([pose(0), pose(1)])
    y = torch.from_numpy(np.dstack([poses, np.ones((2, 16), np.float32)]))
    heatmaps, weights = codec().encode_poses(y)
    for index in range(2):
        one = codec().encode(poses[index : index + 1])
        np.testing.assert_array_equal(heatmaps[index], one["heatmaps"])
        np.testing.assert_array_equal(weights[index], one["keypoint_weights"][0])


def test_other_joints_than_mpiis_are_refused():
    with pytest.raises(ValueError, match="Expected the 16 joints of MPII.* Got 17 joints"):
        codec().encode(np.zeros((1, 17, 2), np.float32))


def test_a_sigma_between_cells_is_refused():
    with pytest.raises(ValueError, match="third of a whole number. Got 1.5"):
        codec(sigma=1.5)


def test_limbs_are_pairs_of_bones_that_meet():
    assert sorted(bone for limb in LIMBS for bone in limb) == list(range(len(BONES)))
    for first, second in LIMBS:
        assert len(set(BONES[first]) & set(BONES[second])) == 1


def test_mirrored_bones_are_bones():
    bones = {frozenset(bone) for bone in BONES}
    assert {frozenset(MPII.flip_indices[k] for k in bone) for bone in BONES} == bones
