"""The ensemble: the worst case of its members by the metric, within its budget."""

import numpy as np
import pytest
import torch
from toys import hourglass, people, regression

from hpe_art.attacks import Auto, PoseAutoAttack, auto
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.gradients import GradientWarning
from hpe_art.losses import Goal

NETWORKS = dict(hourglass=hourglass(), regression=regression())


def estimator_of(network="regression"):
    return PyTorchPoseEstimator(NETWORKS[network], device_type="cpu")


def goal_of(y, radius=3.0, targeted=False):
    poses = torch.as_tensor(y)
    return Goal(poses[..., :2], radius * (poses[..., 2] > 0).float(), targeted)


def seen_by(estimator, x):
    """Poses a pixel from where the network sees them, where no loss is flat."""
    y = estimator.predict(x)
    return np.concatenate([y[..., :2] + 1, np.ones_like(y[..., 2:])], axis=-1)


@pytest.fixture
def small(monkeypatch):
    """Members of few steps."""
    members = (
        dict(outputs="last", schedule="linear", max_iter=3),
        dict(outputs="all", schedule="halving", max_iter=1, num_random_init=2),
    )
    monkeypatch.setitem(auto.MEMBERS, "fast", members)
    return members


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("targeted", [False, True])
def test_no_member_alone_is_stronger(small, network, targeted):
    estimator = estimator_of(network)
    x, y = people(4)
    y = y if targeted else seen_by(estimator, x)
    goal = goal_of(y, targeted=targeted)
    attack = PoseAutoAttack(estimator, eps=4.0, targeted=targeted)
    reached = goal.reached(torch.as_tensor(estimator.predict(attack.generate(x, y, goal)))).sum(1)
    for number, arguments in enumerate(small):
        alone = attack._member(number, arguments).generate(x, y, goal)
        assert (reached >= goal.reached(torch.as_tensor(estimator.predict(alone))).sum(1)).all()


def test_details_have_the_worst_case_of_each_joint(small):
    estimator = estimator_of()
    x, _ = people(5)
    y = seen_by(estimator, x)
    goal = goal_of(y, radius=1.5)
    attack = PoseAutoAttack(estimator, eps=1.0, batch_size=2)
    images = [x, attack.generate(x, y, goal)]
    images += [attack._member(n, member).generate(x, y, goal) for n, member in enumerate(small)]
    reached = np.stack([goal.reached(torch.as_tensor(estimator.predict(one))) for one in images])
    assert attack.details["joints_reached"].tolist() == reached.any(0).tolist()
    assert attack.details["joints_reached"].sum() >= reached[1].sum() > 0


# "remaining" is flat for one person here.
@pytest.mark.filterwarnings("ignore::hpe_art.gradients.GradientWarning")
@pytest.mark.parametrize("targeted", [False, True])
@pytest.mark.parametrize(
    ("network", "share"), [("hourglass", "cross_entropy"), ("regression", "distance")]
)
def test_members_have_losses_that_the_head_can_have(network, share, targeted):
    estimator = estimator_of(network)
    x, y = people(2)
    attack = PoseAutoAttack(estimator, eps=1.0, targeted=targeted, size="standard")
    members = [
        attack._member(number, {**arguments, "max_iter": 1})
        for number, arguments in enumerate(auto.MEMBERS["standard"])
    ]
    other = "margin" if targeted else "remaining"
    assert [member.loss for member in members] == [None, share, None, other, None]
    for member in members:
        assert member.generate(x, y, goal_of(y, targeted=targeted)).shape == x.shape


def test_images_stay_in_the_ball_and_the_range(small):
    estimator = estimator_of()
    x, _ = people(3)
    y = seen_by(estimator, x)
    x_adv = PoseAutoAttack(estimator, eps=4.0).generate(x, y, goal_of(y))
    assert x_adv.min() >= 0 and x_adv.max() <= 255
    assert 0 < np.abs(x_adv - x).max() <= 4.0


def test_the_batch_size_changes_nothing(small):
    estimator = estimator_of()
    x, _ = people(5)
    y, index = seen_by(estimator, x), np.array([9, 1, 4, 3, 0])
    whole, parts = (
        PoseAutoAttack(estimator, eps=2.0, batch_size=size).generate(x, y, goal_of(y), index)
        for size in (5, 2)
    )
    # A kernel may round otherwise for another batch, and a gradient next to 0 change its sign.
    assert (whole == parts).mean() > 0.99


def test_who_is_wholly_lost_goes_no_further(small):
    estimator = estimator_of()
    x, y = people(3)
    y[..., :2], y[..., 2] = 900.0, 1
    before = estimator.backward_passes
    PoseAutoAttack(estimator).generate(x, y, goal_of(y))
    assert estimator.backward_passes - before == 3


@pytest.mark.parametrize(("size", "most"), [("fast", 100), ("standard", 1000)])
def test_the_budget_of_a_size_is_kept(size, most):
    forward, backward = Auto.passes([Auto(size=size)])
    assert 0.5 * most < backward <= most and forward > backward


def test_what_is_promised_is_what_is_used(small):
    estimator = estimator_of()
    x, _ = people(2)
    y = estimator.predict(x)
    y[..., 2] = 1
    before = estimator.backward_passes
    with pytest.warns(GradientWarning, match="Got zero for 2"):  # against its own predictions
        PoseAutoAttack(estimator, eps=0.0).generate(x, y, goal_of(y))
    assert estimator.backward_passes - before == 2 * Auto.passes([Auto()])[1]


def test_the_spec_builds_what_it_says():
    attack = Auto(eps=2.0, norm=2, targeted=True, size="standard", seed=3).build(estimator_of())
    assert (attack.eps, attack.norm, attack.targeted) == (2.0, 2.0, True)
    assert (attack.size, attack.seed) == ("standard", 3)
    assert [Auto().label, Auto(targeted=True, norm=2, size="standard").label] == [
        "AUTO-U",
        "AUTO-T-STANDARD L2",
    ]
    assert Auto().needs_goal and Auto().settings()["size"] == "fast"
    with pytest.raises(ValueError, match="size fast or standard. Got 'slow'"):
        Auto(size="slow")


@pytest.mark.parametrize(
    ("arguments", "call", "message"),
    [
        (dict(size="slow"), {}, "size fast or standard. Got 'slow'"),
        (dict(norm=3), {}, 'norm numpy.inf, "inf", 1 or 2. Got 3'),
        (dict(eps=-1.0), {}, "finite eps >= 0. Got -1"),
        ({}, dict(goal=None), "Expected the goal of a metric.* Got None"),
        (dict(targeted=True), {}, "goal with targeted True"),
        ({}, dict(mask=1), r"no further arguments. Got \['mask'\]"),
    ],
)
def test_wrong_use_is_named(arguments, call, message):
    x, y = people(2)
    with pytest.raises((ValueError, TypeError), match=message):
        PoseAutoAttack(estimator_of(), **arguments).generate(
            x, **{"y": y, "goal": goal_of(y), **call}
        )
