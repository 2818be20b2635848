"""The smallest perturbation of each joint: closed forms, what is kept, and what is refused."""

import numpy as np
import pytest
import torch
from toys import LinearPose, hourglass, people, regression, wrap

from hpe_art.attacks import Fmn, PoseFMN, build_spec
from hpe_art.attacks.minimum_pairs import Pairs, Shortest, beyond_boundary
from hpe_art.losses import Goal

NETWORKS = dict(hourglass=hourglass(), regression=regression(), linear=LinearPose())
DUAL = {np.inf: 1, 2: 2}


def goal_around(estimator, x, offset=1.0, radius=4.0, targeted=False):
    """Circles around points that lie a little off those that are predicted."""
    y = estimator.predict(x)
    y[..., :2] += offset
    y[..., 2] = 1
    centres = torch.as_tensor(y[..., :2])
    return y, Goal(centres, torch.full(centres.shape[:2], radius), targeted)


def optimum(model, pose, goal, norm):
    """(K,), the smallest norm that moves a linear network's joints over their circles.

    The line that touches the circle at each angle is as far away as a linear function says; the
    nearest of them is left first, and the farthest is entered last.
    """
    weights = 8 * model.linear.weight.detach().double().numpy().reshape(2, 2, -1)
    angles = np.linspace(0, 2 * np.pi, 3601)
    outward = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    found = []
    for joint, point in enumerate(pose[:, :2].astype(np.float64)):
        apart = outward @ (point - goal.centres[joint].numpy())
        slopes = np.linalg.norm(outward @ weights[joint], DUAL[norm], axis=1)
        radius = goal.radii[joint].item()
        far = (apart - radius) / slopes
        found.append(far.max() if goal.targeted else (-far).min())
    return np.array(found)


@pytest.mark.parametrize("norm", [np.inf, 2])
@pytest.mark.parametrize("targeted", [False, True])
def test_the_optimum_of_a_linear_network_is_found(norm, targeted):
    """Within a hundredth, and never below it but for float32."""
    estimator = wrap(NETWORKS["linear"])
    x = 127 + people(4, size=8, joints=2)[0] / 8
    y, goal = goal_around(estimator, x, 2.0 if targeted else 0.6, 1.5, targeted)
    attack = PoseFMN(estimator, norm=norm, targeted=targeted)
    x_adv = attack.generate(x, y, goal)
    clean = estimator.predict(x)
    expected = np.stack(
        [optimum(NETWORKS["linear"], clean[i], goal[i], norm) for i in range(len(x))]
    )
    ratio = attack.minimum.eps / expected
    assert ratio.min() > 1 - 1e-4 and ratio.max() < 1.01
    lengths = np.linalg.norm((x_adv - x).reshape(len(x), -1), norm, axis=1)
    np.testing.assert_allclose(lengths, attack.minimum.eps.min(1), rtol=1e-5)


@pytest.mark.parametrize("norm", [np.inf, 2])
@pytest.mark.parametrize("network", ["hourglass", "regression"])
def test_what_is_kept_moves_a_joint_and_no_image_leaves_the_range(network, norm):
    x, _ = people(4)
    estimator = wrap(NETWORKS[network])
    y, goal = goal_around(estimator, x)
    goal.radii[:, 6:] = 0
    goal.centres[1, 3] += 100  # lost at first
    goal.radii[2] = 0  # nothing counts
    goal.radii[3, 4:] = 0
    attack = PoseFMN(estimator, norm=norm, max_iter=16 if network == "hourglass" else 4)
    x_adv = attack.generate(x, y, goal)
    found = attack.minimum
    assert x_adv.dtype == np.float32 and x_adv.min() >= 0 and x_adv.max() <= 255
    np.testing.assert_array_equal(x_adv[1:3], x[1:3])
    assert (
        found.eps[1, 3] == 0 and np.isnan(found.eps[2]).all() and np.isnan(found.eps[3, 4:]).all()
    )
    np.testing.assert_allclose(found.poses[1, 3], estimator.predict(x)[1, 3], atol=1e-3)
    finite = np.isfinite(found.eps)
    assert finite[[0, 3]].any(1).all()
    np.testing.assert_array_equal(finite, np.isfinite(found.poses).all(-1))
    assert goal.reached(torch.as_tensor(found.poses)).numpy()[finite].all()
    for person in (0, 3):
        length = np.linalg.norm((x_adv - x)[person].ravel(), norm)
        np.testing.assert_allclose(length, np.nanmin(found.eps[person]), rtol=1e-5)
    reached = goal.reached(torch.as_tensor(estimator.predict(x_adv))).sum(1)
    assert (reached[[0, 1, 3]] > 0).all()


