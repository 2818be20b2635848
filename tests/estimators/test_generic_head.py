"""A head and a codec of a user's own, which nothing in the package knows."""

from typing import ClassVar

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData
from mmpose.codecs.base import BaseKeypointCodec
from mmpose.models.heads import BaseHead, HeatmapHead
from mmpose.registry import KEYPOINT_CODECS, MODELS
from torch import nn
from torch.nn.functional import smooth_l1_loss
from toys import FLIP_INDICES, HEATMAP_CODEC, JOINTS, data_samples, people, pose_model, wrap

from hpe_art import PoseProjectedGradientDescent
from hpe_art.estimators.heads import head_adaptor
from hpe_art.evaluation.model_check import check_model
from hpe_art.losses import DISTANCE, MARGIN, REMAINING, Goal


@KEYPOINT_CODECS.register_module(force=True)
class CentredLabel(BaseKeypointCodec):
    """Points as shares of the crop, counted from its centre; decoded in NumPy."""

    label_mapping_table: ClassVar = dict(centred="centred", keypoint_weights="keypoint_weights")

    def __init__(self, input_size):
        self.input_size = input_size

    def encode(self, keypoints, keypoints_visible=None):
        centred = (keypoints / self.input_size - 0.5).astype(np.float32)
        return dict(centred=centred, keypoint_weights=keypoints_visible)

    def decode(self, encoded):
        points = (encoded + 0.5) * self.input_size
        return points[None], np.ones((1, len(points)), np.float32)


@KEYPOINT_CODECS.register_module(force=True)
class CentredTensorLabel(CentredLabel):
    """Decoded as tensors, with their gradient."""

    support_batch_decoding = True

    def batch_decode(self, batch):
        points = (batch + 0.5) * batch.new_tensor(self.input_size)
        return list(points[:, None]), list(torch.ones_like(points[:, None, :, 0]))


@MODELS.register_module(force=True)
class CentredHead(BaseHead):
    """Puts out a dict of points and of how bright the image is; is trained on both."""

    def __init__(self, decoder):
        super().__init__()
        self.decoder = KEYPOINT_CODECS.build(decoder)
        self.points = nn.Linear(8 * 8 * 8, 2 * JOINTS)
        self.brightness = nn.Linear(8 * 8 * 8, 1)

    def forward(self, feats):
        flat = feats[-1].flatten(1)
        return dict(points=self.points(flat).view(-1, JOINTS, 2), bright=self.brightness(flat))

    def predict(self, feats, batch_data_samples, test_cfg=None):
        if not test_cfg.get("flip_test"):
            return self.decode(self.forward(feats)["points"])
        one, other = (self.forward(one)["points"] for one in feats)
        other = other[:, batch_data_samples[0].metainfo["flip_indices"]]
        other = other * other.new_tensor([-1.0, 1.0])
        return self.decode((one + other) / 2)

    def loss(self, feats, batch_data_samples, train_cfg=None):
        found = self.forward(feats)
        labels = [sample.gt_instance_labels for sample in batch_data_samples]
        wanted = torch.cat([label.centred for label in labels])
        weights = torch.cat([label.keypoint_weights for label in labels])[..., None]
        points = smooth_l1_loss(found["points"] * weights, wanted * weights)
        return dict(loss_points=points, loss_bright=found["bright"].square().mean())


@MODELS.register_module(force=True)
class FocusedHead(HeatmapHead):
    """Heatmaps as MMPose has them, with a loss that is its own."""

    def loss(self, feats, batch_data_samples, train_cfg=None):
        wanted = torch.stack([sample.gt_fields.heatmaps for sample in batch_data_samples])
        maps = self.forward(feats)
        return dict(loss_kpt=((maps - wanted).square() * (1 + wanted)).mean())


def centred(codec="CentredLabel"):
    head = dict(type="CentredHead", decoder=dict(type=codec, input_size=(32, 32)))
    return pose_model(dict(type="ToyBackbone"), head)


def focused():
    head = dict(type="FocusedHead", in_channels=8, out_channels=JOINTS, deconv_out_channels=None)
    return pose_model(dict(type="ToyBackbone"), dict(head, decoder=HEATMAP_CODEC))


@pytest.fixture(params=[centred, focused])
def model(request):
    return request.param()


def test_poses_and_gradients_are_those_of_mmpose(model):
    """Poses of `test_step`, flip-test off and on; central differences in float64."""
    assert type(head_adaptor(model.head)).__name__ == "GenericAdaptor"
    before = [value.clone() for value in model.state_dict().values()]
    found = check_model(model)
    assert found.faults == [] and found.outputs == 1
    for one, other in zip(before, model.state_dict().values(), strict=True):
        torch.testing.assert_close(one.to(other), other, rtol=0, atol=0)


