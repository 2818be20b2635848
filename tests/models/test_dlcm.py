import pytest
import torch
from toys import FLIP_INDICES, HEATMAP_CODEC, PREPROCESSOR, data_samples, dlcm, people

from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.models import DLCM
from hpe_art.models.dlcm import BONES, LIMBS, DLCMHead

CODEC = dict(HEATMAP_CODEC, type="PartHeatmap")
MEAN, STD = (torch.tensor(PREPROCESSOR[key])[:, None, None] for key in ("mean", "std"))


def small(**sizes):
    torch.manual_seed(0)
    return DLCM(**dict(channels=8, depth=1) | sizes).eval()


def test_size_at_the_papers_scale():
    with torch.device("meta"):
        network = DLCM()
    count = sum(p.numel() for p in network.parameters())
    assert count == pytest.approx(15.5e6, rel=0.06)


def test_maps_of_joints_bones_limbs_bones_joints():
    outputs = small()(torch.rand(2, 3, 32, 64))
    assert [tuple(o.shape) for o in outputs] == [(2, n, 8, 16) for n in (16, 28, 22, 28, 16)]


def test_the_way_down_sees_the_maps_of_its_level_from_the_way_up():
    network, image = small(), torch.rand(1, 3, 32, 32)
    for merge in network.merge_heatmaps:
        torch.nn.init.zeros_(merge.weight)  # so that maps reach other levels by recall only
    for recall in network.recall:
        torch.nn.init.normal_(recall.weight)
    before = network(image)
    network.predictions[1].bias.data += 1.0  # bones, upward
    after = network(image)
    changed = [not torch.allclose(a, b) for a, b in zip(after, before, strict=True)]
    assert changed == [False, True, False, True, True]
    network.predictions[1].bias.data -= 1.0
    network.predictions[0].bias.data += 1.0  # joints, upward
    changed = [not torch.allclose(a, b) for a, b in zip(network(image), before, strict=True)]
    assert changed == [True, False, False, False, True]


def test_the_head_compares_each_level_with_its_own_parts():
    model = dlcm()
    x, y = people(3, seed=4)
    heatmaps, weights = model.head.decoder.encode_poses(torch.from_numpy(y))
    outputs = model((torch.from_numpy(x).flip(1) - MEAN) / STD, None, mode="tensor")
    channels = [range(16), range(28), [*range(16), *range(28, 34)], range(28), range(16)]
    terms = []
    for output, chosen in zip(outputs, map(list, channels), strict=True):
        error = (output - heatmaps[:, chosen]).square() * weights[:, chosen, None, None]
        terms.append(error.flatten(1).mean(1))
    expected = torch.stack(terms).sum(0)
    loss = model.head.loss(outputs, data_samples(model, y))["loss_kpt"]
    torch.testing.assert_close(loss, expected.mean())
    estimator = PyTorchPoseEstimator(model, outputs="all", device_type="cpu")
    torch.testing.assert_close(torch.from_numpy(estimator.compute_loss(x, y)), expected.detach())
    estimator = PyTorchPoseEstimator(model, outputs="last", device_type="cpu")
    torch.testing.assert_close(torch.from_numpy(estimator.compute_loss(x, y)), terms[-1].detach())


def test_mirrored_parts_are_the_parts_of_mirrored_joints():
    joints, bones, limbs, *way_down = dlcm().head.output_flip_indices
    assert joints == bones[:16] == limbs[:16] == FLIP_INDICES
    assert way_down == [bones, joints]
    mirrored_bones = [index - 16 for index in bones[16:]]
    mirrored_limbs = [index - 16 for index in limbs[16:]]
    for bone, mirrored in zip(BONES, mirrored_bones, strict=True):
        assert {FLIP_INDICES[joint] for joint in bone} == set(BONES[mirrored])
    for limb, mirrored in zip(LIMBS, mirrored_limbs, strict=True):
        assert {mirrored_bones[bone] for bone in limb} == set(LIMBS[mirrored])


@pytest.mark.parametrize("outputs", ["last", "all"])
@pytest.mark.parametrize("flip_test", [False, True])
def test_pixels_have_a_gradient(outputs, flip_test):
    x, y = people(2, seed=5)
    estimator = PyTorchPoseEstimator(
        dlcm(), outputs=outputs, flip_test=flip_test, device_type="cpu"
    )
    gradient = estimator.loss_gradient(x, y)
    assert abs(gradient).sum() > 0 and abs(gradient).max() < float("inf")


def test_two_levels_are_joints_and_bones():
    outputs = small(num_levels=2)(torch.rand(1, 3, 32, 32))
    assert [o.shape[1] for o in outputs] == [16, 28, 16]


@pytest.mark.parametrize("num_levels", [0, 4, 5])
def test_an_unknown_level_count_is_named(num_levels):
    with pytest.raises(ValueError, match=rf"from 1 to 3 .*limbs\). Got {num_levels}"):
        small(num_levels=num_levels)
    with pytest.raises(ValueError, match=f"Got {num_levels}"):
        DLCMHead(num_levels=num_levels, decoder=CODEC)


def test_a_codec_without_bones_is_named():
    with pytest.raises(ValueError, match="PartHeatmap codec.* Got MSRAHeatmap"):
        DLCMHead(decoder=HEATMAP_CODEC)


def test_other_joints_than_mpiis_are_named():
    _, y = people(2, seed=5)
    with pytest.raises(ValueError, match="16 joints of MPII.* Got 17"):
        dlcm().head.attack_targets(torch.from_numpy(y).repeat(1, 2, 1)[:, :17])
