"""Each family of MMPose's heads: poses, flips, losses and gradients as MMPose's own."""

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData, PixelData
from mmpose.registry import KEYPOINT_CODECS, MODELS
from mmpose.structures import PoseDataSample
from toys import HEADED, JOINTS, headed, hourglass, mmpose_head, people, pose_model, wrap

from hpe_art.estimators.heads import head_adaptor
from hpe_art.estimators.network import forward, normalised
from hpe_art.evaluation.model_check import check_model
from hpe_art.gradients import GradientWarning
from hpe_art.losses import DISTANCE, MARGIN, REMAINING, Goal
from hpe_art.losses.margin import joint_margins


@pytest.fixture(params=list(HEADED))
def model(request):
    built = headed(request.param)
    if request.param.startswith("RLE"):
        # As if it were trained: coordinates within the crop.
        built.head.fc.bias.data.view(JOINTS, 4)[:, :2] = 0.5
    return built


def test_poses_gradients_and_attack_are_those_of_mmpose(model):
    found = check_model(model)
    assert found.faults == [] and found.outputs == 1


def test_the_loss_is_that_of_the_head(model):
    """MMPose's `loss` of a batch, with labels that its codec makes, is ours on average."""
    x, y = people(3, seed=5)
    adaptor = head_adaptor(model.head)
    samples = [sample_of(adaptor.codec, pose) for pose in y]
    with torch.no_grad():
        batch = model.data_preprocessor({"inputs": list(torch.from_numpy(x)), "data_samples": []})
        features = model.extract_feat(batch["inputs"])
        losses = model.head.loss(features, samples, train_cfg=dict(compute_acc=False))
        ours = wrap(model).objective(y)(torch.from_numpy(x))
    expected = losses["loss_kpt"]
    # KLDiscretLoss adds up over images, all others are means.
    mean = type(model.head.loss_module).__name__ != "KLDiscretLoss"
    torch.testing.assert_close(ours.mean() if mean else ours.sum(), expected, rtol=2e-5, atol=1e-7)


def sample_of(codec, pose):
    """What MMPose's pipeline packs of a pose (K, 3)."""
    encoded = codec.encode(pose[None, :, :2].copy(), (pose[None, :, 2] > 0).astype(np.float32))
    sample = PoseDataSample()
    sample.gt_instance_labels = InstanceData()
    fields = {}
    for name, value in encoded.items():
        tensor = torch.as_tensor(np.asarray(value, np.float32))
        if name == "heatmaps":
            fields[name] = tensor
        else:
            sample.gt_instance_labels[name] = tensor
    if fields:
        sample.gt_fields = PixelData(**fields)
    return sample


@pytest.mark.parametrize("loss", [MARGIN, DISTANCE, REMAINING])
def test_losses_of_the_metric_have_gradients(model, loss):
    x, _ = people(2)
    estimator = wrap(model)
    y = estimator.predict(x)
    y += 1  # coordinates are flat at their own predictions
    goal = Goal(torch.as_tensor(y[..., :2]), torch.full(y.shape[:2], 40.0))
    gradient = estimator.objective(y, loss, goal=goal).gradient(x)
    assert torch.isfinite(gradient).all()
    assert (gradient != 0).flatten(1).any(1).all()


def test_l1_is_mmposes_loss_of_coordinates(model):
    """Also of a head that is trained otherwise, such as RLE's; heads of cells have none."""
    x, y = people(3, seed=5)
    estimator, pixels = wrap(model, loss="l1"), torch.from_numpy(x)
    if estimator.head.has_cells:
        with pytest.raises(ValueError, match="coordinates for the loss l1. Got .* loss distance"):
            estimator.loss_gradient(x, y)
        return
    codec = getattr(model.head.decoder, "keypoint_codec", model.head.decoder)
    labels = codec.encode(y[..., :2].copy(), y[..., 2].copy())
    with torch.no_grad():
        raw = forward(model, normalised(model, pixels))
    points = raw[0] if isinstance(raw, tuple) else raw[..., :2]
    known = torch.as_tensor(labels["keypoint_labels"]), torch.as_tensor(labels["keypoint_weights"])
    expected = MODELS.build(dict(type="L1Loss", use_target_weight=True))(points, *known)
    assert estimator.compute_loss(x, y).mean() == pytest.approx(float(expected), rel=1e-5)
    assert (estimator.loss_gradient(x, y) != 0).any()
    with pytest.warns(GradientWarning, match="Got zero for 3"):
        assert not estimator.loss_gradient(x, estimator.predict(x)).any()
    assert estimator.is_flat_at_own_predictions()


