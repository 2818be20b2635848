import pytest
import torch
from torch.nn import functional as F

from hpe_art.models import AttentionHourglass
from hpe_art.models.attention_hourglass import (
    Attention,
    HourglassResidual,
    MultiResolutionAttention,
    NestedHourglass,
    PartPrediction,
)


def small(**sizes):
    torch.manual_seed(0)
    defaults = dict(num_joints=3, num_stacks=2, channels=8, depth=1, kernel_size=3)
    return AttentionHourglass(**defaults | sizes).eval()


def attentions(network):
    return {name: m for name, m in network.named_modules() if isinstance(m, Attention)}


def test_size_at_the_papers_scale():
    with torch.device("meta"):
        network = AttentionHourglass()
    part = {
        name: sum(p.numel() for p in module.parameters())
        for name, module in network.named_children()
    }
    assert sum(part.values()) == 62_302_360
    pooled = 2 * (256 * 256 * 9 + 256) + 2 * 2 * 256
    whole = 256 * 9 + 1 + 11 * 11 + 1
    units = [m for m in network.modules() if isinstance(m, HourglassResidual)]
    assert len(units) == 8 * 4
    assert all(sum(p.numel() for p in u.pooled.parameters()) == pooled for u in units)
    found = attentions(network)
    assert len(found) == 8 + 4
    assert sum(p.numel() for a in found.values() for p in a.parameters()) == (8 + 4 * 16) * whole
    assert part["merge_features"] == 7 * (256 * 256 + 256)
    assert part["merge_heatmaps"] == 7 * (16 * 256 + 256)


@pytest.mark.parametrize("multi_resolution", [False, True])
def test_a_map_per_stack_at_a_quarter_of_the_size(multi_resolution):
    network = small(num_stacks=3, depth=2, multi_resolution=multi_resolution)
    outputs = network(torch.rand(2, 3, 32, 64))
    assert [tuple(o.shape) for o in outputs] == [(2, 3, 8, 16)] * 3


@pytest.mark.parametrize(("num_stacks", "parts"), [(1, 1), (2, 1), (3, 2), (8, 4)])
def test_the_second_half_of_the_stacks_attends_to_parts(num_stacks, parts):
    with torch.device("meta"):
        stacks = small(num_stacks=num_stacks).stacks
    assert [isinstance(s.predict, PartPrediction) for s in stacks] == (
        [False] * (num_stacks - parts) + [True] * parts
    )


def test_attention_is_three_steps_of_mean_field_for_each_map():
    torch.manual_seed(0)
    attention, features = Attention(8, 2, kernel_size=5, iterations=3), torch.randn(2, 8, 6, 7)
    found = attention(features)
    assert found.shape == (2, 2, 6, 7)
    assert found.min() > 0 and found.max() < 1
    for k in range(2):
        u = F.conv2d(features, attention.unary.weight[k : k + 1], padding=1)
        u = u + attention.unary.bias[k]
        weight, bias = attention.kernel.weight[k : k + 1], attention.kernel.bias[k]
        q1 = torch.sigmoid(F.conv2d(u, weight, padding=2) + bias + u)
        q2 = torch.sigmoid(F.conv2d(q1, weight, padding=2) + bias + u)
        q3 = torch.sigmoid(F.conv2d(q2, weight, padding=2) + bias + u)
        torch.testing.assert_close(found[:, k : k + 1], q3)


def test_all_attention_maps_lie_between_0_and_1():
    network, seen = small(num_stacks=4, depth=2, multi_resolution=True), []
    for attention in attentions(network).values():
        attention.register_forward_hook(lambda *call: seen.append(call[-1]))
    network(torch.rand(1, 3, 32, 32))
    # Per stack one for the body and one per resolution; for the joints in two of four stacks.
    assert sorted(m.shape[1] for m in seen) == [1] * 4 * (1 + 2) + [3] * 2
    assert all(m.min() > 0 and m.max() < 1 for m in seen)


def test_features_are_multiplied_by_attention():
    stack, x = small().stacks[0], torch.rand(1, 8, 4, 4)
    features, _ = stack(x)
    attended = stack.attended(features)
    left_half = torch.tensor([1.0, 1.0, 0.0, 0.0]).expand(1, 1, 4, 4)
    for attention in (torch.ones(1, 1, 4, 4), torch.zeros(1, 1, 4, 4), left_half):
        with stack.attention.register_forward_hook(lambda *_, q=attention: q):
            same, heatmaps = stack(x)
        torch.testing.assert_close(heatmaps, stack.predict(attended * attention))
        assert torch.equal(same, features)
    assert heatmaps[..., :2].ne(0).all()
    assert heatmaps[..., 2:].eq(0).all()


def part_prediction():
    torch.manual_seed(0)
    part = PartPrediction(8, 3, kernel_size=3, iterations=3)
    torch.nn.init.normal_(part.predict.weight)
    torch.nn.init.normal_(part.predict.bias)
    return part


