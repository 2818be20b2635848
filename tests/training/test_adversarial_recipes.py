"""Each recipe's own claim, on a tiny hourglass with the batch that its loader gives."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
import torch
from mmengine.registry import HOOKS
from torch.nn.functional import mse_loss

from hpe_art.estimators.loading import build_model, load_config
from hpe_art.training.adversarial import (
    FreeTrainingHook,
    PGDTrainingHook,
    SingleStepGuardHook,
    TradesTrainingHook,
)
from hpe_art.training.adversarial.ascent import Ball, statistics_kept, total

EPS = 8


@pytest.fixture
def model(config):
    torch.manual_seed(0)
    return build_model(load_config(config)).train()


@pytest.fixture(scope="module")
def batch(config):
    """Three images as they are loaded, with their labels."""
    from mmengine.runner import Runner

    loader = load_config(config).train_dataloader
    return next(iter(Runner.build_dataloader(loader, seed=0)))


@pytest.fixture
def data(model, batch):
    """The same as the model's loss takes it: normalised images, and labels."""
    return data_of(model, batch)


def data_of(model, batch):
    prepared = model.data_preprocessor(dict(batch), True)
    return prepared["inputs"], prepared["data_samples"]


def begun(hook, model, iteration=0, *others):
    hub = SimpleNamespace(update_scalar=lambda name, value: None)
    runner = SimpleNamespace(model=model, iter=iteration, hooks=[hook, *others], message_hub=hub)
    for one in runner.hooks:
        one.before_train(runner)
    return runner


def levels(model, images):
    """Normalised images as grey levels."""
    preprocessor = model.data_preprocessor
    return images * preprocessor.std + preprocessor.mean


def running(model):
    return {name: value.clone() for name, value in model.named_buffers() if "running" in name}


def test_steps_reach_the_optimum_of_a_linear_loss():
    slopes = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    preprocessor = torch.nn.Module()
    preprocessor.mean = torch.tensor([100.0, 110, 120]).view(3, 1, 1)
    preprocessor.std = torch.tensor([50.0, 60, 70]).view(3, 1, 1)
    pixels = torch.linspace(0, 255, 120).view(2, 3, 4, 5)
    ball = Ball.around((pixels - preprocessor.mean) / preprocessor.std, preprocessor, EPS)
    found = ball.ascended(ball.clean, lambda x: (slopes * x).sum(), eps_step=3, max_iter=3)
    best = (pixels + EPS * slopes.sign()).clamp(0, 255)
    torch.testing.assert_close(found * preprocessor.std + preprocessor.mean, best)


@pytest.mark.parametrize("size", [1e-8, 1, 1e8])
def test_steps_do_not_depend_on_the_size_of_a_loss_in_half_precision(size):
    x = torch.full((1, 3, 2, 2), 100.0)
    ball = Ball.around(x, torch.nn.Module(), EPS)

    def loss(images):
        return (images.half().float() / 255).square().mean() * size

    torch.testing.assert_close(ball.ascended(x, loss, EPS, 1), x + EPS)


def test_the_inner_maximum_raises_the_loss(model, data):
    images, samples = data
    hook = PGDTrainingHook(EPS, max_iter=5)
    begun(hook, model)
    perturbed = hook.perturbed(images, samples)
    moved = (levels(model, perturbed) - levels(model, images)).abs()
    assert EPS - 0.01 < moved.max() < EPS + 0.01
    pixels = levels(model, perturbed)
    assert pixels.min() >= -0.01 and pixels.max() <= 255.01
    noise = Ball.around(images, model.data_preprocessor, EPS).random(EPS)
    with torch.no_grad():
        clean, random, worst = (
            float(total(model, hook.own_loss(x, samples))) for x in (images, noise, perturbed)
        )
    assert worst - clean > 5 * abs(random - clean)
    loss = total(model, model.loss(images, samples)).item()
    assert loss - clean > 5 * abs(random - clean)  # the model's own loss is the recipe's
    hook.after_train(None)
    assert total(model, model.loss(images, samples)).item() == pytest.approx(clean)


