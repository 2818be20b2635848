"""PGD and IGSM: momentum, restarts, callbacks, and what they refuse."""

from unittest.mock import patch

import numpy as np
import pytest
import torch
from art.attacks.evasion import ProjectedGradientDescent
from art.summary_writer import SummaryWriter
from toys import hourglass, people, regression

from hpe_art.attacks import PoseProjectedGradientDescent
from hpe_art.estimators import PyTorchPoseEstimator

NETWORKS = dict(hourglass=hourglass(), regression=regression())
QUIET = dict(verbose=False)


def estimator_of(network="hourglass", **kwargs):
    return PyTorchPoseEstimator(NETWORKS[network], device_type="cpu", **kwargs)


class Writer(SummaryWriter):
    """Needs no TensorBoard."""

    seen: list

    def __init__(self):
        pass

    def update(self, batch_id, global_step, grad, x, y, **kwargs):
        self.seen.append((batch_id, global_step, grad.shape, x.shape, y.shape))

    def reset(self):
        self.seen.append("reset")


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
        ({}, dict(mask=np.full((32, 32), np.nan)), "a mask of finite numbers. Got NaN"),
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
