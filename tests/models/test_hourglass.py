import pytest
import torch

from hpe_art.models import StackedHourglass


@pytest.mark.parametrize(
    ("num_stacks", "num_residuals", "published"), [(8, 1, 25.1e6), (2, 1, 6.7e6), (2, 2, 12.6e6)]
)
def test_size_at_the_papers_scale(num_stacks, num_residuals, published):
    with torch.device("meta"):
        network = StackedHourglass(num_stacks=num_stacks, num_residuals=num_residuals)
    count = sum(p.numel() for p in network.parameters())
    assert count == pytest.approx(published, rel=0.03)


def small(**sizes):
    torch.manual_seed(0)
    return StackedHourglass(**dict(num_joints=3, channels=8, depth=1) | sizes).eval()


def test_a_map_per_stack_at_a_quarter_of_the_size():
    outputs = small(num_stacks=3)(torch.rand(2, 3, 32, 64))
    assert [tuple(o.shape) for o in outputs] == [(2, 3, 8, 16)] * 3


def test_predicted_heatmaps_are_injected_into_the_next_stack():
    network, image = small(num_stacks=3), torch.rand(1, 3, 32, 32)
    before = network(image)
    # The bias changes the first stack's heatmaps and nothing else of that stack.
    network.predictions[0].bias.data += 1.0
    after = network(image)
    torch.testing.assert_close(after[0], before[0] + 1.0)
    assert all(not torch.allclose(a, b, atol=1e-5) for a, b in zip(after[1:], before[1:]))
    for merge in network.merge_heatmaps:
        merge.weight.data.zero_()
    network.predictions[0].bias.data -= 1.0
    cut = network(image)
    network.predictions[0].bias.data += 1.0
    torch.testing.assert_close(network(image)[1:], cut[1:])


def test_a_residual_with_a_dead_body_is_its_skip():
    network = small()
    unit = network.hourglasses[0][1][0]
    unit.body[-1].weight.data.zero_()
    unit.body[-1].bias.data.zero_()
    features = torch.rand(1, 8, 4, 4)
    assert torch.equal(unit(features), features)


@pytest.mark.parametrize("wrong", [dict(num_stacks=0), dict(channels=6), dict(depth=0)])
def test_sizes_that_cannot_be_are_named(wrong):
    with pytest.raises(
        ValueError, match=f"Got .*'{next(iter(wrong))}': {next(iter(wrong.values()))}"
    ):
        small(**wrong)


def test_an_image_that_cannot_be_halved_often_enough_is_named():
    with pytest.raises(ValueError, match=r"divisible by 8. Got \(32, 36\)"):
        small()(torch.rand(1, 3, 32, 36))
