"""An estimator that threads and processes share, in whatever mode of PyTorch it is called."""

import multiprocessing
from functools import cache
from threading import Thread

import numpy as np
import pytest
import torch
from art.attacks.evasion import FastGradientMethod
from toys import headed, hourglass, people, regression, wrap

from hpe_art.attacks import (
    PoseAPGD,
    PoseFastGradientMethod,
    PoseProjectedGradientDescent,
)
from hpe_art.losses import Goal

CALLS = {
    "predict": lambda e, x, y: e.predict(x),
    "compute_loss": lambda e, x, y: e.compute_loss(x, y),
    "loss_gradient": lambda e, x, y: e.loss_gradient(x, y),
    "get_activations": lambda e, x, y: e.get_activations(x, "backbone.stem"),
    "FGSM": lambda e, x, y: PoseFastGradientMethod(e).generate(x, y),
    "PGD": lambda e, x, y: PoseProjectedGradientDescent(e, max_iter=1, verbose=False).generate(
        x, y
    ),
    "APGD": lambda e, x, y: PoseAPGD(e, max_iter=1, loss="margin", outputs="all").generate(
        x, y, Goal(torch.as_tensor(y)[..., :2], torch.as_tensor(y)[..., 2])
    ),
    "ART": lambda e, x, y: FastGradientMethod(e, eps=8).generate(np.asarray(x), np.asarray(y)),
}
MODES = {
    "no_grad": torch.no_grad,
    "inference": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
}


@cache
def undisturbed(precision):
    """What each call gives by itself."""
    estimator, (x, y) = wrap(hourglass(), precision=precision), people(2)
    return {name: call(estimator, x, y) for name, call in CALLS.items()}


@pytest.mark.parametrize("precision", ["float32", "folded"])
def test_threads_that_share_a_model_in_train_mode_get_what_each_gets_alone(precision):
    model, (x, y), expected = hourglass(), people(2), undisturbed(precision)
    model.train()
    model.backbone.stem.eval()
    modes = [module.training for module in model.modules()]
    before = {name: value.clone() for name, value in model.state_dict().items()}
    # What is shared is the model, by one estimator or by several.
    estimators = [wrap(model, precision=precision)] * 4 + [wrap(model, precision=precision)] * 4
    found = []

    def work(number, estimator):
        for name in [*CALLS, *CALLS][number : number + len(CALLS)]:
            found.append((name, CALLS[name](estimator, x, y)))

    threads = [Thread(target=work, args=one) for one in enumerate(estimators)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 * len(CALLS)
    for name, value in found:
        np.testing.assert_array_equal(value, expected[name], err_msg=name)
    assert [module.training for module in model.modules()] == modes
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("precision", ["float32", "folded"])
def test_modes_of_pytorch_change_nothing(precision, mode):
    expected, estimator = undisturbed(precision), wrap(hourglass(), precision=precision)
    for name, call in CALLS.items():
        with MODES[mode]():
            x, y = map(torch.tensor, people(2))  # made in that mode
            found = np.asarray(call(estimator, x, y))
        np.testing.assert_array_equal(found, expected[name], err_msg=name)


@pytest.mark.parametrize("network", [hourglass, regression, "SimCC", "integral"])
def test_deterministic_algorithms_are_enough(network):
    model = network() if callable(network) else headed(network)
    x, y = people(1)
    torch.use_deterministic_algorithms(True)
    try:
        PoseProjectedGradientDescent(wrap(model), max_iter=1, norm=1, verbose=False).generate(x, y)
    finally:
        torch.use_deterministic_algorithms(False)


def test_losses_are_differentiable_only_where_gradients_are_recorded():
    x, y = people(2)
    pixels, objective = torch.tensor(x, requires_grad=True), wrap(hourglass()).objective(y)
    assert objective(pixels).requires_grad
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            assert not objective(pixels).requires_grad


def test_a_model_of_inference_mode_is_refused_by_name():
    with torch.inference_mode():
        model = hourglass()
    with pytest.raises(ValueError, match=r"inside of torch.inference_mode: build it outside"):
        wrap(model)


def test_a_config_is_built_in_inference_mode_as_elsewhere(config):
    from hpe_art.estimators import PyTorchPoseEstimator

    with torch.inference_mode():
        estimator = PyTorchPoseEstimator.from_config(config, device_type="cpu")
    assert all(weight.requires_grad for weight in estimator.model.parameters())


def _gradient(estimator, x, y):
    return estimator.loss_gradient(x, y)


@pytest.mark.parametrize("method", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_other_processes_have_it_too(method):
    x, y = people(2)
    estimator = wrap(hourglass(), precision="folded")
    expected = estimator.loss_gradient(x, y)
    with multiprocessing.get_context(method).Pool(1) as pool:
        found = pool.apply_async(_gradient, (estimator, x, y)).get(timeout=120)
    np.testing.assert_array_equal(found, expected)


def test_a_process_that_begins_during_a_pass_does_not_wait_for_it():
    x, y = people(1)
    estimator = wrap(hourglass())
    begun = []

    def loss(outputs, poses, head):
        if not begun:
            begun.append(True)
            thread = Thread(target=fork)
            thread.start()
            thread.join()
        return outputs[-1].flatten(1).sum(1)

    def fork():
        process = multiprocessing.get_context("fork").Process(target=estimator.predict, args=(x,))
        process.start()
        process.join(300)
        begun.append(process.exitcode)
        process.kill()

    estimator.set_params(loss=loss)
    estimator.compute_loss(x, y)
    assert begun == [True, 0]
