"""Square and RayS: the ball, no gradients, never worse with more queries, each image by itself."""

import numpy as np
import pytest
import torch
from toys import LinearPose, hourglass, people, regression, wrap

from hpe_art.attacks import PoseRayS, PoseSquare, RayS, Square
from hpe_art.attacks.sign_flips import SignFlips, block
from hpe_art.attacks.squares import InfSquares, TwoSquares, bump_of
from hpe_art.losses import Goal

NETWORKS = dict(hourglass=hourglass(), regression=regression(), linear=LinearPose())
EPS = {np.inf: 16.0, 2: 400.0}


def estimator_of(network="hourglass", **kwargs):
    return wrap(NETWORKS[network], **kwargs)


def goal_of(y, radius=4.0, targeted=False):
    poses = torch.as_tensor(y)
    return Goal(poses[..., :2], radius * (poses[..., 2] > 0).float(), targeted)


def seen_by(estimator, x):
    """Where the network sees the joints: all are found at first."""
    y = estimator.predict(x)
    return np.concatenate([y[..., :2] + 0.5, np.ones_like(y[..., 2:])], axis=-1)


def squares(kind, norm, count=3, max_iter=50, size=32):
    x, _ = people(count, size=size)
    attack = PoseSquare(estimator_of(), norm=norm, eps=EPS[norm], max_iter=max_iter)
    return kind.drawn(attack, torch.as_tensor(x), np.arange(count))


@pytest.mark.parametrize("feedback", ["loss", "count"])
@pytest.mark.parametrize("norm", [np.inf, 2])
@pytest.mark.parametrize("network", ["hourglass", "regression"])
def test_the_ball_is_kept_and_more_queries_are_never_worse(network, norm, feedback):
    x, _ = people(3)
    estimator = estimator_of(network)
    y = seen_by(estimator, x)
    goal = goal_of(y, 2.0 if network == "hourglass" else 0.72)
    before = estimator.backward_passes
    reached, images = np.zeros((40, 3)), torch.tensor(x)

    def count(number, rows, now):
        images[rows] = now
        reached[number] = goal.reached(estimator.predict(images)).sum(1)

    attack = PoseSquare(estimator, norm=norm, eps=EPS[norm], max_iter=40, feedback=feedback)
    x_adv = attack.generate(x, y, goal, callback=count)
    lengths = np.linalg.norm((x_adv - x).reshape(3, -1), norm, axis=1)
    assert (lengths <= EPS[norm] * (1 + 1e-5)).all()
    assert x_adv.min() >= 0 and x_adv.max() <= 255
    assert (np.diff(reached, axis=0) >= 0).all()
    assert reached[-1].sum() > reached[0].sum()
    kept = goal.reached(torch.as_tensor(estimator.predict(x_adv))).sum(1)
    np.testing.assert_array_equal(kept, reached[-1])
    assert estimator.backward_passes == before
    assert attack.queries.tolist() == [40, 40, 40]


def test_a_linear_loss_is_climbed_to_the_corner_of_the_ball():
    """Large squares of a linear function whose weights are the same everywhere."""

    def bright(outputs, y, head):
        return outputs[-1].sum((1, 2))

    network = LinearPose()
    network.linear.weight.data.fill_(1e-6)
    x, y = np.full((2, 3, 8, 8), 128, np.float32), people(2, size=8, joints=2)[1]
    y[:, 0] = [4, 4, 1]
    goal = goal_of(y, radius=1e6)
    attack = PoseSquare(wrap(network), eps=8.0, max_iter=400, loss=bright)
    x_adv = attack.generate(x, y, goal)
    assert (x_adv == x + 8).mean() > 0.9 and np.abs(x_adv - x).max() == 8


@pytest.mark.parametrize("norm", [np.inf, 2])
def test_the_batch_and_the_order_change_nothing(norm):
    x, _ = people(5)
    estimator = estimator_of()
    y = seen_by(estimator, x)
    index, order = np.array([7, 3, 11, 0, 2]), np.array([4, 2, 0, 1, 3])
    more = dict(norm=norm, eps=EPS[norm], max_iter=20)
    whole = PoseSquare(estimator, **more).generate(x, y, goal_of(y), index)
    parts = PoseSquare(estimator, batch_size=2, **more).generate(
        x[order], y[order], goal_of(y[order]), index[order]
    )
    np.testing.assert_allclose(parts, whole[order], atol=1e-3)
    other = PoseSquare(estimator, seed=1, **more).generate(x, y, goal_of(y), index)
    assert (np.abs(other - whole).max((1, 2, 3)) > 1).all()


