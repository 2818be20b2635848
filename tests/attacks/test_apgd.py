"""APGD: ART's steps where ART's are right, the ball, batches, and the best by the metric."""

import art.attacks.evasion.auto_projected_gradient_descent as arts
import numpy as np
import pytest
import torch
from art.estimators.classification import ClassifierMixin
from toys import LinearPose, hourglass, people, regression

from hpe_art.attacks import Apgd, PoseAPGD, PoseProjectedGradientDescent
from hpe_art.attacks.ascent import Ascent, checkpoints
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.losses import Goal

NETWORKS = dict(hourglass=hourglass(), regression=regression(), linear=LinearPose())


def estimator_of(network="hourglass", **kwargs):
    return PyTorchPoseEstimator(NETWORKS[network], device_type="cpu", **kwargs)


def seen_by(estimator, x):
    """Poses a pixel from where the network sees them, where no loss is flat."""
    y = estimator.predict(x)
    return np.concatenate([y[..., :2] + 1, np.ones_like(y[..., 2:])], axis=-1)


def goal_of(y, radius=4.0, targeted=False):
    poses = torch.as_tensor(y)
    return Goal(poses[..., :2], radius * (poses[..., 2] > 0).float(), targeted)


def hill(outputs, y, head):
    """Highest where the points of a linear network are those of y: inside the ball.

    Steep, since ART adds 1e-7 to the length of gradients.
    """
    return -1e6 * (outputs[-1] - y[..., :2] / 8).square().sum((1, 2))


class Classifier(PyTorchPoseEstimator, ClassifierMixin):
    """The linear network as ART's attack asks for it: nobody is ever wrong; keeps all images."""

    nb_classes = 2

    def predict(self, x, *args, **kwargs):
        return np.tile(np.float32([2, 1]), (len(x), 1))

    def compute_loss(self, x, y, reduction=None):
        self.seen.append(x.copy())
        return super().compute_loss(x, self.poses)

    def loss_gradient(self, x, y):
        return super().loss_gradient(x, self.poses)


@pytest.mark.parametrize(("norm", "eps"), [(np.inf, 8.0), (2, 60.0)])
def test_the_steps_are_arts(monkeypatch, norm, eps):
    """Over the whole run, with halved steps and returns to the best image."""
    x, _ = people(3, size=8, joints=2)
    y = estimator_of("linear").predict(x)
    y[..., :2] += np.random.default_rng(0).uniform(-0.3, 0.3, (3, 2, 2)).astype(np.float32)
    classifier = Classifier(NETWORKS["linear"], device_type="cpu", loss=hill)
    classifier.poses, classifier.seen = y, []
    monkeypatch.setattr(arts, "random_sphere", lambda n, m, *more: np.zeros((n, m)))
    common = dict(norm=norm, eps=eps, eps_step=2 * eps, max_iter=33)
    attack = arts.AutoProjectedGradientDescent(
        classifier, **common, nb_random_init=1, verbose=False
    )
    attack.generate(x, np.zeros(3, int))
    ours = []
    PoseAPGD(estimator_of("linear", loss=hill), **common).generate(
        x, y, callback=lambda k, rows, now: ours.append(now.numpy().copy())
    )
    assert len(ours) == len(classifier.seen) == 34
    for step, (mine, theirs) in enumerate(zip(ours, classifier.seen, strict=True)):
        np.testing.assert_allclose(mine, theirs, atol=0.02, err_msg=f"step {step}")


def test_checkpoints_are_those_of_the_paper():
    assert checkpoints(100) == [0, 22, 41, 57, 70, 80, 87, 93, 99]


def test_steps_fall_linearly():
    x, y = people(1)
    seen = []
    attack = PoseAPGD(estimator_of(), eps=8.0, max_iter=4, schedule="linear", loss="training")
    attack.generate(x, y, callback=lambda k, rows, now: seen.append(now.numpy().copy()))
    inner = (x > 16) & (x < 239)
    assert np.abs(seen[1] - seen[0])[inner].max() == 8.0
    state = Ascent.begin(torch.zeros(1, 3, 2, 2), 8.0)
    lengths = [state.fall(k, 4) or state.step.item() for k in range(5)]
    assert lengths == [8.0, 6.0, 4.0, 2.0, 0.0]