def test_the_loss_is_that_of_the_head(model):
    x, y = people(3)
    with torch.no_grad():
        batch = model.data_preprocessor({"inputs": list(torch.from_numpy(x)), "data_samples": []})
        features = model.extract_feat(batch["inputs"])
        samples = data_samples(model, y)
        for sample, pose in zip(samples, y, strict=True):
            if isinstance(model.head, CentredHead):
                encoded = model.head.decoder.encode(pose[None, :, :2], pose[None, :, 2])
                labels = {name: torch.as_tensor(value) for name, value in encoded.items()}
                sample.gt_instance_labels = InstanceData(**labels)
        expected = sum(model.head.loss(features, samples).values())
    assert wrap(model).compute_loss(x, y).mean() == pytest.approx(float(expected), rel=1e-5)


def test_with_flip_test_the_loss_is_the_mean_over_both_images(model):
    x, y = people(2)
    swapped = y[:, FLIP_INDICES] * [-1, 1, 1] + [31, 0, 0]
    estimator, both = wrap(model, flip_test=False), wrap(model, flip_test=True)
    one, other = estimator.compute_loss(x, y), estimator.compute_loss(x[..., ::-1].copy(), swapped)
    np.testing.assert_allclose(both.compute_loss(x, y), (one + other) / 2, rtol=1e-4)


def test_pgd_raises_the_loss(model):
    x, y = people(3)
    estimator = wrap(model)
    attack = PoseProjectedGradientDescent(estimator, eps=4, eps_step=1, max_iter=5, verbose=False)
    x_adv = attack.generate(x, y)
    assert 0 < np.abs(x_adv - x).max() <= 4 + 1e-4
    assert (estimator.compute_loss(x_adv, y) > estimator.compute_loss(x, y)).all()
    np.testing.assert_array_equal(attack.generate(x[1:2], y[1:2])[0], x_adv[1])


def goal_of(y):
    return Goal(torch.as_tensor(y[..., :2]), torch.full(y.shape[:2], 40.0))


def test_distances_have_a_gradient_where_decoding_has_one():
    x, y = people(2)
    objective = wrap(centred("CentredTensorLabel")).objective(y, DISTANCE)
    assert (objective.gradient(x) != 0).any()
    plain = wrap(centred()).objective(y, DISTANCE)
    np.testing.assert_allclose(objective(torch.from_numpy(x)), plain(torch.from_numpy(x)))
    for loss in (DISTANCE, MARGIN):
        objective = wrap(centred()).objective(y, loss, goal=goal_of(y))
        said = f"a gradient. Got {loss}_loss without one, .* CentredLabel decodes: take the loss"
        with pytest.raises(ValueError, match=said):
            objective.gradient(x)


@pytest.mark.parametrize("loss", [MARGIN, REMAINING])
def test_losses_of_the_metric(loss):
    """The margin is one of distances; what remains is chosen by them, whatever their gradient."""
    x, y = people(2)
    y[..., :2] = y[..., :2].clip(0, 31)
    estimator = wrap(centred("CentredTensorLabel" if loss == MARGIN else "CentredLabel"))
    gradient = estimator.objective(y, loss, goal=goal_of(y)).gradient(x)
    assert torch.isfinite(gradient).all() and (gradient != 0).any()


def test_joints_at_their_goal_have_no_part_in_what_remains():
    x, y = people(1)
    y[..., 2] = 1
    model = centred()
    model.head.brightness.weight.data.zero_()
    model.head.brightness.bias.data.zero_()
    far = Goal(torch.full((1, JOINTS, 2), 9e3), torch.ones(1, JOINTS))
    assert wrap(model).objective(y, REMAINING, goal=far)(torch.from_numpy(x)) == 0


def test_a_head_that_cannot_be_asked_is_refused():
    model = centred()
    model.head.decoder.input_size = None
    with pytest.raises(ValueError, match=r"codec with input_size, \(W, H\).* Got CentredLabel\."):
        wrap(model)
    model = centred()
    model.test_cfg["output_keypoint_indices"] = [0, 1]
    with pytest.raises(ValueError, match="HeadAdaptor for CentredHead, since .*output_keypoint"):
        wrap(model).predict(people(1)[0])
    model = centred()
    model.head.decoder = None
    with pytest.raises(ValueError, match=r"decoder, predict\(\) and loss\(\).* Got CentredHead"):
        wrap(model)


def test_a_head_that_leaves_its_forward_out_is_refused():
    class Direct(CentredHead):
        def predict(self, feats, batch_data_samples, test_cfg=None):
            return self.decode(feats["points"])

    model = centred()
    model.head.__class__ = Direct
    with pytest.raises(ValueError, match=r"predict\(\) calls its forward\(\)\. Got Direct"):
        wrap(model).predict(people(1)[0])
