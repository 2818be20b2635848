import pytest
import torch

from hpe_art.models import DLCM, AttentionHourglass, StackedHourglass


def lively(network):
    """Batch norms that do something, and predictions far from zero."""
    torch.manual_seed(1)
    for name, value in network.state_dict().items():
        if value.is_floating_point():
            value.uniform_(0.5, 1.5) if name.endswith("var") else value.normal_(0, 0.2)
    return network.eval()


@pytest.fixture
def trained(tmp_path):
    """Two stacks, and a checkpoint of a whole model with them."""
    network = lively(StackedHourglass(num_stacks=2, channels=8, depth=1))
    path = str(tmp_path / "two.pth")
    torch.save({f"backbone.{k}": v for k, v in network.state_dict().items()}, path)
    return network, path


@pytest.fixture(params=[2, 3, 4])
def attentive(tmp_path, request):
    """Stacks with attention of the body, then of parts, and a checkpoint."""
    network = lively(AttentionHourglass(num_stacks=request.param, channels=8, depth=1))
    path = str(tmp_path / "attentive.pth")
    torch.save({f"backbone.{k}": v for k, v in network.state_dict().items()}, path)
    return network, path


def grown(kind, checkpoint, **sizes):
    init = dict(type="GrownInit", checkpoint=checkpoint)
    network = kind(**dict(channels=8, depth=1) | sizes, init_cfg=init)
    network.init_weights()
    return network.eval()


def test_a_grown_network_first_says_what_the_shallow_one_did(trained):
    shallow, path = trained
    image = torch.rand(2, 3, 32, 32)
    before = shallow(image)
    after = grown(StackedHourglass, path, num_stacks=4)(image)
    for output, expected in zip(after, [*before, before[-1], before[-1]], strict=True):
        torch.testing.assert_close(output, expected)


def test_a_grown_network_of_parts_first_says_the_joints_of_the_shallow_one(trained):
    shallow, path = trained
    image = torch.rand(2, 3, 32, 32)
    before = shallow(image)
    after = grown(DLCM, path)(image)
    torch.testing.assert_close(after[0], before[0])
    for output in after[1:]:
        torch.testing.assert_close(output[:, :16], before[-1])


def test_attention_of_the_body_and_of_parts_are_grown_each_from_its_own(attentive):
    shallow, path = attentive
    image = torch.rand(2, 3, 32, 32)
    before = shallow(image)
    body, parts = before[: len(before) // 2], before[len(before) // 2 :]
    after = grown(AttentionHourglass, path, num_stacks=8)(image)
    expected = [*body, *body[-1:] * (4 - len(body)), *parts, *parts[-1:] * (4 - len(parts))]
    for output, wanted in zip(after, expected, strict=True):
        torch.testing.assert_close(output, wanted)


def check_every_stack_learns(network):
    network.train()
    torch.stack([o.square().mean() for o in network(torch.rand(2, 3, 32, 32))]).sum().backward()
    assert all(m.weight.grad.abs().sum() > 0 for m in network.merge_features)
    assert all(m.weight.grad.abs().sum() > 0 for m in network.merge_heatmaps)


def test_every_grown_stack_learns(trained):
    check_every_stack_learns(grown(StackedHourglass, trained[1], num_stacks=4))


def test_every_grown_stack_with_attention_learns(attentive):
    check_every_stack_learns(grown(AttentionHourglass, attentive[1], num_stacks=8))


def test_a_deeper_network_does_not_become_a_shallow_one(trained):
    with pytest.raises(ValueError, match="at most 1 stacks. Got 2"):
        grown(StackedHourglass, trained[1], num_stacks=1)


def test_more_maps_do_not_become_fewer(trained):
    with pytest.raises(ValueError, match=r"Got predictions.0.weight of shape \(16, 8, 1, 1\) for"):
        grown(StackedHourglass, trained[1], num_joints=14)


def test_a_stack_of_another_width_or_depth_is_named(trained):
    with pytest.raises(
        ValueError, match=r"of the same kind and width. Got stem.0.weight of shape \(2,"
    ):
        grown(StackedHourglass, trained[1], channels=12)
    with pytest.raises(
        ValueError, match=r"of the same kind and depth. Got no hourglasses.0.0.inner"
    ):
        grown(StackedHourglass, trained[1], depth=2)


def test_a_network_of_another_kind_is_named(trained):
    with pytest.raises(ValueError, match=r"of the same kind and width. Got stem\."):
        grown(AttentionHourglass, trained[1], num_stacks=4)
