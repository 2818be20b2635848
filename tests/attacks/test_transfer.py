"""Transferable perturbations: with all off IGSM, each method against what it says, the ball."""

import numpy as np
import pytest
import torch
from art.attacks.evasion import MomentumIterativeMethod
from toys import LinearPose, hourglass, people, regression, simple_baseline, wrap

from hpe_art.attacks import PoseProjectedGradientDescent, PoseTransfer, Transferable, build_spec
from hpe_art.attacks.resampling import Placement, smoothed
from hpe_art.attacks.transfer_spec import window
from hpe_art.losses import Goal

NETWORKS = dict(hourglass=hourglass(), regression=regression(), linear=LinearPose())
EVERYTHING = dict(nesterov=True, diversity=0.5, kernel=5, scales=2)


def estimator_of(network="hourglass", **kwargs):
    return wrap(NETWORKS[network], **kwargs)


def goal_of(y, radius=4.0, targeted=False):
    poses = torch.as_tensor(y)
    return Goal(poses[..., :2], radius * (poses[..., 2] > 0).float(), targeted)


def placed(count=3, size=(32, 32), share=1.0, seed=0):
    uniform = np.random.default_rng(seed).random((count, 4), np.float32)
    return Placement.drawn(torch.as_tensor(uniform), share, size)


@pytest.mark.parametrize("norm", [np.inf, 1, 2])
@pytest.mark.parametrize("targeted", [False, True])
@pytest.mark.parametrize("decay", [None, 0.9])
def test_with_all_off_it_is_igsm_bit_for_bit(norm, targeted, decay):
    x, y = people(5)
    common = dict(norm=norm, eps=8.0, eps_step=1.7, max_iter=5, targeted=targeted, batch_size=2)
    common["decay"] = decay
    plain = PoseProjectedGradientDescent(estimator_of(), **common, verbose=False).generate(x, y)
    np.testing.assert_array_equal(PoseTransfer(estimator_of(), **common).generate(x, y), plain)


def test_momentum_is_arts_on_a_linear_network():
    x, _ = people(3, size=8, joints=2)
    estimator = estimator_of("linear")
    y = estimator.predict(x) + 0.5
    common = dict(eps=8.0, eps_step=1.0, max_iter=6, decay=0.7)
    theirs = MomentumIterativeMethod(estimator, **common, verbose=False).generate(x, y)
    ours = PoseTransfer(estimator, **common).generate(x, y)
    # ART adds up in float64, so a sum next to 0 may have the other sign.
    assert (ours == theirs).mean() > 0.99


def climb(outputs, y, head):
    """Linear in the pixels of a linear network: the optimum is a corner of the ball."""
    return outputs[-1].sum((1, 2)) * 1e4


@pytest.mark.parametrize("methods", ["mi", "ni", "si", "ni-si"])
def test_a_linear_loss_is_climbed_to_the_corner_of_the_ball(methods):
    x, y = np.full((2, 3, 8, 8), 128, np.float32), people(2, size=8, joints=2)[1]
    estimator = estimator_of("linear", loss=climb)
    on = methods.split("-")
    attack = PoseTransfer(estimator, nesterov="ni" in on, scales=3 if "si" in on else 1)
    weight = NETWORKS["linear"].linear.weight.detach().numpy().sum(0).reshape(3, 8, 8)
    expected = np.broadcast_to(128 + 8 * np.sign(weight), x.shape)
    np.testing.assert_allclose(attack.generate(x, y), expected, atol=1e-4)


