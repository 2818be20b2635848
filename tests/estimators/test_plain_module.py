"""Any module that predicts poses, without MMPose's configs and classes."""

import numpy as np
import pytest
import torch
from torch import nn
from toys import HEATMAP_CODEC, headed, hourglass, people, wrap

from hpe_art.attacks import PoseProjectedGradientDescent
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.estimators.classifier_view import PoseClassifierView

MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]
SIZE = (32, 32)


class Inner(nn.Module):
    """The network of an MMPose model, which takes normalised images."""

    def __init__(self, model, read=lambda raw: raw):
        super().__init__()
        self.model, self.read = model, read

    def forward(self, images):
        return self.read(self.model(images, None, mode="tensor"))


def plain(model, output, read=lambda raw: raw, **options):
    options = {"mean": MEAN, "std": STD, "device_type": "cpu", **options}
    return PyTorchPoseEstimator.from_module(Inner(model, read), output, SIZE, **options)


@pytest.mark.parametrize(
    ("model", "output"),
    [
        (hourglass(dict(HEATMAP_CODEC, sigma=2)), "heatmaps"),
        (headed("SimCC"), "simcc"),
        (headed("integral"), "coordinates"),
    ],
    ids=["heatmaps", "simcc", "coordinates"],
)
def test_it_sees_what_the_same_network_sees_in_mmpose(model, output):
    read = (lambda raw: raw[0]) if output == "coordinates" else (lambda raw: raw)
    estimator, own = plain(model, output, read), wrap(model)
    x, y = people(3)
    red_first = x[:, ::-1].copy()
    np.testing.assert_allclose(estimator.predict(red_first), own.predict(x), rtol=1e-5, atol=1e-4)
    if output == "heatmaps":  # of the others the loss is another
        ours, theirs = estimator.loss_gradient(red_first, y), own.loss_gradient(x, y)[:, ::-1]
        np.testing.assert_allclose(ours * 100, theirs, rtol=1e-4, atol=1e-7)  # its loss_weight


@pytest.mark.parametrize("output", ["heatmaps", "simcc", "pixels", "function"])
def test_five_lines_attack_it(output):
    model = {"heatmaps": hourglass(), "simcc": headed("SimCC")}.get(output, headed("integral"))

    def pixels(raw):
        return raw[0] * 32

    chosen, read = {
        "pixels": ("pixels", pixels),
        "function": (pixels, lambda raw: raw),
    }.get(output, (output, lambda raw: raw))
    estimator = plain(model, chosen, read)
    x, y = people(2)
    attack = PoseProjectedGradientDescent(estimator, eps=4, eps_step=2, max_iter=3, verbose=False)
    moved = attack.generate(x, y)
    assert 0 < np.abs(moved - x).max() <= 4 + 1e-4
    assert (estimator.compute_loss(moved, y) > estimator.compute_loss(x, y)).all()
    assert PoseClassifierView(estimator, x).predict(x).shape == (2, 3)


def test_pixels_of_0_to_1_have_a_std_of_255():
    model = hourglass()
    ours = plain(model, "heatmaps", mean=0.0, std=255.0)
    x, _ = people(1)
    seen = []
    ours.model.module.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    ours.predict(x)
    torch.testing.assert_close(seen[0], torch.from_numpy(x) / 255)


def test_a_loss_of_ones_own():
    def first_joint(outputs, y, head):
        return head.distances(outputs[-1], y)[:, 0]

    estimator = plain(hourglass(), "heatmaps", loss=first_joint)
    x, y = people(2)
    assert estimator.compute_loss(x, y).shape == (2,)


@pytest.mark.parametrize(
    ("output", "read", "message"),
    [
        ("maps", lambda raw: raw, "Expected output out of heatmaps, .* Got 'maps'"),
        ("heatmaps", lambda raw: {"out": raw}, "Expected heatmaps .* Got a dict of out: "),
        ("pixels", lambda raw: raw[-1], r"Expected points \(N, K, 2\). Got \(1, 16, 8, 8\)"),
        ("simcc", lambda raw: raw[-1], "Expected x .* and y "),
        ("heatmaps", lambda raw: raw[-1].missing, "takes images .* Got AttributeError"),
    ],
)
def test_what_it_cannot_read_is_named(output, read, message):
    with pytest.raises(ValueError, match=message):
        plain(hourglass(), output, read)


@pytest.mark.parametrize(("mean", "std"), [([1, 2], 1), (0, 0), (float("nan"), 1)])
def test_a_normalisation_that_is_none_is_named(mean, std):
    with pytest.raises(ValueError, match="Expected (mean|std)"):
        plain(hourglass(), "heatmaps", mean=mean, std=std)


def test_the_module_stays_as_it_was():
    model = hourglass().train()
    plain(model, "heatmaps")
    assert model.training