def test_a_joints_heatmap_comes_from_features_times_its_own_attention():
    part, features = part_prediction(), torch.randn(2, 8, 5, 6)
    found, attention = part(features), part.attention(features)
    for k in range(3):
        weight, bias = part.predict.weight[k : k + 1], part.predict.bias[k : k + 1]
        expected = F.conv2d(features * attention[:, k : k + 1], weight, bias)
        torch.testing.assert_close(found[:, k : k + 1], expected)


def test_without_attention_a_joints_heatmap_is_the_bias():
    part, features = part_prediction(), torch.randn(2, 8, 5, 6)
    none_for_the_second = torch.tensor([1.0, 0.0, 1.0]).view(1, 3, 1, 1).expand(2, 3, 5, 6)
    with part.attention.register_forward_hook(lambda *_: none_for_the_second):
        found = part(features)
    plain = part.predict(features)
    torch.testing.assert_close(found[:, [0, 2]], plain[:, [0, 2]])
    torch.testing.assert_close(found[:, 1], part.predict.bias[1].expand(2, 5, 6))


def test_multi_resolution_attention_is_the_sum_of_the_enlarged_maps():
    torch.manual_seed(0)
    upward = NestedHourglass(2, 8).eval()(torch.rand(1, 8, 8, 12))
    assert [tuple(f.shape) for f in upward] == [(1, 8, 4, 6), (1, 8, 8, 12)]
    module = MultiResolutionAttention(2, 8, kernel_size=3, iterations=3)
    coarse, fine = (a(f) for a, f in zip(module.attentions, upward))
    enlarged = coarse.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    torch.testing.assert_close(module(upward), fine + enlarged)


def test_multi_resolution_attention_multiplies_the_hourglass():
    plain, multi = small().stacks[0], small(multi_resolution=True).stacks[0]
    assert plain.resolutions is None
    missing = multi.load_state_dict(plain.state_dict(), strict=False).missing_keys
    assert missing and all(key.startswith("resolutions.") for key in missing)
    x = torch.rand(1, 8, 4, 4)
    with multi.resolutions.register_forward_hook(lambda *_: torch.ones(1, 1, 4, 4)):
        torch.testing.assert_close(multi(x), plain(x))
    with plain.hourglass.register_forward_hook(lambda *call: [2 * f for f in call[-1]]):
        doubled = plain(x)
    with multi.resolutions.register_forward_hook(lambda *_: torch.full((1, 1, 4, 4), 2.0)):
        torch.testing.assert_close(multi(x), doubled)


def test_the_hourglass_residual_unit_sums_three_branches():
    torch.manual_seed(0)
    unit, x = HourglassResidual(8).eval(), torch.rand(1, 8, 4, 6)
    pooled = unit.pooled(x)
    torch.testing.assert_close(unit(x), x + unit.body(x) + pooled)
    # It was made at half the resolution.
    assert torch.equal(
        pooled, pooled[..., ::2, ::2].repeat_interleave(2, 2).repeat_interleave(2, 3)
    )


def test_predicted_heatmaps_are_injected_into_the_next_stack():
    network, image = small(num_stacks=3), torch.rand(1, 3, 32, 32)
    before = network(image)
    # The bias changes the first stack's heatmaps and nothing else of that stack.
    network.stacks[0].predict.bias.data += 1.0
    after = network(image)
    torch.testing.assert_close(after[0], before[0] + 1.0)
    assert all(not torch.allclose(a, b, atol=1e-5) for a, b in zip(after[1:], before[1:]))
    for merge in network.merge_heatmaps:
        merge.weight.data.zero_()
    cut = network(image)
    network.stacks[0].predict.bias.data -= 1.0
    torch.testing.assert_close(network(image)[1:], cut[1:])


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("multi_resolution", [False, True])
def test_every_stack_has_a_gradient_to_the_image(training, multi_resolution):
    network = small(multi_resolution=multi_resolution).train(training)
    image = torch.rand(2, 3, 16, 16, requires_grad=True)
    for heatmaps in network(image):
        (gradient,) = torch.autograd.grad(heatmaps.square().sum(), image, retain_graph=True)
        assert gradient.isfinite().all()
        assert gradient.flatten(1).norm(dim=1).gt(0).all()


@pytest.mark.parametrize(
    "wrong",
    [dict(num_stacks=0), dict(channels=6), dict(depth=0), dict(kernel_size=4), dict(iterations=0)],
)
def test_sizes_that_cannot_be_are_named(wrong):
    with pytest.raises(
        ValueError, match=f"Got .*'{next(iter(wrong))}': {next(iter(wrong.values()))}"
    ):
        small(**wrong)


def test_an_image_that_cannot_be_halved_often_enough_is_named():
    with pytest.raises(ValueError, match=r"divisible by 8. Got \(32, 36\)"):
        small()(torch.rand(1, 3, 32, 36))