# MMPose's JS divergence has none where a joint lies off the map.
@pytest.mark.filterwarnings("ignore::hpe_art.gradients.GradientWarning")
def test_all_outputs_of_one_are_the_last(model):
    x, y = people(2)
    last, every = (wrap(model, outputs=outputs) for outputs in ("last", "all"))
    np.testing.assert_array_equal(last.loss_gradient(x, y), every.loss_gradient(x, y))


@pytest.mark.parametrize("name", ["SimCC", "RTMCC", "RLE", "DSNT"])
def test_what_is_well_within_its_circle_has_a_margin_below_0(name):
    """Beyond it one above, but for SimCC, whose axes have to leave one by one."""
    model = headed(name)
    x, _ = people(4)
    estimator = wrap(model)
    poses = torch.as_tensor(estimator.predict(x))
    offsets = torch.linspace(-9, 9, JOINTS)[:, None].expand(JOINTS, 2)
    goal = Goal(poses[..., :2] + offsets, torch.full(poses.shape[:2], 5.0))
    with torch.no_grad():
        raw = forward(model, normalised(model, torch.from_numpy(x)))
    margins = joint_margins(estimator.head.outputs(raw)[-1], Reader(estimator.head, goal), goal)
    apart = (goal.centres - poses[..., :2]).norm(dim=-1)
    assert (margins[apart < 4] < 0).all()
    corner = 2**0.5 if estimator.head.has_cells else 1.0
    assert (margins[apart > 5 * corner + 1] > 0).all()


class Reader:
    """What a loss asks of a head."""

    def __init__(self, head, goal):
        self.parts, self.decode, self.distances = head.parts, head.decode, head.distances
        self.goal = goal


def test_a_head_that_says_what_can_be_seen_is_attacked_by_its_pose():
    pose = dict(type="HeatmapHead", in_channels=8, out_channels=JOINTS, deconv_out_channels=None)
    codec = dict(type="MSRAHeatmap", input_size=(32, 32), heatmap_size=(8, 8), sigma=1)
    pose |= dict(loss=dict(type="KeypointMSELoss", use_target_weight=True), decoder=codec)
    loss = dict(type="BCELoss", use_target_weight=False, use_sigmoid=True)
    head = dict(type="VisPredictHead", pose_cfg=pose, loss=loss)
    assert check_model(pose_model(dict(type="ToyBackbone"), head)).faults == []


def test_a_head_of_ones_own_is_taken_for_its_parent():
    @MODELS.register_module(force=True)
    class OwnRLEHead(MODELS.get("RLEHead")):
        pass

    settings = dict(HEADED["RLE"], kind="OwnRLEHead")
    assert type(head_adaptor(mmpose_head(**settings).head)).__name__ == "ResidualAdaptor"


@pytest.mark.parametrize("name", ["UDP", "RTMCC", "RLE"])
def test_joints_that_a_model_does_not_put_out_are_not_scored(name):
    """It knows the joints of its own, and puts out those of the data set."""
    model = headed(name)
    chosen = [3, 0, 1, 10]
    model.test_cfg["output_keypoint_indices"] = chosen
    model.metainfo, model.dataset_meta = model.dataset_meta, dict(flip_indices=[0, 2, 1, 3])
    found = check_model(model)
    assert found.faults == []
    x, _ = people(2)
    poses = wrap(model.float()).predict(x)
    del model.test_cfg["output_keypoint_indices"]
    np.testing.assert_array_equal(poses, wrap(model).predict(x)[:, chosen])


def test_levels_are_trained_towards_targets_of_their_own():
    """As in MSPN: the sum over all outputs is MMPose's loss with the pipeline's targets."""
    size = dict(type="MegviiHeatmap", input_size=(32, 32), heatmap_size=(8, 8))
    codecs = [KEYPOINT_CODECS.build(dict(size, kernel_size=kernel)) for kernel in (5, 3)]
    model = hourglass(dict(size, kernel_size=3))
    model.head.level_indices, model.head.level_codecs = [0, 1], codecs
    x, y = people(2)
    pixels = torch.from_numpy(x)
    with torch.no_grad():
        ours = wrap(model, outputs="all").objective(y)(pixels)
        raw = forward(model, normalised(model, pixels))
    for i, pose in enumerate(y):
        expected = 0.0
        for output, codec in zip(raw, codecs, strict=True):
            encoded = codec.encode(pose[None, :, :2], (pose[None, :, 2] > 0).astype(np.float32))
            target = torch.as_tensor(encoded["heatmaps"])[None]
            weights = torch.as_tensor(encoded["keypoint_weights"])
            expected += model.head.loss_module(output[i : i + 1], target.float(), weights)
        torch.testing.assert_close(ours[i], expected, rtol=1e-4, atol=1e-6)
