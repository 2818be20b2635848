"""What all attacks here share: parameters that are set or left, and gradients that are counted."""

import copy
import pickle
import warnings

import numpy as np
import pytest
import torch
from art.attacks.evasion import FastGradientMethod, ProjectedGradientDescent
from toys import LinearPose, hourglass, people, regression, wrap

from hpe_art.attacks import (
    PoseAPGD,
    PoseAutoAttack,
    PoseFastGradientMethod,
    PoseFMN,
    PoseProjectedGradientDescent,
    PoseRayS,
    PoseSquare,
    PoseTransfer,
    RandomSignNoise,
    UniversalPosePerturbation,
)
from hpe_art.gradients import NOT_FINITE, ZERO, GradientTally, GradientWarning
from hpe_art.losses import Goal

ESTIMATOR = wrap(hourglass())
GRADIENT_SIGN = (PoseFastGradientMethod, PoseProjectedGradientDescent)
LOSSES = (*GRADIENT_SIGN, PoseAPGD, PoseTransfer, UniversalPosePerturbation)
BOUNDED = (*LOSSES, PoseAutoAttack, RandomSignNoise, PoseSquare, PoseRayS)


def refused(kinds, *wrong):
    return [(kind, one) for kind in kinds for one in wrong]


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        *refused(BOUNDED, dict(eps=-1), dict(eps="a"), dict(eps=np.nan), dict(unknown=1)),
        *refused(LOSSES, dict(outputs="x"), dict(loss="x"), dict(batch_size=0)),
        *refused(GRADIENT_SIGN, dict(eps=[]), dict(eps=[1, "a"]), dict(targeted=3)),
        *refused(
            [PoseProjectedGradientDescent],
            *(dict(decay=np.inf), dict(decay="a"), dict(eps=4, norm=7), dict(random_eps=3)),
            *(dict(eps_step=0), dict(max_iter=1.5)),
        ),
        *refused([PoseAPGD], dict(eps=True), dict(max_iter=True), dict(schedule="x")),
        *refused([PoseTransfer], dict(sources=None), dict(sources=[1]), dict(kernel=2)),
        *refused([PoseFMN], dict(norm=1)),
        *refused([RandomSignNoise], dict(seed="a"), dict(norm="x")),
    ],
)
def test_what_is_refused_leaves_everything_as_it_was(kind, wrong):
    attack = kind(ESTIMATOR)
    before = dict(vars(attack))
    with pytest.raises(ValueError, match=r"Expected|cannot be set"):
        attack.set_params(**wrong)
    assert vars(attack) == before


@pytest.mark.parametrize("duplicate", [copy.copy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_of_noise_goes_on_by_itself(duplicate):
    x = people(2)[0]
    noise = RandomSignNoise(ESTIMATOR, seed=3)
    noise.generate(x)
    other = duplicate(noise)
    np.testing.assert_array_equal(other.generate(x), noise.generate(x))


def first_image_only(value):
    """A loss whose gradient is that of the first image; the others' is `value` times it."""

    def loss(outputs, y, head):
        scale = torch.full((len(y),), value)
        scale[y[:, 0, 0] == 1] = 1.0
        return outputs[-1].flatten(1).sum(1) * scale

    return loss


def marked(count):
    x, y = people(count)
    y[..., 2] = 1
    y[:, 0, 0] = np.arange(count) == 1
    return x, y


@pytest.mark.parametrize(
    ("value", "state", "words"),
    [
        (0.0, ZERO, "Got zero for 2 and NaN or infinity for 0 of 3 images"),
        (np.nan, NOT_FINITE, "Got zero for 0 and NaN or infinity for 2 of 3 images"),
        (np.inf, NOT_FINITE, "Got zero for 0 and NaN or infinity for 2 of 3 images"),
    ],
)
@pytest.mark.parametrize(
    "attack",
    [
        PoseFastGradientMethod(ESTIMATOR, batch_size=2),
        PoseProjectedGradientDescent(ESTIMATOR, max_iter=2, batch_size=2, verbose=False),
        PoseAPGD(ESTIMATOR, max_iter=2, batch_size=2),
        PoseTransfer(ESTIMATOR, max_iter=2, batch_size=2),
    ],
    ids=lambda attack: type(attack).__name__,
)
def test_images_without_a_gradient_are_counted_and_said(attack, value, state, words):
    x, y = marked(3)
    attack.set_params(loss=first_image_only(value))
    with pytest.warns(GradientWarning, match=words) as caught:
        attack.generate(x, y)
    assert attack.details["gradients"].tolist() == [state, 0, state]
    assert caught[0].filename == __file__


def test_a_fit_says_it_too():
    x, y = marked(3)
    attack = UniversalPosePerturbation(ESTIMATOR, epochs=1, loss=first_image_only(0), verbose=False)
    with pytest.warns(GradientWarning, match="Got zero for 2"):
        attack.fit(x, y)


@pytest.mark.parametrize(
    "attack",
    [
        lambda estimator: FastGradientMethod(estimator, eps=8),
        lambda estimator: ProjectedGradientDescent(estimator, max_iter=2, eps=8, verbose=False),
    ],
)
def test_arts_attacks_without_poses_say_what_is_flat(attack):
    x = people(2)[0]
    with pytest.warns(GradientWarning, match="Got zero for 2 .* not what the model itself"):
        attack(wrap(regression())).generate(x)


def test_images_that_are_lost_before_are_no_failures():
    """Who has no joint left to lose is not climbed, so nothing is said of that."""
    x, _ = people(2, size=8)
    estimator = wrap(LinearPose())
    poses = estimator.predict(x)
    goal = Goal(torch.tensor(poses[..., :2]) + torch.tensor([[[100.0]], [[0.0]]]), torch.ones(2, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        attack = PoseAPGD(estimator, max_iter=2)
        attack.generate(x, poses, goal)
        auto = PoseAutoAttack(estimator)
        auto.generate(x, poses, goal)
    assert attack.details["gradients"].tolist() == auto.details["gradients"].tolist() == [0, 0]


def test_a_tally_knows_rows_of_rows_and_those_that_come_twice():
    tally = GradientTally.begin(4, torch.device("cpu"))
    some = tally[torch.tensor([1, 2, 3])][torch.tensor([True, False, True])]
    some.note(torch.tensor([0.0, np.nan])[:, None, None, None])
    tally[torch.tensor([0, 0])].note(torch.tensor([0.0, 1.0])[:, None, None, None])
    assert tally.states().tolist() == [0, ZERO, 0, NOT_FINITE]
    some.note(torch.ones(2, 1, 1, 1), among=torch.tensor([True, False]))
    assert tally.states().tolist() == [0, 0, 0, NOT_FINITE]