def test_a_step_is_halved_where_it_does_not_help():
    """Of three images the loss of the first rises enough, of the others too rarely or not."""
    state = Ascent.begin(torch.zeros(3, 3, 2, 2), 8.0)
    rises = [[0, 1, 2, 3, 4], [0, 1, 1, 1, 2], [5, 4, 3, 2, 1]]
    for k, losses in enumerate(torch.tensor(rises, dtype=torch.float32).T):
        state.now = torch.full_like(state.now, float(k))
        state.note(losses, torch.full_like(state.now, 10.0 * k))
    state.check(4)
    assert state.step.flatten().tolist() == [8.0, 4.0, 4.0]
    assert state.now[:, 0, 0, 0].tolist() == [4.0, 4.0, 0.0]
    assert state.gradient[:, 0, 0, 0].tolist() == [40.0, 40.0, 0.0]


@pytest.mark.parametrize("norm", [np.inf, 2, 1])
@pytest.mark.parametrize("starts", [0, 2])
def test_images_stay_in_the_ball_and_the_range(norm, starts):
    x, _ = people(3)
    estimator = estimator_of("regression")
    y = seen_by(estimator, x)
    eps = {np.inf: 8.0, 2: 100.0, 1: 500.0}[norm]
    attack = PoseAPGD(estimator, norm=norm, eps=eps, max_iter=6, num_random_init=starts)
    x_adv = attack.generate(x, y, goal_of(y))
    lengths = np.linalg.norm((x_adv - x).reshape(3, -1), norm, axis=1)
    assert x_adv.min() >= 0 and x_adv.max() <= 255
    assert (lengths <= eps * (1 + 1e-5)).all() and (lengths > 0).all()


@pytest.mark.parametrize("starts", [0, 2])
def test_the_batch_size_changes_nothing(starts):
    x, y = people(5)
    index = np.array([7, 3, 11, 0, 2])
    whole, parts = (
        PoseAPGD(
            estimator_of(), eps=4.0, max_iter=5, num_random_init=starts, batch_size=size
        ).generate(x, y, goal_of(y), index)
        for size in (5, 2)
    )
    # A kernel may round otherwise for another batch, and a gradient next to 0 change its sign.
    assert (whole == parts).mean() > 0.99


@pytest.mark.parametrize("network", ["hourglass", "regression"])
@pytest.mark.parametrize("targeted", [False, True])
def test_the_best_image_by_the_goal_is_kept(network, targeted):
    x, y = people(4)
    estimator = estimator_of(network)
    y = y if targeted else seen_by(estimator, x)
    goal = goal_of(y, 3.0 if network == "regression" else 6.0, targeted)
    seen = np.zeros((41, 4))

    def count(step, rows, now):
        seen[step, rows] = goal[rows].reached(estimator.predict(now)).sum(1)

    attack = PoseAPGD(estimator, eps=16.0, max_iter=40, targeted=targeted, loss="margin")
    x_adv = attack.generate(x, y, goal, callback=count)
    kept = goal.reached(torch.as_tensor(estimator.predict(x_adv))).sum(1)
    np.testing.assert_array_equal(kept, seen.max(0))
    assert (seen.max(0) > seen[0]).any()


def test_images_whose_joints_are_all_lost_take_no_further_pass():
    x, y = people(3)
    estimator = estimator_of()
    y[0] = estimator.predict(x[:1])[0]  # right at first
    y[1, :, 2] = 0  # nothing to lose
    y[2, :, :2], y[2, :, 2] = 900.0, 1  # all lost at once
    before = estimator.backward_passes
    x_adv = PoseAPGD(estimator, eps=0.0, max_iter=9).generate(x, y, goal_of(y))
    assert estimator.backward_passes - before == 10 + 1
    np.testing.assert_array_equal(x_adv, x)


def test_a_rounded_copy_does_not_say_who_is_finished():
    """The precise network finds joints where its copy has lost them all."""
    x, y = people(2)
    estimator = estimator_of()
    y[...] = estimator.predict(x)
    y[..., 2] = 1
    attack, goal = PoseAPGD(estimator, max_iter=1), goal_of(y)
    lost = torch.as_tensor(y) + 900.0
    rows = torch.arange(2)
    assert attack._reached(goal, rows, torch.as_tensor(x), lost).tolist() == [0, 0]
    half = torch.where(torch.arange(16)[:, None] < 8, lost, torch.as_tensor(y))
    assert attack._reached(goal, rows, torch.as_tensor(x), half).tolist() == [8, 8]


