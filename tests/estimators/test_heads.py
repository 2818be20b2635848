import numpy as np
import pytest
import torch
from mmpose.models.utils.tta import flip_coordinates, flip_heatmaps
from mmpose.registry import KEYPOINT_CODECS, MODELS
from toys import COORDINATE_CODEC, FLIP_INDICES, HEATMAP_CODEC, hourglass, people, regression

from hpe_art.estimators.heads import head_adaptor
from hpe_art.estimators.heads.base import loss_per_image

CODECS = [
    HEATMAP_CODEC,
    dict(HEATMAP_CODEC, input_size=(48, 32), heatmap_size=(12, 8), sigma=2),
    dict(HEATMAP_CODEC, sigma=1.5),
    dict(HEATMAP_CODEC, unbiased=True),
    dict(type="UDPHeatmap", input_size=(32, 32), heatmap_size=(8, 8), sigma=1),
    dict(type="MegviiHeatmap", input_size=(32, 32), heatmap_size=(8, 8), kernel_size=3),
]


class Head(torch.nn.Module):
    """A codec and a loss: all that an adaptor looks at."""

    def __init__(self, codec, loss="KeypointMSELoss", **options):
        super().__init__()
        self.decoder = KEYPOINT_CODECS.build(codec)
        self.loss_module = MODELS.build(dict(type=loss, use_target_weight=True, **options))


@pytest.mark.parametrize("codec", CODECS, ids=lambda c: f"{c['type']}-{c.get('sigma')}")
def test_heatmaps_are_encoded_as_by_mmpose(codec):
    adaptor = head_adaptor(Head(codec))
    _, y = people(8, seed=3)
    heatmaps, weights = adaptor.encode(torch.from_numpy(y))
    for pose, heatmap, weight in zip(y, heatmaps, weights):
        expected = adaptor.codec.encode(pose[None, :, :2].copy(), pose[None, :, 2].copy())
        np.testing.assert_allclose(weight[None], expected["keypoint_weights"])
        kept = expected["keypoint_weights"][0] > 0
        np.testing.assert_allclose(heatmap[kept], expected["heatmaps"][kept], atol=1e-6)


@pytest.mark.parametrize("codec", CODECS, ids=lambda c: f"{c['type']}-{c.get('sigma')}")
def test_heatmaps_are_decoded_as_by_mmpose(codec):
    adaptor = head_adaptor(Head(codec))
    width, height = codec["heatmap_size"]
    heatmaps = torch.randn(6, 16, height, width, generator=torch.Generator().manual_seed(0))
    heatmaps[0, 0] = -1.0  # nothing positive
    heatmaps[0, 1] = 0.5  # flat: the first cell
    heatmaps[1, 0, 0, 0] = heatmaps[1, 1, -1, -1] = heatmaps[1, 2, 1, 1] = 9.0  # corners
    poses = adaptor.decode(heatmaps)
    for pose, heatmap in zip(poses, heatmaps):
        points, scores = adaptor.codec.decode(heatmap.numpy())
        # A Newton step on noise divides by small numbers.
        rtol = 1e-4 if codec.get("unbiased") else 1e-6
        np.testing.assert_allclose(pose[:, :2], points[0], rtol=rtol, atol=1e-6)
        np.testing.assert_allclose(pose[:, 2], scores[0])


def test_coordinates_are_encoded_and_decoded_as_by_mmpose():
    adaptor = head_adaptor(Head(COORDINATE_CODEC, "MSELoss"))
    _, y = people(8, seed=3)
    points, weights = adaptor.encode(torch.from_numpy(y))
    expected = adaptor.codec.encode(y[..., :2], y[..., 2])
    np.testing.assert_allclose(points, expected["keypoint_labels"])
    np.testing.assert_array_equal(weights, expected["keypoint_weights"])
    pixels, scores = adaptor.codec.decode(points.numpy())
    np.testing.assert_allclose(adaptor.decode(points), np.dstack([pixels, scores]), rtol=1e-6)


@pytest.mark.parametrize("shift", [False, True])
def test_outputs_are_unflipped_as_by_mmpose(shift):
    maps = torch.randn(2, 16, 8, 8)
    ours = head_adaptor(Head(HEATMAP_CODEC)).unflip(maps, FLIP_INDICES, dict(shift_heatmap=shift))
    theirs = flip_heatmaps(maps.clone(), FLIP_INDICES, "heatmap", shift)
    assert torch.equal(ours, theirs)
    points = torch.rand(2, 16, 2)
    adaptor = head_adaptor(Head(COORDINATE_CODEC, "MSELoss"))
    ours = adaptor.unflip(points, FLIP_INDICES, dict(shift_coords=shift))
    theirs = flip_coordinates(points.clone(), FLIP_INDICES, shift, (32, 32))
    torch.testing.assert_close(ours, theirs)


def test_a_loss_that_is_not_ours_is_taken_image_by_image():
    adaptor = head_adaptor(Head(HEATMAP_CODEC, "KeypointOHKMMSELoss", topk=4))
    output, target = torch.rand(3, 16, 8, 8), torch.rand(3, 16, 8, 8)
    weights = torch.ones(3, 16)
    values = adaptor.loss(0, output, (target, weights))
    assert values.shape == (3,)
    torch.testing.assert_close(values.mean(), adaptor.loss_module(output, target, weights))
    ours = head_adaptor(Head(HEATMAP_CODEC))
    torch.testing.assert_close(
        ours.loss(0, output, (target, weights)),
        loss_per_image(ours.loss_module, output, target, weights),
    )


def test_a_head_without_an_adaptor_is_named():
    codec = dict(type="SPR", input_size=(32, 32), heatmap_size=(8, 8))
    with pytest.raises(ValueError, match="codecs .*MSRAHeatmap.*SimCCLabel.* Got Head with SPR"):
        head_adaptor(Head(codec))


def test_real_heads_have_adaptors():
    assert type(head_adaptor(hourglass().head)).__name__ == "HeatmapAdaptor"
    assert type(head_adaptor(regression().head)).__name__ == "CoordinateAdaptor"


def test_targets_of_a_head_must_be_one_for_each_output():
    model = hourglass()
    model.head.attack_targets = lambda y: [head_adaptor(hourglass().head).encode(y)]
    _, y = people(2)
    with pytest.raises(ValueError, match="attack_targets of the head to give 2 targets.* Got 1"):
        head_adaptor(model.head).targets(torch.from_numpy(y), 2)