@pytest.mark.parametrize("feedback", ["loss", "count"])
def test_who_has_nothing_left_to_lose_is_asked_about_no_more(feedback):
    x, y = people(3)
    estimator = estimator_of()
    y[0] = estimator.predict(x[:1])[0]  # right at first
    y[1, :, 2] = 0  # nothing to lose
    y[2, :, :2], y[2, :, 2] = 900.0, 1  # all lost at once
    y[0, :, 2] = 1
    before = estimator.forward_passes
    attack = PoseSquare(estimator, eps=0.0, max_iter=9, feedback=feedback)
    np.testing.assert_array_equal(attack.generate(x, y, goal_of(y)), x)
    assert attack.queries.tolist() == [9, 1, 1]
    assert estimator.forward_passes - before == 11


def test_targets_are_approached():
    x, _ = people(3)
    estimator = estimator_of("regression")
    y = seen_by(estimator, x)
    y[..., :2] += 1.0
    goal = goal_of(y, 0.5, targeted=True)
    attack = PoseSquare(estimator, eps=32.0, max_iter=40, targeted=True)
    x_adv = attack.generate(x, y, goal)

    def distance(images):
        return np.linalg.norm((estimator.predict(images) - y)[..., :2], axis=-1).sum()

    assert distance(x_adv) < distance(x)


def test_squares_of_norm_inf_are_at_both_ends_of_the_ball():
    found = squares(InfSquares, np.inf)
    clean = found.clean
    first = found.first()
    stripes = (first - clean).where((clean > 16) & (clean < 239), torch.nan)
    assert set(stripes[~stripes.isnan()].tolist()) == {-16.0, 16.0}
    assert torch.equal(first, found.first())
    now = first
    for number in range(2, 50):
        ahead = found.next(number, now)
        changed = (ahead != now).flatten(2).any(1).reshape(3, 32, 32)
        assert changed.flatten(1).any(1).all(), "a query for nothing"
        side = found._side(number)
        rows, columns = changed.any(2).sum(1), changed.any(1).sum(1)
        assert (rows <= side).all() and (columns <= side).all()
        now = ahead
    assert not torch.equal(now[0] - clean[0], now[1] - clean[1])


def test_squares_shrink_as_in_the_paper():
    found = squares(InfSquares, np.inf, max_iter=1000, size=32)
    sides = [found._side(number) for number in (1, 3, 15, 40, 90, 150, 300, 500, 700, 900)]
    areas = 0.8 * 0.5 ** np.arange(10) * 32**2
    assert sides == [max(1, round(side)) for side in np.sqrt(areas)]


def test_squares_of_norm_2_use_the_whole_budget():
    found = squares(TwoSquares, 2)
    found.clip_values = None
    now = found.first()
    for number in range(2, 50):
        lengths = torch.linalg.vector_norm((now - found.clean).flatten(1), dim=1)
        torch.testing.assert_close(lengths, torch.full((3,), 400.0), rtol=1e-4, atol=0)
        now = found.next(number, now)


def test_a_bump_is_a_hill_above_its_negative():
    bump = bump_of(11, torch.device("cpu"))
    assert torch.linalg.vector_norm(bump).item() == pytest.approx(1, abs=1e-6)
    assert (bump[:5] > 0).all() and (bump[5:] < 0).all()
    assert bump.argmax().item() // 11 == 2 and bump.argmin().item() // 11 == 8


def test_blocks_are_halved():
    assert [block(number, 8) for number in range(7)] == [
        *[(0, 8), (0, 4), (4, 4)],
        *[(0, 2), (2, 2), (4, 2), (6, 2)],
    ]
    assert block(14, 8) == (7, 1) and block(15, 8) == (0, 8)
    assert [block(number, 6) for number in (3, 4, 5, 6)] == [(0, 2), (2, 2), (4, 2), (4, 2)]


def test_signs_change_ends_also_where_the_range_ends():
    x = torch.tensor([0.0, 255, 100, 4, 251, 128]).reshape(1, 1, 2, 3).expand(1, 3, 2, 3)
    tries = SignFlips(x, 8.0, (0.0, 255.0), (x + 8).clamp(0, 255))
    up = tries.tried(1, x)
    assert up[0, 0].flatten().tolist() == [8, 255, 108, 12, 255, 136]
    down = tries.tried(2, up)
    assert down[0, 0].flatten().tolist() == [0, 247, 92, 0, 243, 120]
    assert torch.equal(tries.tried(2, down), up)
    half = tries.tried(3, up)
    assert torch.equal(half.flatten()[:9], down.flatten()[:9])
    assert torch.equal(half.flatten()[9:], up.flatten()[9:])