def test_random_points_depend_on_place_and_seed():
    x, y = people(2)
    x[1] = x[0]

    def starts(index, seed=0):
        found = []
        attack = PoseAPGD(estimator_of(), max_iter=0, num_random_init=1, seed=seed, loss="training")
        attack.generate(
            x, y, index=np.array(index), callback=lambda k, rows, now: found.append(now)
        )
        return found[0]

    a, b = starts([3, 4]), starts([4, 3])
    assert torch.equal(a, b.flip(0)) and not torch.equal(a[0], a[1])
    assert not torch.equal(a, starts([3, 4], seed=1))


def test_without_a_goal_the_largest_loss_is_kept():
    x, y = people(3)
    estimator = estimator_of()
    seen = []

    def keep(step, rows, now):
        seen.append(estimator.compute_loss(now, torch.as_tensor(y)))

    x_adv = PoseAPGD(estimator, max_iter=8).generate(x, y, callback=keep)
    expected = torch.stack(seen).max(0).values
    np.testing.assert_allclose(estimator.compute_loss(x_adv, y), expected, rtol=1e-5)


def test_the_spec_builds_what_it_says():
    attack = Apgd(eps=2.0, norm=2, targeted=True, max_iter=7, outputs="all").build(estimator_of())
    assert (attack.eps, attack.norm, attack.targeted, attack.max_iter) == (2.0, 2.0, True, 7)
    assert (attack.loss, attack.outputs) == ("remaining", "all")
    assert Apgd().label == "APGD-U-100"
    assert Apgd(loss="training", outputs="all").label == "APGD-U-100-ALL [training]"
    assert Apgd().needs_goal and Apgd(loss="training").needs_goal
    assert Apgd.passes([Apgd(), Apgd(max_iter=9)]) == (111, 111)
    with pytest.raises(ValueError, match="whole max_iter >= 1. Got 0"):
        Apgd(max_iter=0)


@pytest.mark.parametrize(
    ("arguments", "call", "message"),
    [
        (dict(norm=3), {}, 'norm numpy.inf, "inf", 1 or 2. Got 3'),
        (dict(eps=-1.0), {}, "finite eps >= 0. Got -1"),
        (dict(eps_step=np.nan), {}, "finite eps_step >= 0. Got nan"),
        (dict(max_iter=-1), {}, "whole max_iter >= 0. Got -1"),
        (dict(schedule="cosine"), {}, "schedule halving or linear. Got 'cosine'"),
        (dict(targeted=1), {}, "targeted True or False. Got 1"),
        ({}, dict(y=None), "Expected true poses y"),
        (dict(targeted=True), dict(y=None), "Expected target poses y"),
        ({}, dict(y=people(2)[1]), r"N = 3. Got \(2, 16, 3\)"),
        ({}, dict(goal=goal_of(people(2)[1])), r"same people.*Got \(3, 16\) and \(2, 16\)"),
        ({}, dict(goal="PCKh"), "Expected a goal as hpe_art.goal_of gives it. Got str"),
        ({}, dict(index=[0.5, 1, 2]), r"index of \(3,\) whole numbers.* Got float64 of"),
        (dict(targeted=True), {}, "goal with targeted True, as the attack. Got False"),
        (dict(loss="margin"), dict(goal=None), "Expected a goal for the loss margin"),
        ({}, dict(steps=3), r"no further arguments. Got \['steps'\]"),
    ],
)
def test_wrong_use_is_named(arguments, call, message):
    x, y = people(3)
    with pytest.raises((ValueError, TypeError), match=message):
        PoseAPGD(estimator_of(), **arguments).generate(x, **{"y": y, "goal": goal_of(y), **call})


def test_a_loss_hears_how_far_the_attack_has_come():
    seen = []

    def listening(outputs, y, head):
        seen.append(head.progress)
        return outputs[-1].flatten(1).sum(1)

    x, y = people(2)
    PoseAPGD(estimator_of(), max_iter=4, loss=listening).generate(x, y)
    assert seen == [0.0, 0.25, 0.5, 0.75, 1.0]
    seen.clear()
    PoseProjectedGradientDescent(
        estimator_of(), eps=8.0, eps_step=2.0, max_iter=4, loss=listening, verbose=False
    ).generate(x, y)
    assert seen == [0.0, 0.25, 0.5, 0.75]


def test_targeted_defaults_are_those_of_the_metric():
    spec = Apgd(targeted=True, max_iter=20, schedule="linear")
    assert (spec.label, spec.settings()["loss"]) == ("APGD-T-20-LINEAR", "remaining")
    assert Apgd(loss="margin").label == "APGD-U-100"
    assert Apgd(loss="training", norm=2).label == "APGD-U-100 L2 [training]"
    with pytest.raises(ValueError, match="schedule halving or linear. Got 'none'"):
        Apgd(schedule="none")