def test_parameters_have_the_gradient_of_the_perturbed_images_alone(model, data):
    images, samples = data
    hook = PGDTrainingHook(EPS, random_start=False)
    begun(hook, model)
    total(model, model.loss(images, samples)).backward()
    gradients = [weight.grad.clone() for weight in model.parameters() if weight.grad is not None]
    model.zero_grad()
    total(model, hook.own_loss(hook.perturbed(images, samples), samples)).backward()
    expected = [weight.grad for weight in model.parameters() if weight.grad is not None]
    torch.testing.assert_close(gradients, expected)


def test_without_eps_it_is_ordinary_training(model, data):
    images, samples = data
    for hook in (PGDTrainingHook(0), FreeTrainingHook(0), PGDTrainingHook(EPS, clean_share=1)):
        expected = model.loss(images, samples)
        begun(hook, model)
        torch.testing.assert_close(model.loss(images, samples), expected)
        hook.after_train(None)


def test_a_share_of_each_batch_stays_clean_and_eps_grows(model, data):
    images, samples = data
    hook = PGDTrainingHook(EPS, max_iter=1, clean_share=0.4, warmup=4)
    for iteration, eps in [(0, 2), (1, 4), (9, 8)]:
        begun(hook, model, iteration)
        moved = (levels(model, hook.perturbed(images, samples)) - levels(model, images)).abs()
        assert moved[0].max() == 0 and moved[1:].max() == pytest.approx(eps, abs=1e-3)
        hook.after_train(None)


@pytest.mark.parametrize("statistics", ["perturbed", "clean", "both"])
@pytest.mark.parametrize("recipe", [PGDTrainingHook, TradesTrainingHook])
def test_which_images_running_statistics_are_of(model, data, recipe, statistics):
    images, samples = data
    before = running(model)
    hook = recipe(EPS, max_iter=1, random_start=False, statistics=statistics)
    begun(hook, model)
    torch.manual_seed(1)
    perturbed = hook.perturbed(images, samples)
    assert all(torch.equal(value, before[name]) for name, value in running(model).items())

    torch.manual_seed(1)
    model.loss(images, samples)
    found = running(model)
    model.load_state_dict({**model.state_dict(), **before})
    shown = {"perturbed": [perturbed], "clean": [images], "both": [images, perturbed]}
    for one in shown[statistics]:
        model(one, None, mode="tensor")
    torch.testing.assert_close(found, running(model))


def test_kept_statistics_normalise_as_usual(model, data):
    images, _ = data
    usual = model(images, None, mode="tensor")
    before = running(model)
    with statistics_kept(model):
        torch.testing.assert_close(model(images, None, mode="tensor"), usual)
    assert all(torch.equal(value, before[name]) for name, value in running(model).items())
    model(images, None, mode="tensor")
    assert any(not torch.equal(value, before[name]) for name, value in running(model).items())


def test_trades_adds_the_distance_of_outputs(model, data):
    images, samples = data
    hook = TradesTrainingHook(EPS, beta=3, max_iter=2, random_start=False)
    own = model.loss(images, samples)
    begun(hook, model)
    torch.manual_seed(1)
    perturbed = hook.perturbed(images, [None] * len(images))  # no labels
    torch.manual_seed(1)
    losses = model.loss(images, samples)
    assert set(losses) == {*own, "loss_distance"}
    torch.testing.assert_close({name: losses[name] for name in own}, own)
    clean, moved = (model(x, None, mode="tensor") for x in (images, perturbed))
    expected = 3 * sum(mse_loss(a, b) for a, b in zip(clean, moved, strict=True))
    assert losses["loss_distance"].item() == pytest.approx(expected.item(), rel=1e-4)
    assert expected.item() > 0


def test_the_distance_of_trades_is_nothing_without_eps(model, data):
    hook = TradesTrainingHook(0)
    begun(hook, model)
    assert model.loss(*data)["loss_distance"].item() == 0


