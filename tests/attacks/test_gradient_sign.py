"""FGSM and PGD on the device, with ART's own on NumPy as the outside oracle."""

import numpy as np
import pytest
import torch
from art.attacks.evasion import FastGradientMethod, ProjectedGradientDescent
from art.defences.preprocessor import SpatialSmoothing
from art.summary_writer import SummaryWriter
from toys import hourglass, people, regression

from hpe_art.attacks import PoseFastGradientMethod, PoseProjectedGradientDescent
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.losses import pose_error

NETWORKS = dict(hourglass=hourglass(), regression=regression())
QUIET = dict(verbose=False)


def estimator_of(network="hourglass", **kwargs):
    return PyTorchPoseEstimator(NETWORKS[network], device_type="cpu", **kwargs)


def error(estimator, images, y):
    return pose_error(torch.as_tensor(estimator.predict(images)), torch.as_tensor(y)).numpy()


class Writer(SummaryWriter):
    """Needs no TensorBoard."""

    seen: list

    def __init__(self):
        pass

    def update(self, batch_id, global_step, grad, x, y, **kwargs):
        self.seen.append((batch_id, global_step, grad.shape, x.shape, y.shape))

    def reset(self):
        self.seen.append("reset")


@pytest.mark.parametrize("outputs", ["last", "all"])
@pytest.mark.parametrize("targeted", [False, True])
@pytest.mark.parametrize("network", NETWORKS)
def test_both_are_arts_bit_for_bit(network, targeted, outputs):
    estimator = estimator_of(network, outputs=outputs)
    x, y = people(5)
    common = dict(eps=7.3, targeted=targeted, batch_size=2)
    steps = dict(eps_step=1.7, max_iter=6, **QUIET)
    theirs = ProjectedGradientDescent(estimator, **common, **steps).generate(x, y)
    ours = PoseProjectedGradientDescent(estimator, **common, **steps).generate(x, y)
    np.testing.assert_array_equal(ours, theirs)
    theirs = FastGradientMethod(estimator, **common).generate(x, y)
    np.testing.assert_array_equal(
        PoseFastGradientMethod(estimator, **common).generate(x, y), theirs
    )


@pytest.mark.parametrize("norm", [1, 2])
def test_other_norms_are_arts_to_a_hundredth_of_a_grey_level(norm):
    estimator = estimator_of()
    x, y = people(3)
    common = dict(norm=norm, eps=300.0)
    steps = dict(eps_step=90.0, max_iter=4, **QUIET)
    theirs = ProjectedGradientDescent(estimator, **common, **steps).generate(x, y)
    ours = PoseProjectedGradientDescent(estimator, **common, **steps).generate(x, y)
    np.testing.assert_allclose(ours, theirs, atol=0.01)
    assert np.abs(ours - x).max() > 1
    theirs = FastGradientMethod(estimator, **common).generate(x, y)
    ours = PoseFastGradientMethod(estimator, **common).generate(x, y)
    np.testing.assert_allclose(ours, theirs, atol=0.01)


@pytest.mark.parametrize("norm", [np.inf, 1, 2])
def test_a_random_start_is_arts(norm):
    estimator = estimator_of()
    x, y = people(3)
    common = dict(norm=norm, eps=8.0, num_random_init=1)
    np.random.seed(3)
    theirs = FastGradientMethod(estimator, **common).generate(x, y)
    np.random.seed(3)
    ours = PoseFastGradientMethod(estimator, **common).generate(x, y)
    np.testing.assert_allclose(ours, theirs, atol=1e-3)


def test_numpy_defences_go_arts_way():
    estimator = estimator_of(
        preprocessing_defences=SpatialSmoothing(window_size=3, channels_first=True)
    )
    assert not estimator.all_framework_preprocessing
    x, y = people(3)
    arguments = dict(eps=8.0, eps_step=3.0, max_iter=3, **QUIET)
    theirs = ProjectedGradientDescent(estimator, **arguments).generate(x, y)
    ours = PoseProjectedGradientDescent(estimator, **arguments).generate(x, y)
    np.testing.assert_array_equal(ours, theirs)


def test_predictions_are_the_default_labels():
    estimator = estimator_of()
    x, _ = people(3)
    attack = PoseProjectedGradientDescent(estimator, max_iter=2, **QUIET)
    np.testing.assert_array_equal(attack.generate(x), attack.generate(x, estimator.predict(x)))


def test_predictions_of_coordinates_need_a_random_start():
    estimator = PyTorchPoseEstimator(regression(), device_type="cpu")
    x, _ = people(3)
    for attack in (
        PoseFastGradientMethod(estimator),
        PoseProjectedGradientDescent(estimator, max_iter=2, **QUIET),
    ):
        with pytest.raises(ValueError, match="Got None: give y, or num_random_init >= 1"):
            attack.generate(x)
        attack.set_params(num_random_init=1)
        moved = np.abs(estimator.predict(attack.generate(x)) - estimator.predict(x))
        assert moved.max() > 0.01


@pytest.mark.parametrize("network", [hourglass, regression])
def test_a_joint_that_does_not_count_may_be_nan(network):
    estimator = PyTorchPoseEstimator(network(), device_type="cpu")
    x, y = people(3)
    y[1, 4] = 0
    unknown = y.copy()
    unknown[1, 4] = [np.nan, np.inf, 0]
    attack = PoseProjectedGradientDescent(estimator, max_iter=2, num_random_init=2, **QUIET)
    found = []
    for labels in (y, unknown, torch.from_numpy(unknown)):
        np.random.seed(0)
        found.append(attack.generate(x, labels))
        np.testing.assert_array_equal(found[-1], found[0])
    assert (np.abs(found[0] - x).max((1, 2, 3)) > 1).all()
    unknown[1, 4, 2] = 1
    with pytest.raises(ValueError, match=r"Got \[nan, inf, 1.0\] for joint 4 of person 1"):
        attack.generate(x, unknown)


