import copy
from types import SimpleNamespace

import pytest
import torch
from mmpose.registry import MODELS
from torch.nn.functional import conv2d
from toys import HEATMAP_CODEC, JOINTS, PREPROCESSOR, data_samples, people

from hpe_art.training import BFloat16BackboneHook

HINTS = [
    dict(student="layer1", teacher="stem", channels=(8, 8)),
    dict(student="layer2", teacher="hourglasses.0.0.inner", channels=(16, 8)),
]
TASK = dict(
    data_preprocessor=PREPROCESSOR,
    backbone=dict(
        type="ResNet",
        depth=18,
        num_stages=2,
        strides=(1, 2),
        dilations=(1, 1),
        out_indices=(1,),
        stem_channels=8,
        base_channels=8,
    ),
    head=dict(
        type="HeatmapHead",
        in_channels=16,
        out_channels=JOINTS,
        deconv_out_channels=(8,),
        deconv_kernel_sizes=(4,),
        loss=dict(type="KeypointMSELoss", use_target_weight=True),
        decoder=HEATMAP_CODEC,
    ),
)
TEACHER = dict(type="StackedHourglass", num_stacks=1, channels=8, depth=1)


@pytest.fixture
def teacher_weights(tmp_path):
    """Of a model with one stack more than the teacher has."""
    torch.manual_seed(1)
    network = MODELS.build(dict(TEACHER, num_stacks=2))
    path = str(tmp_path / "teacher.pth")
    torch.save({f"backbone.{k}": v for k, v in network.state_dict().items()}, path)
    return path


@pytest.fixture
def build(teacher_weights):
    def hinted(**changes):
        torch.manual_seed(0)
        own = dict(type="HintedPoseEstimator", hints=HINTS, teacher=TEACHER, hint_weight=2.0)
        own["teacher_weights"] = teacher_weights
        return MODELS.build(copy.deepcopy(own | TASK | changes)).train()

    return hinted


@pytest.fixture
def model(build):
    return build()


@pytest.fixture
def batch(model):
    images, poses = people(4)
    return (torch.as_tensor(images) - 127.5) / 60, data_samples(model, poses)


def test_a_hint_is_the_distance_to_the_standardised_features_of_the_teacher(model, batch):
    images, samples = batch
    loss = model.loss(images, samples)["loss_hint"]

    (teacher,) = model._teacher
    backbone = model.backbone
    first = backbone.layer1(backbone.maxpool(backbone.relu(backbone.norm1(backbone.conv1(images)))))
    stem = teacher.stem(images)
    hourglass = teacher.hourglasses[0][0]
    targets = [stem, hourglass.inner(hourglass.down(stem))]
    expected = 0
    for align, mine, target in zip(
        model.align, [first, backbone.layer2(first)], targets, strict=True
    ):
        spread = target.var((0, 2, 3), unbiased=False, keepdim=True)
        target = (target - target.mean((0, 2, 3), keepdim=True)) / (spread + 1e-5).sqrt()
        expected += (conv2d(mine, align.weight, align.bias) - target).square().mean()
    torch.testing.assert_close(loss, 2 * expected)


def test_hints_join_the_losses_of_the_task(model, batch):
    losses = model.loss(*batch)
    plain = MODELS.build(dict(type="TopdownPoseEstimator", **copy.deepcopy(TASK))).train()
    plain.load_state_dict(
        {k: v for k, v in model.state_dict().items() if not k.startswith("align.")}
    )
    torch.testing.assert_close(losses["loss_kpt"], plain.loss(*batch)["loss_kpt"])


def test_hints_train_the_student_and_leave_the_teacher(model, batch):
    (teacher,) = model._teacher
    before = copy.deepcopy(teacher.state_dict())
    model.loss(*batch)["loss_hint"].backward()
    assert model.backbone.conv1.weight.grad.abs().sum() > 0
    assert all(align.weight.grad.abs().sum() > 0 for align in model.align)
    assert all(parameter.grad is None for parameter in teacher.parameters())
    assert all(torch.equal(before[k], v) for k, v in teacher.state_dict().items())
    assert not any("hourglass" in name for name in model.state_dict())


def test_the_teacher_is_the_trained_one(model, teacher_weights):
    trained = torch.load(teacher_weights)
    (teacher,) = model._teacher
    assert all(torch.equal(trained[f"backbone.{k}"], v) for k, v in teacher.state_dict().items())


def test_hints_of_a_backbone_that_is_trained_in_bfloat16(model, batch):
    BFloat16BackboneHook().before_train(SimpleNamespace(model=model))
    exact = model.loss(*batch)
    assert exact["loss_hint"].dtype == torch.float32
    exact["loss_hint"].backward()
    assert model.backbone.conv1.weight.grad.isfinite().all()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (dict(hints=[]), "one hint at least. Got none"),
        (
            dict(hints=[dict(HINTS[0], student="layer9")]),
            "a module of the student, a ResNet. Got 'layer9'",
        ),
        (
            dict(hints=[dict(HINTS[0], teacher="layer1")]),
            "a module of the teacher, a StackedHourglass. Got 'layer1'",
        ),
        (
            dict(teacher=dict(TEACHER, channels=12)),
            r"teacher.pth to hold all \d+ weights .* a StackedHourglass. Got \d+ of them",
        ),
    ],
)
def test_hints_that_cannot_be(build, changes, words):
    with pytest.raises(ValueError, match=words):
        build(**changes)


def test_hints_of_other_sizes_than_said(build, batch):
    with pytest.raises(ValueError, match=r"channels of layer1 and stem. Got \(8, 8\)"):
        build(hints=[dict(HINTS[0], channels=(16, 8))]).loss(*batch)
    with pytest.raises(ValueError, match="layer2 and stem of one size. Got"):
        build(hints=[dict(student="layer2", teacher="stem", channels=(16, 8))]).loss(*batch)