def test_the_batch_size_and_the_place_change_nothing():
    x, _ = people(5)
    estimator = wrap(NETWORKS["hourglass"])
    y, goal = goal_around(estimator, x)
    goal.radii[:, 6:] = 0
    found = []
    for size, order in ((80, [0, 1, 2, 3, 4]), (1, [0, 1, 2, 3, 4]), (33, [4, 2, 0, 3, 1])):
        attack = PoseFMN(estimator, max_iter=8, batch_size=size)
        attack.generate(x[order], y[order], goal[torch.tensor(order)])
        found.append(attack.minimum.eps[np.argsort(order)])
    # A kernel may round otherwise for another batch, and a gradient next to 0 change its sign.
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], rtol=0.05)
        assert np.isclose(other, found[0], rtol=1e-3, equal_nan=True).mean() > 0.9


def test_a_tensor_gives_a_tensor_and_gradients_are_counted():
    x, _ = people(1)
    estimator = wrap(NETWORKS["regression"])
    y, goal = goal_around(estimator, x)
    goal.radii[0, 3:] = 0
    before = estimator.forward_passes, estimator.backward_passes
    attack = PoseFMN(estimator, max_iter=4, binary_search_steps=2)
    x_adv = attack.generate(torch.as_tensor(x), torch.as_tensor(y), goal)
    assert isinstance(x_adv, torch.Tensor) and x_adv.dtype == torch.float32
    assert estimator.backward_passes - before[1] == 3 * 4
    assert estimator.forward_passes - before[0] == 1 + 3 * (4 + 1 + 3)


def test_the_model_is_left_as_it_was():
    x, _ = people(2)
    model = hourglass()
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    estimator = wrap(model)
    y, goal = goal_around(estimator, x)
    PoseFMN(estimator, max_iter=2).generate(x, y, goal)
    assert model.training and all(p.requires_grad and p.grad is None for p in model.parameters())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_rounded_copy_changes_nothing():
    x, _ = people(2)
    exact, rounded = (wrap(NETWORKS["regression"], precision=p) for p in ("float32", "bfloat16"))
    y, goal = goal_around(exact, x)
    found = []
    for estimator in (exact, rounded):
        attack = PoseFMN(estimator, max_iter=3)
        attack.generate(x, y, goal)
        found.append(attack.minimum.eps)
    np.testing.assert_array_equal(*found)


def pairs_of_three():
    """Two joints of a person, and one of another; the joints' circles are around 0."""
    x = torch.zeros(3, 3, 2, 2)
    goal = Goal(torch.zeros(3, 2, 2), torch.ones(3, 2))
    return Pairs(x, torch.zeros(3, 2, 3), torch.tensor([0, 0, 1]), torch.tensor([0, 1, 1]), goal)