def test_free_training_shows_each_batch_again_and_reuses_the_gradient(model, batch):
    hook = FreeTrainingHook(EPS, replays=3)
    runner = begun(hook, model)
    seen, passes = [], []
    own = hook.own_loss

    def counted(inputs, samples):
        passes.append(inputs)
        return own(inputs, samples)

    hook.own_loss = counted
    moved = torch.zeros(())
    for iteration in range(6):
        runner.iter = iteration
        loaded = {**batch, "inputs": [image.roll(iteration, 1) for image in batch["inputs"]]}
        hook.before_train_iter(runner, iteration, loaded)
        seen.append(loaded["inputs"][0])
        inputs, samples = data_of(model, loaded)
        images = levels(model, inputs)
        total(model, model.loss(inputs, samples)).backward()
        shown = passes[-1]
        torch.testing.assert_close(
            levels(model, shown), (images + moved).clamp(0, 255), atol=1e-3, rtol=0
        )
        moved = (moved + EPS * shown.grad.sign()).clamp(-EPS, EPS)
        hook.after_train_iter(runner, iteration)
    assert len(passes) == 6  # one for each iteration, for weights and images
    for later, first in [(1, 0), (2, 0), (4, 3), (5, 3)]:
        assert torch.equal(seen[later], seen[first])
    assert not torch.equal(seen[3], seen[0])
    saved, goes_on = {}, FreeTrainingHook(EPS, replays=3)
    hook.before_save_checkpoint(runner, saved)
    goes_on.after_load_checkpoint(runner, saved)
    begun(goes_on, model)
    model.loss(*data_of(model, batch))
    torch.testing.assert_close(goes_on._moved, moved)


def test_the_guard_stops_what_withstands_single_steps_only(model, batch, data):
    images, _ = data
    hook, guard = PGDTrainingHook(EPS, max_iter=1), SingleStepGuardHook(interval=2)
    runner = begun(hook, model, 0, guard)
    guard.after_train_iter(runner, 0, dict(batch))  # not its turn
    runner.iter = 1

    guard.after_train_iter(runner, 1, dict(batch))  # an ordinary network
    # Small steps raise it; the single step that is trained on does not any more.
    hook.own_loss = lambda x, samples: {"loss": 1 + 99 * (x - images).mean()}
    hook.moved = lambda inputs, samples: inputs
    with pytest.raises(ValueError, match=r"Got 1 after one and .* after 10 small ones at iter.* 2"):
        guard.after_train_iter(runner, 1, dict(batch))


def test_the_guard_does_not_count_the_clean_share(model, batch):
    seen = []

    def ratio(name, value):
        seen.append(value)

    for share in (0.0, 0.7):
        torch.manual_seed(0)
        hook, guard = PGDTrainingHook(EPS, max_iter=1, clean_share=share), SingleStepGuardHook(1)
        runner = begun(hook, model, 0, guard)
        runner.message_hub.update_scalar = ratio
        guard.after_train_iter(runner, 0, dict(batch))
        hook.after_train(None)
    assert seen[0] == pytest.approx(seen[1])


def test_the_guard_needs_something_to_watch(model):
    guard = SingleStepGuardHook()
    with pytest.raises(ValueError, match="one recipe of adversarial training to watch. Got 0"):
        guard.before_train(SimpleNamespace(model=model, hooks=[guard]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(eps=-1), "Expected eps in grey levels, 0 to 255. Got -1."),
        (dict(eps=float("nan")), "Expected eps in grey levels, 0 to 255. Got nan."),
        (dict(eps=8, eps_step=float("inf")), "Expected eps_step in grey levels"),
        (dict(eps=8, max_iter=0), "max_iter of 1 at least"),
        (dict(eps=8, clean_share=1.5), "clean_share of 0 to 1, warmup of 0 at least. Got 3, 1.5"),
        (dict(eps=8, statistics="none"), "statistics: perturbed, clean, both. Got 'none'."),
        (dict(type="FreeTrainingHook", eps=8, replays=0), "replays of 1 at least. Got 0."),
        (dict(type="SingleStepGuardHook", ratio=1), "a ratio above 1. Got 100, 10, 1."),
    ],
)
def test_recipes_that_cannot_be(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        HOOKS.build({"type": "PGDTrainingHook", **arguments})
