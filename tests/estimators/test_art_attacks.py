"""ART's own attacks on the estimator, against the paper's loop and linear models."""

import copy
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from art.attacks.evasion import (
    BasicIterativeMethod,
    FastGradientMethod,
    ProjectedGradientDescent,
)
from toys import LinearPose, hourglass, people, regression, simple_baseline, wrap

from hpe_art.attacks import RandomSignNoise
from hpe_art.gradients import GradientWarning

NETWORKS = {"hourglass": hourglass, "regression": regression, "baseline": simple_baseline}


@pytest.fixture(params=NETWORKS)
def model(request):
    return NETWORKS[request.param]()


def state(model):
    return (
        copy.deepcopy({name: value.clone() for name, value in model.state_dict().items()}),
        {name: module.training for name, module in model.named_modules()},
        {
            name: (p.requires_grad, p.dtype, p.stride(), p.grad)
            for name, p in model.named_parameters()
        },
    )


@pytest.mark.parametrize(
    "attack", [RandomSignNoise, FastGradientMethod, BasicIterativeMethod, ProjectedGradientDescent]
)
def test_an_attack_leaves_the_model_as_it_was(model, attack):
    model.train()
    model.backbone.eval()
    next(model.parameters()).requires_grad_(False)
    model.to(memory_format=torch.channels_last)
    before = state(model)
    x, y = people(3)
    original = x.copy()
    steps = {} if attack in (RandomSignNoise, FastGradientMethod) else dict(max_iter=2)
    attack(wrap(model), eps=8.0, **steps).generate(x, y)
    after = state(model)
    assert before[1:] == after[1:]
    assert all(torch.equal(before[0][name], value) for name, value in after[0].items())
    np.testing.assert_array_equal(x, original)


def independent_igsm(estimator, x, y, eps, eps_step, max_iter, sign):
    """The paper's equation in NumPy and float32, written without ART."""
    x_adv = x.copy()
    for _ in range(max_iter):
        step = np.float32(sign * eps_step) * np.sign(estimator.loss_gradient(x_adv, y))
        x_adv = np.clip(x_adv + step, 0, 255).astype(np.float32)
        x_adv = x + np.clip(x_adv - x, np.float32(-eps), np.float32(eps))
    return x_adv


@pytest.mark.parametrize("outputs", ["last", "all"])
@pytest.mark.parametrize("targeted", [False, True])
@pytest.mark.parametrize("network", ["hourglass", "regression"])
def test_arts_pgd_is_the_papers_loop_bit_for_bit(network, targeted, outputs):
    estimator = wrap(NETWORKS[network](), outputs=outputs)
    x, y = people(3)
    options = dict(eps=8.0, eps_step=3.0, max_iter=4, targeted=targeted, verbose=False)
    ours = independent_igsm(estimator, x, y, 8.0, 3.0, 4, -1 if targeted else 1)
    for attack in (ProjectedGradientDescent, BasicIterativeMethod):
        theirs = attack(estimator, **options).generate(x, y)
        np.testing.assert_array_equal(theirs, ours)
    assert np.abs(ours - x).max() <= 8.0
    assert ours.min() >= 0 and ours.max() <= 255


@pytest.mark.parametrize("targeted", [False, True])
def test_arts_fgsm_is_one_signed_step(model, targeted):
    estimator = wrap(model)
    x, y = people(3)
    theirs = FastGradientMethod(estimator, eps=8.0, targeted=targeted).generate(x, y)
    sign = np.sign(estimator.loss_gradient(x, y)) * (-1 if targeted else 1)
    np.testing.assert_array_equal(theirs, np.clip(x + np.float32(8) * sign, 0, 255))


def test_attacks_take_predictions_as_labels(model):
    estimator = wrap(model)
    x, _ = people(3)
    attack = ProjectedGradientDescent(estimator, eps=8.0, eps_step=3.0, max_iter=2, verbose=False)
    flat = estimator.is_flat_at_own_predictions()
    with pytest.warns(GradientWarning, match="Got zero for 3") if flat else nullcontext():
        found = attack.generate(x)
        np.testing.assert_array_equal(found, attack.generate(x, estimator.predict(x)))


def test_attacks_do_not_depend_on_the_batch():
    x, y = people(32)
    whole, *others = (
        ProjectedGradientDescent(
            wrap(hourglass()), eps=8.0, eps_step=3.0, max_iter=3, batch_size=size, verbose=False
        ).generate(x, y)
        for size in (32, 7, 1)
    )
    # Kernels sum in another order for another batch size; where a gradient is nearly zero its
    # sign may turn, and with it one pixel by one step.
    for other in others:
        assert (whole != other).mean() < 2e-3


def test_fgsm_reaches_the_optimum_of_a_linear_model():
    model = LinearPose()
    direction = torch.tensor([1.0, -2.0, 3.0, -4.0])
    estimator = wrap(model, loss=lambda outputs, y, head: outputs[-1].flatten(1) @ direction)
    x = np.random.default_rng(0).uniform(20, 235, (3, 3, 8, 8)).astype(np.float32)
    y = estimator.predict(x)
    slope = (direction @ model.linear.weight.detach()).numpy()
    gain = 8.0 * np.abs(slope).sum()
    for targeted in (False, True):
        x_adv = FastGradientMethod(estimator, eps=8.0, targeted=targeted).generate(x, y)
        change = estimator.compute_loss(x_adv, y) - estimator.compute_loss(x, y)
        np.testing.assert_allclose(change, -gain if targeted else gain, rtol=1e-3)


def test_targeted_pgd_reaches_a_reachable_pose_of_a_linear_model():
    estimator = wrap(LinearPose())
    random = np.random.default_rng(0)
    x = random.uniform(20, 235, (3, 3, 8, 8)).astype(np.float32)
    hidden = x + random.uniform(-2, 2, x.shape).astype(np.float32)
    target = estimator.predict(hidden)
    target[..., 2] = 1
    inside = ((target[..., :2] >= 0) & (target[..., :2] <= 7)).all(-1)
    x_adv = ProjectedGradientDescent(
        estimator, eps=8.0, eps_step=0.05, max_iter=60, targeted=True, verbose=False
    ).generate(x, target)
    before = np.abs(estimator.predict(x) - target)[inside].max()
    after = np.abs(estimator.predict(x_adv) - target)[inside].max()
    assert after < 0.1 * before
