"""FGSM and PGD on the device, with ART's own on NumPy as the outside oracle."""

from unittest.mock import patch

import numpy as np
import pytest
import torch
from art.attacks.evasion import FastGradientMethod, ProjectedGradientDescent
from art.defences.preprocessor import SpatialSmoothing
from art.summary_writer import SummaryWriter
from toys import LinearPose, hourglass, people, regression

from hpe_art.attacks import PoseFastGradientMethod, PoseProjectedGradientDescent
from hpe_art.attacks.steps import direction
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


# Equal to ART where ART is right.


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


def test_momentum_is_arts():
    estimator = estimator_of()
    x, y = people(3)
    arguments = dict(eps=8.0, eps_step=2.0, decay=0.9, max_iter=5, **QUIET)
    theirs = ProjectedGradientDescent(estimator, **arguments).generate(x, y)
    ours = PoseProjectedGradientDescent(estimator, **arguments).generate(x, y)
    # ART adds up in float64, so a sum next to 0 may have the other sign.
    assert (ours == theirs).mean() > 0.999
    plain = PoseProjectedGradientDescent(estimator, **{**arguments, "decay": None}).generate(x, y)
    assert (ours != plain).mean() > 0.01


def test_an_array_of_eps_is_arts():
    estimator = estimator_of()
    x, y = people(3)
    eps = np.array([2.0, 4.0, 8.0], np.float32)
    arts = dict(eps=eps.reshape(-1, 1, 1, 1), eps_step=eps.reshape(-1, 1, 1, 1) / 4)
    theirs = ProjectedGradientDescent(estimator, **arts, max_iter=3, **QUIET).generate(x, y)
    for ours in (arts, dict(eps=eps, eps_step=eps / 4)):
        attack = PoseProjectedGradientDescent(estimator, **ours, max_iter=3, **QUIET)
        np.testing.assert_array_equal(attack.generate(x, y), theirs)


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


# Mended where ART is wrong for estimators that are not classifiers.


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


def test_momentum_over_several_batches():
    estimator = estimator_of()
    x, y = people(5)
    arguments = dict(eps=8.0, eps_step=2.0, decay=0.9, max_iter=3, **QUIET)
    with pytest.raises(ValueError):
        ProjectedGradientDescent(estimator, batch_size=2, **arguments).generate(x, y)
    whole, parts = (
        PoseProjectedGradientDescent(estimator, batch_size=b, **arguments).generate(x, y)
        for b in (5, 2)
    )
    # A kernel may round otherwise for another batch, and a gradient next to 0 change its sign.
    assert (whole == parts).mean() > 0.99


# What ART has not.


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


def test_fgsm_needs_one_gradient_for_all_eps():
    estimator = estimator_of()
    x, y = people(5)
    before = estimator.backward_passes
    PoseFastGradientMethod(estimator, eps=[0.25, 0.5, 1, 2, 4, 8], batch_size=2).generate(x, y)
    assert estimator.backward_passes - before == 5


def test_the_callback_sees_every_step():
    estimator = estimator_of()
    x, y = people(5)
    curve = np.zeros((6, *x.shape), np.float32)

    def keep(step, rows, now):
        curve[step - 1, rows] = now.numpy()

    common = dict(eps=8.0, eps_step=1.0, batch_size=2, **QUIET)
    long = PoseProjectedGradientDescent(estimator, max_iter=6, **common).generate(
        x, y, callback=keep
    )
    np.testing.assert_array_equal(curve[5], long)
    for steps in (1, 4):
        short = PoseProjectedGradientDescent(estimator, max_iter=steps, **common).generate(x, y)
        np.testing.assert_array_equal(curve[steps - 1], short)


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


def test_the_loop_never_asks_the_host():
    estimator = estimator_of()
    x, y = map(torch.as_tensor, people(4))
    attack = PoseProjectedGradientDescent(estimator, max_iter=4, decay=1.0, **QUIET)

    def forbidden(*args, **kwargs):
        raise AssertionError("a copy to the host, or a wait for the device")

    patches = [
        patch.object(torch.Tensor, name, forbidden)
        for name in ("cpu", "numpy", "item", "tolist", "__bool__", "__array__")
    ]

    def between(step, rows, now):
        # From the end of the first step to that of the last.
        for p in patches:
            p.start() if step == 1 else p.stop() if step == 4 else None

    try:
        attack.generate(x, y, mask=np.ones(x.shape[1:], bool), callback=between)
    finally:
        patch.stopall()


@pytest.mark.parametrize("norm", [np.inf, 1, 2])
def test_gradients_that_are_no_numbers_do_no_harm(norm):
    x = torch.as_tensor(people(2)[0])
    gradient = torch.ones_like(x)
    gradient[0, 0, 0, :3] = torch.tensor([torch.inf, -torch.inf, torch.nan])
    found = direction(gradient, norm)
    assert torch.isfinite(found).all()
    # Infinity counts as the largest number: that is where the step goes.
    assert found[0, 0, 0, 0] > 0 and found[0, 0, 0, 2] == 0
    length = torch.linalg.vector_norm(found.flatten(1), ord=norm, dim=1)
    assert length.tolist() == pytest.approx([1.0, 1.0], rel=1e-5)


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