def test_the_nesterov_gradient_is_taken_ahead():
    """One decayed step further along the mean of the last gradients."""
    x, y = people(2)
    seen = []

    def look(outputs, y, head):
        seen.append(outputs[-1].detach().clone())
        return outputs[-1].flatten(1).sum(1)

    estimator = estimator_of(loss=look)
    PoseTransfer(estimator, max_iter=2, decay=0.5, nesterov=True, eps=2.0).generate(x, y)
    gradient = estimator.loss_gradient(x, y)
    first = np.clip(x + np.sign(gradient), 0, 255)
    mean = np.abs(gradient).mean((1, 2, 3), keepdims=True)
    estimator.compute_loss((first + 0.5 * gradient / mean).astype(np.float32), y)
    np.testing.assert_allclose(seen[1], seen[-1], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_pictures_shrink_and_move_within_the_frame(share):
    many = placed(200, (32, 24), share)
    moved = many.rates < 1
    assert abs(moved.float().mean() - share) < 0.1
    assert many.rates.min() >= 0.9 and (many.corners >= 0).all()
    ends = many.corners + many.rates[:, None] * torch.tensor([24.0, 32.0])
    assert (ends <= torch.tensor([24.0, 32.0]) + 1e-4).all()
    assert (many.corners[~moved] == 0).all()


def test_who_does_not_move_stays_bit_for_bit():
    x, y = map(torch.as_tensor, people(3))
    still = placed(share=0.0)
    assert torch.equal(still.of(x), x) and torch.equal(still.back(x), x)
    assert torch.equal(still.of_poses(y), y)


def test_poses_and_goals_move_with_the_picture():
    """A bright blob is found where its joint says."""
    columns, rows = np.meshgrid(np.arange(32), np.arange(32))
    blobs = np.exp(-((columns - 11.3) ** 2 + (rows - 19.6) ** 2) / 18).astype(np.float32)
    x = torch.as_tensor(np.broadcast_to(blobs, (3, 3, 32, 32)).copy())
    y = torch.tensor([11.3, 19.6, 1.0]).expand(3, 1, 3)
    placement = placed()
    seen = placement.of(x)[:, 0]
    mass = seen.sum((1, 2))
    found = torch.stack(
        [(seen * torch.as_tensor(axis)).sum((1, 2)) / mass for axis in (columns, rows)], dim=-1
    )
    torch.testing.assert_close(found, placement.of_poses(y)[:, 0, :2], atol=0.05, rtol=0)
    goal = placement.of_goal(goal_of(y))
    torch.testing.assert_close(goal.centres[:, 0], placement.of_poses(y)[:, 0, :2])
    torch.testing.assert_close(goal.radii[:, 0], 4.0 * placement.rates)


def test_gradients_come_back_as_differences_say():
    """The directional derivative of a loss of what is shown."""
    x = torch.as_tensor(people(2)[0]).double()
    placement = placed(2)
    weights = torch.rand(x.shape, dtype=torch.float64)
    along = torch.rand(x.shape, dtype=torch.float64)
    moved = Placement(placement.rates.double(), placement.corners.double(), (32, 32))

    def loss(images):
        return (weights * moved.of(images)).square().sum()

    gradient = moved.back(2 * weights**2 * moved.of(x))
    difference = (loss(x + 1e-4 * along) - loss(x - 1e-4 * along)) / 2e-4
    torch.testing.assert_close((gradient * along).sum(), difference, rtol=1e-6, atol=0)


def test_a_step_sums_gradients_over_copies_and_networks():
    """Against autograd through what is shown."""
    x, y = map(torch.as_tensor, people(2))
    one, other = estimator_of(), wrap(simple_baseline())
    attack = PoseTransfer(one, scales=2, diversity=1.0, sources=[other], max_iter=1, seed=3)
    uniform = np.stack(
        [np.random.default_rng([3, i]).random((1, 2, 4), np.float32) for i in (0, 1)]
    )
    total = torch.zeros_like(x)
    for estimator in (one, other):
        pixels, losses = x.clone().requires_grad_(), 0
        for copy in (0, 1):
            placement = Placement.drawn(torch.as_tensor(uniform[:, 0, copy]), 1.0, (32, 32))
            shown = placement.of(pixels) * 0.5**copy
            losses = losses + estimator.objective(placement.of_poses(y))(shown)
        (gradient,) = torch.autograd.grad(losses.sum(), pixels)
        total += gradient / gradient.abs().sum((1, 2, 3), keepdim=True)
    expected = (x + 8.0 * total.sign()).clamp(0, 255)
    assert (attack.generate(x, y) == expected).float().mean() > 0.999


def test_smoothing_is_a_gaussian_window():
    gradients = torch.zeros(1, 3, 9, 9)
    gradients[0, 1, 4, 4] = 1
    found = smoothed(gradients, 5)
    assert found.sum().item() == pytest.approx(1, abs=1e-6) and not found[0, 0].any()
    line = np.exp(-0.5 * (np.arange(-2, 3) * 1.5) ** 2)
    expected = np.outer(line, line) / line.sum() ** 2
    np.testing.assert_allclose(found[0, 1, 2:7, 2:7], expected, rtol=1e-5)
    assert torch.equal(smoothed(gradients, 1), gradients)
    corner = torch.zeros(1, 1, 9, 7)
    corner[..., 0, 0] = 1
    np.testing.assert_allclose(smoothed(corner, 5)[0, 0, :3, :3], expected[2:, 2:], rtol=1e-5)


@pytest.mark.parametrize("norm", [np.inf, 1, 2])
@pytest.mark.parametrize("network", ["hourglass", "regression"])
def test_the_ball_the_range_and_the_network_are_kept(norm, network):
    x, y = people(3)
    estimator = estimator_of(network)
    before = {name: value.clone() for name, value in NETWORKS[network].state_dict().items()}
    eps = {np.inf: 8.0, 2: 100.0, 1: 500.0}[norm]
    moved = PoseTransfer(estimator, norm=norm, eps=eps, max_iter=4, **EVERYTHING).generate(x, y)
    sizes = np.linalg.norm((moved - x).reshape(3, -1), ord=norm, axis=1)
    assert (sizes <= eps * (1 + 1e-5)).all() and (sizes > 0).all()
    assert moved.min() >= 0 and moved.max() <= 255
    after = NETWORKS[network].state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_the_batch_size_and_the_order_change_nothing():
    x, y = people(5)
    index = np.array([7, 3, 11, 0, 2])
    attack = dict(eps=4.0, max_iter=4, **EVERYTHING)
    whole = PoseTransfer(estimator_of(), batch_size=5, **attack).generate(x, y, index=index)
    order = np.array([4, 2, 0, 1, 3])
    parts = PoseTransfer(estimator_of(), batch_size=2, **attack).generate(
        x[order], y[order], index=index[order]
    )
    # A kernel may round otherwise for another batch, and a gradient next to 0 change its sign.
    assert (whole[order] == parts).mean() > 0.99
    other = PoseTransfer(estimator_of(), seed=1, **attack).generate(x, y, index=index)
    assert (whole == other).mean() < 0.99


def test_goals_move_along_for_losses_that_ask_for_them():
    x, y = people(3)
    seen = []

    def look(outputs, y, head):
        seen.append((y.clone(), head.goal))
        return outputs[-1].flatten(1).sum(1)

    look.needs_goal = True
    attack = PoseTransfer(estimator_of(), loss=look, diversity=1.0, max_iter=2)
    attack.generate(x, y, goal_of(y))
    assert not torch.equal(seen[0][0], seen[1][0])
    for pose, goal in seen:
        torch.testing.assert_close(goal.centres, pose[..., :2])


def test_tensors_in_tensors_out():
    x, y = map(torch.as_tensor, people(2))
    attack = PoseTransfer(estimator_of(), max_iter=1)
    found = attack.generate(x, y)
    assert isinstance(found, torch.Tensor)
    np.testing.assert_array_equal(found, attack.generate(x.numpy(), y.numpy()))


def test_the_spec_builds_what_it_says():
    estimator = estimator_of()
    attack = Transferable(eps=2.0, norm=2, targeted=True, max_iter=7).build(estimator)
    assert (attack.eps, attack.norm, attack.targeted, attack.max_iter) == (2.0, 2.0, True, 7)
    assert (attack.decay, attack.nesterov, attack.diversity, attack.kernel, attack.scales) == (
        *(1.0, True, 1.0),
        *(window(32), 5),
    )
    plain = build_spec(dict(type="transferable", methods="di")).build(estimator)
    assert (plain.decay, plain.nesterov, plain.kernel, plain.scales) == (None, False, 1, 1)
    assert [window(side) for side in (299, 256, 128)] == [15, 13, 7]
    assert Transferable().label == "TRANSFERABLE-U-10"
    assert Transferable(methods="mi", norm=2).label == "TRANSFERABLE-U-10 L2 MI"
    two = Transferable(sources="deeppose, mmpose_configs/dlcm.py")
    assert two.label == "TRANSFERABLE-U-10 +deeppose +dlcm"
    assert Transferable.passes([Transferable(), Transferable(methods="mi")]) == (60, 60)


def test_sources_are_loaded_by_their_configs():
    spec = Transferable(sources="deeppose", max_iter=1, methods="mi")
    assert len(spec.settings()["sources"]["deeppose"]) == 16
    from hpe_art.estimators import PyTorchPoseEstimator

    estimator = PyTorchPoseEstimator.from_config("mmpose_configs/hourglass.py", device_type="cpu")
    attack = spec.build(estimator)
    assert len(attack.sources) == 1 and attack.sources[0].head.flat_at_own_predictions
    x, y = people(1, size=128)
    assert attack.generate(x, y).shape == x.shape


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(norm=3), 'norm numpy.inf, "inf", 1 or 2. Got 3'),
        (dict(eps=-1.0), "finite eps >= 0. Got -1"),
        (dict(eps_step=np.nan), "finite eps_step >= 0. Got nan"),
        (dict(decay=np.inf), "finite decay >= 0. Got inf"),
        (dict(diversity=1.5), "finite diversity between 0 and 1. Got 1.5"),
        (dict(kernel=4), "odd kernel. Got 4"),
        (dict(scales=0), "whole scales >= 1. Got 0"),
        (dict(nesterov=1), "nesterov True or False. Got 1"),
        (dict(nesterov=True, decay=None), "decay with nesterov. Got None"),
        (dict(sources=[estimator_of("linear")]), "sources that take crops of 32 x 32, blue first"),
        (dict(loss="margin"), "Expected a goal for the loss margin"),
    ],
)
def test_wrong_use_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        PoseTransfer(estimator_of(), **arguments).generate(*people(2))


def test_wrong_specs_are_named():
    with pytest.raises(ValueError, match="methods out of mi, .*joined by -. Got 'mi-xi'"):
        Transferable(methods="mi-xi")
    with pytest.raises(ValueError, match="whole max_iter >= 1. Got 0"):
        Transferable(max_iter=0)