def test_an_image_counts_for_all_joints_that_it_moves():
    shortest = Shortest(pairs_of_three(), np.inf)
    images = torch.stack([torch.full((3, 2, 2), size) for size in (2.0, 3.0, 1.0)])
    poses = torch.zeros(3, 2, 3)
    poses[0, :, 0] = 5.0  # the first image moves both joints of its person
    poses[1, 1, 0] = 6.0
    poses[2, 0, 0] = 7.0  # the third one moves a joint that is not asked for
    assert shortest.offer(images, poses).tolist() == [False, True, False]
    assert shortest.eps.tolist() == [2.0, 2.0, np.inf]
    assert shortest.points[:, 0].nan_to_num(-1).tolist() == [5.0, 5.0, -1.0]
    assert shortest.images[:, 0, 0, 0].tolist() == [2.0, 2.0, 0.0]
    poses[1, 1, 0], poses[2, 1, 0] = 8.0, 9.0
    assert shortest.offer(torch.full_like(images, 1.5), poses).tolist() == [False] * 3
    assert shortest.eps.tolist() == [1.5] * 3
    assert shortest.points[:, 0].tolist() == [5.0, 8.0, 9.0]  # with equal norms their own


@pytest.mark.parametrize("network", ["hourglass", "regression"])
@pytest.mark.parametrize("targeted", [False, True])
def test_beyond_the_boundary_a_joint_is_where_it_is_wanted(network, targeted):
    """Also where a maximum is refined by a quarter of a cell."""
    x, _ = people(64)
    estimator = wrap(NETWORKS[network])
    offset = np.random.default_rng(0).uniform(-9, 9, (64, 1, 2)).astype(np.float32)
    y, goal = goal_around(estimator, x, offset, 6.0, targeted)
    goal.radii[:, 1:] = 0
    found = estimator.objective(y, beyond_boundary, goal=goal).evaluate(x)
    beyond = (-found.losses if targeted else found.losses) > 0
    reached = goal.reached(found.poses)[:, 0]
    assert 0 < beyond.sum() < 64 and reached[beyond].all()
    if network == "regression":
        assert torch.equal(reached, beyond)


def test_the_spec_has_no_eps():
    attack = build_spec(dict(type="fmn", norm=2, max_iter=7, targeted=True)).build(
        wrap(NETWORKS["linear"])
    )
    assert (attack.norm, attack.max_iter, attack.targeted) == (2.0, 7, True)
    spec = build_spec("fmn")
    assert spec == Fmn() and spec.eps == np.inf and spec.settings()["eps"] is None
    assert spec.label == "FMN-U-50" and Fmn(norm=2, targeted=True).label == "FMN-T-50 L2"
    assert spec.needs_goal and "eps" not in Fmn.takes() and Fmn.passes([spec]) is None
    with pytest.raises(ValueError, match="no eps: the smallest is found. Got 4.0"):
        Fmn(eps=4.0)
    with pytest.raises(ValueError, match="norm inf or 2. Got 1"):
        Fmn(norm=1)
    with pytest.raises(ValueError, match="whole max_iter >= 1. Got 0"):
        Fmn(max_iter=0)


@pytest.mark.parametrize(
    ("arguments", "call", "message"),
    [
        (dict(norm=1), {}, 'norm numpy.inf, "inf" or 2. Got 1'),
        (dict(max_iter=0), {}, "whole max_iter >= 1. Got 0"),
        (dict(binary_search_steps=-1), {}, "whole binary_search_steps >= 0. Got -1"),
        (dict(batch_size=0), {}, "whole batch_size >= 1. Got 0"),
        (dict(targeted=1), {}, "targeted True or False. Got 1"),
        (dict(outputs="first"), {}, 'outputs "last" or "all". Got \'first\''),
        ({}, dict(y=None), "Expected true poses y"),
        ({}, dict(goal=None), "goal of a metric .* Got None"),
        (dict(targeted=True), {}, "goal with targeted True, as the attack. Got False"),
        ({}, dict(eps=3), r"no further arguments. Got \['eps'\]"),
    ],
)
def test_wrong_use_is_named(arguments, call, message):
    x, _ = people(2)
    estimator = wrap(NETWORKS["regression"])
    y, goal = goal_around(estimator, x)
    with pytest.raises((ValueError, TypeError), match=message):
        PoseFMN(estimator, **arguments).generate(x, **{"y": y, "goal": goal, **call})