def test_no_graph_of_the_caller_reaches_the_result():
    x, y = (torch.from_numpy(values) for values in people(2))
    attack = PoseProjectedGradientDescent(estimator_of(), max_iter=2, **QUIET)
    found = attack.generate(x.clone().requires_grad_(), y)
    assert not found.requires_grad and torch.equal(found, attack.generate(x, y))


def test_a_mask_counts():
    estimator = estimator_of()
    x, y = people(4)
    mask = np.zeros(x.shape[1:], np.float32)
    mask[:, 8:24, 8:24] = 1
    outside = np.broadcast_to(mask == 0, x.shape)
    arts = FastGradientMethod(estimator, eps=8.0).generate(x, y, mask=mask)
    assert (arts != x)[outside].any(), "ART drops it"
    for attack in (
        PoseFastGradientMethod(estimator, eps=8.0, num_random_init=1),
        PoseProjectedGradientDescent(estimator, max_iter=3, decay=1.0, num_random_init=2, **QUIET),
    ):
        masked = attack.generate(x, y, mask=mask)
        np.testing.assert_array_equal(masked[outside], x[outside])
        assert (masked != x).any(axis=(1, 2, 3)).all()


def test_each_image_may_have_its_own_mask():
    estimator = estimator_of()
    x, y = people(3)
    masks = np.random.default_rng(0).random(x.shape) < 0.5
    attack = PoseProjectedGradientDescent(estimator, max_iter=2, batch_size=2, **QUIET)
    moved = attack.generate(x, y, mask=masks) != x
    assert not moved[~masks].any() and moved[masks].mean() > 0.8


@pytest.mark.parametrize("targeted", [False, True])
def test_the_best_restart_is_kept_image_by_image(targeted):
    estimator = estimator_of()
    x, y = people(6)
    with pytest.raises(ValueError, match="only supported for classification"):
        ProjectedGradientDescent(estimator, num_random_init=2, **QUIET).generate(x, y)
    common = dict(eps=8.0, max_iter=2, targeted=targeted, **QUIET)
    once = PoseProjectedGradientDescent(estimator, num_random_init=1, **common)
    np.random.seed(0)
    singles = np.stack([error(estimator, once.generate(x, y), y) for _ in range(4)])
    np.random.seed(0)
    best = PoseProjectedGradientDescent(estimator, num_random_init=4, **common).generate(x, y)
    expected = singles.min(0) if targeted else singles.max(0)
    np.testing.assert_array_equal(error(estimator, best, y), expected)
    assert len(set((singles == expected).argmax(0))) > 1, "else one restart was best for all"


def test_a_list_of_eps_is_one_run_for_each():
    estimator = estimator_of()
    x, y = people(3)
    for attack, more in (
        (PoseFastGradientMethod, {}),
        (PoseProjectedGradientDescent, dict(max_iter=2, **QUIET)),
    ):
        together = attack(estimator, eps=[1.0, 4.0], **more).generate(x, y)
        for eps, images in zip([1.0, 4.0], together, strict=True):
            np.testing.assert_array_equal(images, attack(estimator, eps=eps, **more).generate(x, y))


def test_each_image_may_have_its_own_eps():
    estimator = estimator_of()
    x, y = people(3)
    eps = np.array([1.0, 4.0, 8.0])
    together = PoseProjectedGradientDescent(estimator, eps=eps, max_iter=2, **QUIET).generate(x, y)
    for i in range(3):
        alone = PoseProjectedGradientDescent(estimator, eps=float(eps[i]), max_iter=2, **QUIET)
        found = alone.generate(x[i : i + 1], y[i : i + 1])
        # As above: another batch.
        assert (np.abs(together[i : i + 1] - found) < 1e-4).mean() > 0.99


def test_tensors_in_tensors_out():
    estimator = estimator_of()
    x, y = people(3)
    for attack in (
        PoseFastGradientMethod(estimator),
        PoseProjectedGradientDescent(estimator, max_iter=2, **QUIET),
    ):
        tensors = attack.generate(torch.as_tensor(x), torch.as_tensor(y))
        assert isinstance(tensors, torch.Tensor)
        np.testing.assert_array_equal(tensors.numpy(), attack.generate(x, y))


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.uint8])
def test_images_come_back_in_float32(dtype):
    x, y = people(2)
    attack = PoseProjectedGradientDescent(estimator_of(), max_iter=1, **QUIET)
    assert attack.generate(x.astype(dtype), y).dtype == np.float32


@pytest.mark.parametrize("norm", [np.inf, 1, 2])
def test_the_ball_and_the_range_of_pixels_are_kept(norm):
    estimator = estimator_of()
    x, y = people(4)
    eps = 8.0 if norm == np.inf else 200.0
    attack = PoseProjectedGradientDescent(
        estimator, norm=norm, eps=eps, max_iter=5, num_random_init=2, **QUIET
    )
    moved = attack.generate(x, y)
    sizes = np.linalg.norm((moved - x).reshape(4, -1), ord=norm, axis=1)
    assert (sizes <= eps * (1 + 1e-4)).all() and (sizes > 0.5 * eps).all()
    assert moved.min() >= 0 and moved.max() <= 255
