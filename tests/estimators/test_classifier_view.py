"""The view must mean what it says, and ART's classifier-only attacks must run on it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from art.attacks.evasion import (
    AutoProjectedGradientDescent,
    DeepFool,
    HopSkipJump,
    SquareAttack,
    UniversalPerturbation,
)
from art.defences.preprocessor import SpatialSmoothing
from art.estimators.classification import PyTorchClassifier
from toys import hourglass, people, regression

from hpe_art.data.people import load_people
from hpe_art.estimators import PoseClassifierView, PyTorchPoseEstimator
from hpe_art.estimators.classifier_view import BROKEN, INTACT
from hpe_art.estimators.loading import load_config
from hpe_art.heatmaps import encode_heatmaps, expected_distances

CONFIG = Path(__file__).parents[2] / "mmpose_configs" / "hourglass.py"


@pytest.fixture(scope="module", params=["trained heatmaps", "coordinates"])
def case(request):
    """An estimator, five images, and a threshold of about a head."""
    if request.param == "coordinates":
        # Untrained, it puts all joints next to each other.
        return PyTorchPoseEstimator(regression(), device_type="cpu"), people(5)[0], 8.0
    cfg = load_config(CONFIG)
    x = load_people(cfg, 5).x[:].astype(np.float32)
    return PyTorchPoseEstimator.from_config(cfg, device_type="cpu"), x, 0.1


def test_the_expected_distance_is_that_of_the_peak():
    y = torch.tensor([[[8.0, 20.0, 1.0], [24.0, 4.0, 1.0]]])
    factor = torch.tensor([4.0, 4.0])
    heatmaps, _ = encode_heatmaps(y, factor, (8, 8), sigma=1)
    points = y[..., :2] + torch.tensor([[12.0, -16.0], [0.0, 0.0]])
    found = expected_distances(heatmaps * 0.3 - 0.1, points, factor)
    assert found[0].tolist() == pytest.approx([20, 0], abs=0.3)


def test_clean_images_are_intact_and_far_poses_broken(case):
    estimator, x, threshold = case
    view = PoseClassifierView(estimator, x, threshold=threshold)
    assert isinstance(view, PyTorchClassifier)
    logits = view.predict(x)
    assert logits.shape == (5, 3)
    assert (logits.argmax(1) == INTACT).all() and not view.broken(x).any()
    far = estimator.predict(x)
    far[..., :2] += 100
    assert PoseClassifierView(estimator, x, far, threshold).broken(x).all()


@pytest.mark.parametrize("options", [dict(precision="bfloat16"), dict(compile=True)])
def test_what_is_broken_is_said_by_the_model_itself(options):
    """However gradients are found, and although a class gradient goes back twice."""
    x, _ = people(3)
    exact = PoseClassifierView(PyTorchPoseEstimator(hourglass(), device_type="cpu"), x)
    fast = PyTorchPoseEstimator(hourglass(), device_type="cpu", **options)
    view = PoseClassifierView(fast, x)
    np.testing.assert_array_equal(view.predict(x), exact.predict(x))
    assert np.abs(view.class_gradient(x)).max() > 0


def test_the_logits_grow_and_fall_with_the_pose_error(case):
    estimator, x, threshold = case
    pose = estimator.predict(x[:1])
    logits = []
    for shift in range(0, 24, 3):
        view = PoseClassifierView(estimator, x[:1], pose + np.float32([shift, 0, 0]), threshold)
        logits.append(view.predict(x[:1])[0])
    intact, broken, floor = np.transpose(logits)
    assert (np.diff(broken) > 0).all()
    np.testing.assert_allclose(intact, -broken, atol=1e-5)
    assert np.ptp(floor) == 0 and (floor <= np.minimum(intact, broken) + 1e-5).all()


def test_an_image_is_matched_to_the_nearest_reference(case):
    estimator, x, threshold = case
    view = PoseClassifierView(estimator, x, threshold=threshold)
    order = [3, 0, 4]
    np.testing.assert_allclose(view.predict(x)[order], view.predict(x[order]), atol=1e-3)
    nudged = np.clip(x[order] + 8, 0, 255)
    lost = view.model.lost(torch.as_tensor(nudged), torch.tensor(order)).detach().numpy()
    np.testing.assert_allclose(view.predict(nudged)[:, BROKEN], 5 * (2 * lost - 1), atol=1e-3)


def test_unlabelled_joints_do_not_count(case):
    estimator, x, threshold = case
    y = estimator.predict(x)
    y[:, 5:] = [999, 999, 0]
    assert not PoseClassifierView(estimator, x, y, threshold).broken(x).any()


def test_its_gradient_is_that_of_its_logits(case):
    estimator, x, threshold = case
    x = x[:2] * 0.8 + 20
    y = estimator.predict(x) + np.float32([4, 4, 0])
    view = PoseClassifierView(estimator, x, y, threshold)
    gradient = view.class_gradient(x, label=BROKEN)[:, 0]
    slope = np.linalg.norm(gradient.reshape(2, -1), axis=1)
    step = gradient / slope.reshape(2, 1, 1, 1)
    up, down = (view.predict((x + sign * step).astype(np.float32))[:, BROKEN] for sign in (1, -1))
    np.testing.assert_allclose((up - down) / 2, slope, rtol=0.1)
    assert (slope > 0).all()


def test_the_network_stays_as_it_was(case):
    estimator, x, threshold = case
    estimator.model.train()
    view = PoseClassifierView(estimator, x, threshold=threshold)
    before = {k: v.clone() for k, v in estimator.model.state_dict().items()}
    view.loss_gradient(x[:2], np.array([[1.0, 0, 0]] * 2))
    view.predict(x)
    assert all(torch.equal(v, before[k]) for k, v in estimator.model.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in estimator.model.parameters())
    assert estimator.model.training
    estimator.model.eval()


ATTACKS = {
    "DeepFool": lambda view: DeepFool(view, max_iter=20, verbose=False),
    "APGD": lambda view: AutoProjectedGradientDescent(
        view, eps=8, eps_step=2, max_iter=10, nb_random_init=1, verbose=False
    ),
    "APGD, DLR": lambda view: AutoProjectedGradientDescent(
        view,
        eps=8,
        eps_step=2,
        max_iter=10,
        nb_random_init=1,
        loss_type="difference_logits_ratio",
        verbose=False,
    ),
    "HopSkipJump": lambda view: HopSkipJump(
        view, max_iter=1, max_eval=20, init_eval=10, init_size=20, verbose=False
    ),
    "SquareAttack": lambda view: SquareAttack(view, eps=64, max_iter=60, verbose=False),
    "UniversalPerturbation": lambda view: UniversalPerturbation(
        view,
        attacker="deepfool",
        attacker_params=dict(max_iter=5, verbose=False),
        max_iter=2,
        eps=32,
        norm=np.inf,
        verbose=False,
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_arts_classifier_attacks_break_poses(attack):
    cfg = load_config(CONFIG)
    estimator = PyTorchPoseEstimator.from_config(cfg, device_type="cpu")
    x = load_people(cfg, 3).x[:].astype(np.float32)
    np.random.seed(0)
    view = PoseClassifierView(estimator, x)
    x_adv = ATTACKS[attack](view).generate(x)
    assert x_adv.shape == x.shape and x_adv.min() >= 0 and x_adv.max() <= 255
    broken = view.broken(x_adv)
    assert broken.any()
    clean, found = (estimator.predict(images)[..., :2] for images in (x, x_adv))
    longer_side = np.ptp(clean, axis=1).max(1)
    lost = np.linalg.norm(found - clean, axis=-1) > 0.1 * longer_side[:, None]
    assert (lost.mean(1)[broken] > 0.25).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(y=np.ones((2, 16, 3))), r"N = 3. Got \(2, 16, 3\)"),
        (dict(y=np.ones((3, 16, 3)) * [[[1, 1, 1]], [[1, 1, 0]], [[1, 1, 1]]]), "Got none for 1"),
        (dict(threshold=0.0), "threshold > 0. Got 0"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    estimator = PyTorchPoseEstimator(hourglass(), device_type="cpu")
    with pytest.raises(ValueError, match=message):
        PoseClassifierView(estimator, people(3)[0], **arguments)


def test_numpy_defences_have_the_gradient_that_art_estimates():
    """For smoothing it is that of the smoothed image."""
    smoothing = SpatialSmoothing(window_size=3, channels_first=True)
    x, _ = people(2)
    defended = PyTorchPoseEstimator(
        hourglass(), preprocessing_defences=smoothing, device_type="cpu"
    )
    plain = PyTorchPoseEstimator(hourglass(), device_type="cpu")
    y, seen = defended.predict(x), smoothing(x)[0]
    gradients = []
    for estimator, images in ((defended, x), (plain, seen)):
        pixels = torch.from_numpy(images).requires_grad_()
        estimator.objective(y).distances(pixels).sum().backward()
        gradients.append(pixels.grad)
    torch.testing.assert_close(*gradients)
