import hpe_art.compat  # noqa: F401  (before mmpose)

import pytest
import torch
from mmengine.structures import InstanceData, PixelData
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample
from torch import nn
from torch.nn import functional as F

from hpe_art.models import ChainedPredictionsHead
from hpe_art.models.chained_predictions import MultiScaleDeconvolution

K = 4


def small(**sizes):
    torch.manual_seed(0)
    defaults = dict(in_channels=6, out_channels=K, hidden_channels=4)
    head = ChainedPredictionsHead(**defaults | sizes).eval()
    for deception in head.deceptions:
        # Far from the initial zero, so that what is fed back counts.
        nn.init.normal_(deception[-1].weight)
    return head


def features(n=2):
    return (torch.rand(n, 3, 9, 9), torch.rand(n, 6, 3, 4))


def test_size_at_the_papers_scale():
    with torch.device("meta"):
        head = ChainedPredictionsHead(512)
    part = {n: sum(p.numel() for p in m.parameters()) for n, m in head.named_children()}
    strided = 64 * 64 * 9 + 64 + 2 * 64
    doubling = 32 * 32 * (4 + 16 + 36) + 3 * 32 + 2 * 32
    assert part["first"] == 512 * 64 + 64
    assert part["transitions"] == 15 * strided
    assert part["feedbacks"] == 16 * 15 // 2 * (2 * 64 + 2 * strided)
    assert part["deceptions"] == 16 * (64 * 32 + 32 + 2 * doubling + 32 * 9 + 1)
    assert sum(part.values()) == sum(p.numel() for p in head.parameters())


def test_heatmaps_have_four_times_the_size_of_the_last_features():
    assert small()(features()).shape == (2, K, 12, 16)


def test_the_chain_is_its_equation():
    head, feats = small(), features()
    hidden = head.first(feats[-1])
    predicted = [head.deceptions[0](hidden)]
    for t in range(1, K):
        # The feedback of joint i goes to the joints i + 1, i + 2, ...
        heard = sum(head.feedbacks[i](predicted[i])[:, t - i - 1] for i in range(t))
        hidden = F.relu(head.transitions[t - 1](hidden) + heard)
        predicted.append(head.deceptions[t](hidden))
    torch.testing.assert_close(head(feats), torch.cat(predicted, dim=1))


def test_feedback_is_a_network_of_its_own_for_each_later_joint():
    feedback, heatmap = small().feedbacks[0].train(), torch.rand(2, 1, 12, 16)
    together = feedback(heatmap)
    assert together.shape == (2, K - 1, 4, 3, 4)
    for target in range(K - 1):
        own = slice(4 * target, 4 * target + 4)
        x = heatmap
        for layer in feedback[:-1]:
            weight, bias = layer.weight[own], layer.bias[own]
            if isinstance(layer, nn.BatchNorm2d):
                x = F.batch_norm(x, None, None, weight, bias, training=True)
            else:
                x = F.conv2d(x, weight, bias, layer.stride, layer.padding)
        torch.testing.assert_close(together[:, target], x)


@pytest.mark.parametrize("joint", range(K))
def test_a_joint_depends_on_earlier_joints_and_on_no_later_one(joint):
    head, feats = small(), features()
    before = head(feats)
    with torch.no_grad():
        for parameter in head.deceptions[joint].parameters():
            parameter.add_(torch.randn_like(parameter))
    after = head(feats)
    assert torch.equal(after[:, :joint], before[:, :joint])
    assert all(not torch.allclose(after[:, k], before[:, k]) for k in range(joint, K))


@pytest.mark.parametrize("joint", range(K))
def test_gradients_reach_earlier_joints_and_no_later_one(joint):
    head = small()
    own = [list(d.parameters()) for d in head.deceptions]
    # What leads to joint k: its transition, and the feedback that only it and later ones hear.
    for k in range(1, K):
        own[k] += [*head.transitions[k - 1].parameters(), *head.feedbacks[k - 1].parameters()]
    output = head(features())[:, joint].square().sum()
    for k in range(K):
        gradients = torch.autograd.grad(output, own[k], retain_graph=True, allow_unused=True)
        reached = [g is not None and bool(g.ne(0).any()) for g in gradients]
        assert any(reached) if k <= joint else not any(reached)


def test_a_doubling_is_exact_and_sums_three_scales():
    torch.manual_seed(0)
    module, x = MultiScaleDeconvolution(2), torch.rand(1, 2, 3, 4)
    module.norm_relu = nn.Identity()
    # Their kernels are concentric, so they are one of 6x6.
    weight = sum(F.pad(s.weight, [(6 - s.kernel_size[0]) // 2] * 4) for s in module.scales)
    bias = sum(s.bias for s in module.scales)
    expected = F.conv_transpose2d(x, weight, bias, stride=2, padding=2)
    assert expected.shape == (1, 2, 6, 8)
    torch.testing.assert_close(module(x), expected)


@pytest.mark.parametrize("training", [False, True])
def test_every_joint_has_a_gradient_to_the_features(training):
    torch.manual_seed(0)
    head = ChainedPredictionsHead(6, K, 4).train(training)
    x = torch.rand(2, 6, 3, 4, requires_grad=True)
    for joint in head((x,)).unbind(1):
        (gradient,) = torch.autograd.grad(joint.square().sum(), x, retain_graph=True)
        assert gradient.isfinite().all()
        assert gradient.flatten(1).norm(dim=1).gt(0).all()


def test_init_weights_leaves_the_chain_alone():
    head = small()
    before = {name: value.clone() for name, value in head.state_dict().items()}
    head.init_weights()
    assert all(torch.equal(value, before[name]) for name, value in head.state_dict().items())


def test_loss_and_prediction_are_mmposes():
    torch.manual_seed(0)
    codec = dict(type="MSRAHeatmap", input_size=(64, 48), heatmap_size=(16, 12), sigma=1)
    head = MODELS.build(
        dict(
            type="ChainedPredictionsHead",
            in_channels=6,
            out_channels=K,
            hidden_channels=4,
            loss=dict(type="KeypointMSELoss", use_target_weight=True),
            decoder=codec,
        )
    ).eval()
    sample = PoseDataSample(metainfo=dict(flip_indices=[1, 0, 2, 3]))
    sample.gt_fields = PixelData(heatmaps=torch.rand(K, 12, 16))
    sample.gt_instance_labels = InstanceData(keypoint_weights=torch.ones(1, K))
    feats = features(1)
    expected = (head(feats)[0] - sample.gt_fields.heatmaps).square().mean()
    torch.testing.assert_close(head.loss(feats, [sample])["loss_kpt"], expected)
    (plain,) = head.predict(feats, [sample], dict(flip_test=False))
    assert plain.keypoints.shape == (1, K, 2)
    flipped = [feats, tuple(f.flip(-1) for f in feats)]
    (both,) = head.predict(flipped, [sample], dict(flip_test=True))
    assert both.keypoints.shape == (1, K, 2)


@pytest.mark.parametrize(
    "wrong", [dict(in_channels=0), dict(out_channels=0), dict(hidden_channels=5)]
)
def test_sizes_that_cannot_be_are_named(wrong):
    with pytest.raises(
        ValueError, match=f"Got .*'{next(iter(wrong))}': {next(iter(wrong.values()))}"
    ):
        small(**wrong)