def test_fgsm_reaches_the_optimum_of_a_linear_model():
    """Per coordinate a step along signs moves by eps times the L1 norm of its row."""
    model = LinearPose()
    estimator = PyTorchPoseEstimator(model, device_type="cpu", flip_test=False)
    x = np.full((1, 3, 8, 8), 127.0, np.float32)
    y = np.concatenate([estimator.predict(x)[..., :2], np.zeros((1, 2, 1))], -1).astype(np.float32)
    y[0, 0, 2] = 1
    y[0, 0, 0] -= 0.01  # the loss sees x of the first joint alone
    attacked = PoseFastGradientMethod(estimator, eps=8.0).generate(x, y)
    moved = (estimator.predict(attacked) - estimator.predict(x))[0, 0, 0]
    row = model.linear.weight.detach()[0]
    assert moved == pytest.approx(8 * 8.0 * float(row.abs().sum()), rel=1e-4)


def test_random_eps_is_drawn_anew_and_leaves_eps():
    estimator = estimator_of()
    x, y = people(2)
    attack = PoseProjectedGradientDescent(
        estimator, eps=8.0, eps_step=4.0, max_iter=5, random_eps=True, **QUIET
    )
    sizes = {float(np.abs(attack.generate(x, y) - x).max()) for _ in range(4)}
    assert len(sizes) == 4 and all(0 < size < 8 for size in sizes)
    assert (attack.eps, attack.eps_step) == (8.0, 4.0)
    attack.set_params(eps=np.array([8.0, 0.0]), eps_step=1.0)
    moved = np.abs(attack.generate(x, y) - x).max((1, 2, 3))
    assert 0 < moved[0] < 8 and moved[1] == 0


def test_the_summary_writer_sees_each_step():
    seen = Writer.seen = []
    estimator = estimator_of()
    x, y = people(3)
    attack = PoseProjectedGradientDescent(
        estimator, max_iter=2, batch_size=2, summary_writer=Writer(), **QUIET
    )
    attack.generate(x, y)
    assert [entry[:2] for entry in seen[:-1]] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert seen[0][2:] == (x[:2].shape, x[:2].shape, y[:2].shape) and seen[-1] == "reset"


def test_igsm_is_the_papers():
    estimator = estimator_of()
    x, y = people(2)
    assert PoseProjectedGradientDescent.igsm(estimator).max_iter == 10
    assert PoseProjectedGradientDescent.igsm(estimator, targeted=True).max_iter == 20
    preset = PoseProjectedGradientDescent.igsm(estimator, eps=5.0, max_iter=2, **QUIET)
    spelled = PoseProjectedGradientDescent(estimator, eps=5.0, eps_step=2.0, max_iter=2, **QUIET)
    np.testing.assert_array_equal(preset.generate(x, y), spelled.generate(x, y))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(norm=3), r'norm numpy.inf, "inf", 1 or 2. Got 3'),
        (dict(eps=-1.0), r"finite eps >= 0. Got -1"),
        (dict(eps=[1.0, np.nan]), r"finite eps >= 0. Got \[1.0, nan\]"),
        (dict(eps_step=0.0), r"finite eps_step > 0. Got 0"),
        (dict(eps=[1.0, 2.0], eps_step=[1.0]), r"list of as many eps. Got 1"),
        (dict(eps=np.ones(2), eps_step=[1.0, 2.0]), r"list of as many eps. Got 2"),
        (dict(max_iter=-1), r"whole max_iter >= 0. Got -1"),
        (dict(batch_size=0), r"whole batch_size >= 1. Got 0"),
        (dict(decay=-0.1), r"decay >= 0, or None. Got -0.1"),
        (dict(targeted=1), r"targeted True or False. Got 1"),
        (dict(summary_writer=Writer(), num_random_init=2), r"without restarts"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        PoseProjectedGradientDescent(estimator_of(), **arguments)


@pytest.mark.parametrize(
    ("arguments", "call", "message"),
    [
        (
            {},
            dict(mask=np.ones((5, 5))),
            r"broadcasts to x of shape \(3, 3, 32, 32\). Got \(5, 5\)",
        ),
        ({}, dict(y=people(2)[1]), r"\(N, K, 3\), N = 3. Got \(2, 16, 3\)"),
        (dict(eps=np.ones(2)), {}, r"eps as a number, or of shape \(N,\).*N = 3. Got shape \(2,\)"),
        (dict(eps=np.ones((3, 3, 32, 32)), norm=2), {}, r"Got shape \(3, 3, 32, 32\)"),
        (dict(targeted=True), dict(y=None), "target poses y for a targeted attack"),
        (dict(eps=[1, 2]), dict(callback=print), "one eps and no restarts.*Got 2 eps"),
    ],
)
def test_what_does_not_fit_the_images_is_named(arguments, call, message):
    x, y = people(3)
    attack = PoseProjectedGradientDescent(estimator_of(), max_iter=1, **QUIET, **arguments)
    with pytest.raises(ValueError, match=message):
        attack.generate(x, **{"y": y, **call})


def test_arguments_that_would_be_ignored_raise():
    with pytest.raises(TypeError, match="no further arguments"):
        PoseFastGradientMethod(estimator_of()).generate(*people(1), masks=None)