@pytest.mark.parametrize("network", ["hourglass", "regression"])
def test_signs_keep_to_the_ball_and_are_never_worse(network):
    x, _ = people(3)
    estimator = estimator_of(network)
    y = seen_by(estimator, x)
    goal, before = goal_of(y, 2.0 if network == "hourglass" else 0.72), estimator.backward_passes
    reached, images = np.zeros((40, 3)), torch.tensor(x)

    def count(number, rows, now):
        images[rows] = now
        reached[number] = goal.reached(estimator.predict(images)).sum(1)

    attack = PoseRayS(estimator, eps=16.0, max_iter=40)
    x_adv = attack.generate(x, y, goal, callback=count)
    assert np.abs(x_adv - x).max() == 16 and x_adv.min() >= 0 and x_adv.max() <= 255
    assert (np.diff(reached, axis=0) >= 0).all() and reached[-1].sum() > reached[0].sum()
    assert estimator.backward_passes == before
    parts = PoseRayS(estimator, eps=16.0, max_iter=40, batch_size=2).generate(x, y, goal)
    np.testing.assert_allclose(parts, x_adv, atol=1e-3)


def test_tensors_in_tensors_out():
    x, y = map(torch.as_tensor, people(2))
    attack = PoseSquare(estimator_of(), max_iter=3)
    found = attack.generate(x, y, goal_of(y))
    assert isinstance(found, torch.Tensor)
    np.testing.assert_array_equal(found, attack.generate(x.numpy(), y.numpy(), goal_of(y)))


def test_the_spec_builds_what_it_says():
    spec = Square(eps=2.0, norm=2, targeted=True, max_iter=7, feedback="count", outputs="all")
    attack = spec.build(estimator_of())
    assert (attack.eps, attack.norm, attack.targeted, attack.max_iter) == (2.0, 2.0, True, 7)
    assert (attack.feedback, attack.loss, attack.outputs) == ("count", "margin", "all")
    assert spec.label == "SQUARE-T-7-ALL L2 count" and Square().label == "SQUARE-U-1000"
    assert Square.passes([Square(), Square(max_iter=9)]) == (1009, 0)
    assert Square(loss="training").needs_goal
    signs = RayS(eps=2.0, targeted=True, max_iter=7).build(estimator_of())
    assert (signs.eps, signs.targeted, signs.max_iter) == (2.0, True, 7)
    assert RayS().label == "RAYS-U-1000" and RayS.passes([RayS()]) == (1000, 0)


@pytest.mark.parametrize(
    ("arguments", "call", "message"),
    [
        (dict(norm=1), {}, 'norm numpy.inf, "inf" or 2. Got 1'),
        (dict(eps=-1.0), {}, "finite eps >= 0. Got -1"),
        (dict(p_init=2.0), {}, "finite p_init between 0 and 1. Got 2"),
        (dict(max_iter=0), {}, "whole max_iter >= 1. Got 0"),
        (dict(feedback="labels"), {}, "feedback loss or count. Got 'labels'"),
        (dict(targeted=1), {}, "targeted True or False. Got 1"),
        ({}, dict(y=None), "Expected true poses y"),
        ({}, dict(goal=None), "Expected the goal of a metric .*Got None"),
        (dict(targeted=True), {}, "goal with targeted True, as the attack. Got False"),
    ],
)
def test_wrong_use_is_named(arguments, call, message):
    x, y = people(3)
    with pytest.raises(ValueError, match=message):
        PoseSquare(estimator_of(), **arguments).generate(x, **{"y": y, "goal": goal_of(y), **call})


def test_wrong_specs_are_named():
    with pytest.raises(ValueError, match="norm inf of changed signs. Got 2"):
        RayS(norm=2)
    with pytest.raises(ValueError, match="norm inf or 2 of squares. Got 1"):
        Square(norm=1)
    with pytest.raises(ValueError, match="feedback loss or count. Got 'labels'"):
        Square(feedback="labels")
    with pytest.raises(ValueError, match="whole max_iter >= 1. Got 0"):
        Square(max_iter=0)
