"""Workers share a batch on a CPU: the same bits whatever their number, and nothing left changed."""

from threading import Thread, active_count, current_thread, main_thread

import numpy as np
import pytest
import torch
from torch import nn
from toys import headed, hourglass, people, regression, wrap

from hpe_art.estimators.defences import DEFENCES
from hpe_art.estimators.workers import side_by_side, usable_cores
from hpe_art.losses import LOSSES


@pytest.fixture(autouse=True)
def one_image_in_a_part(monkeypatch):
    monkeypatch.setattr("hpe_art.estimators.wrapped_model.images_at_once", lambda largest, dtype: 1)


@pytest.fixture
def two_threads():
    """Of PyTorch; without work, since two that wait for each other on busy cores take long."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def threads():
    """Names a loss whose calls are noted by thread."""
    seen = []

    @LOSSES.register_module(name="noting")
    def noting(outputs, y, head):
        seen.append(current_thread())
        return outputs[-1].flatten(1).square().sum(1)

    yield seen
    LOSSES.module_dict.pop("noting")


@pytest.mark.parametrize(
    ("network", "precision"),
    [
        (hourglass, "float32"),
        (hourglass, "folded"),
        (hourglass, "bfloat16"),
        (regression, "folded"),
    ],
)
def test_any_number_gives_the_same_bits(network, precision):
    x, y = people(3)
    found = []
    for workers in (1, 2, 5):
        estimator = wrap(network(), precision=precision, workers=workers)
        found.append(
            (
                estimator.loss_gradient(x, y),
                estimator.predict(x),
                estimator.compute_loss(x, y),
                (estimator.forward_passes, estimator.backward_passes),
            )
        )
    for more in found[1:]:
        for one, other in zip(found[0], more):
            np.testing.assert_array_equal(one, other)


def test_a_graph_is_gone_back_through_as_in_one_thread():
    x, y = people(3)
    gradients = []
    for workers in (0, 3):
        pixels = torch.tensor(x, requires_grad=True)
        objective = wrap(hourglass()).objective(y)
        objective._workers = workers
        objective(pixels).sum().backward()
        gradients.append(pixels.grad)
    torch.testing.assert_close(*gradients)


def test_workers_take_the_parts_and_the_caller_waits(threads):
    x, y = people(3)
    wrap(hourglass(), loss="noting", workers=2).loss_gradient(x, y)
    assert len(threads) == 3 and main_thread() not in threads


def test_an_image_that_is_alone_is_the_callers(threads):
    wrap(hourglass(), loss="noting", workers=2).loss_gradient(*people(1))
    assert threads == [main_thread()]


def test_threads_of_pytorch_are_set_back(two_threads):
    before, count = torch.get_num_threads(), active_count()
    assert side_by_side(abs, [1, -1], 3) == [1, 1]
    later = []
    thread = Thread(target=lambda: later.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert [torch.get_num_threads(), *later] == [before] * 2
    assert active_count() == count


def test_workers_have_a_thread_and_the_callers_gradients_each(two_threads):
    def settings(part):
        return torch.get_num_threads(), torch.is_grad_enabled()

    with torch.no_grad():
        assert side_by_side(settings, range(3), 2) == [(1, False)] * 3
    assert side_by_side(settings, range(3), 2) == [(1, True)] * 3
    assert side_by_side(settings, range(1), 2) == [(2, True)]


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_cores_that_outnumber_the_parts_are_shared_among_them(two_threads, monkeypatch, workers):
    monkeypatch.setattr("hpe_art.estimators.workers.usable_cores", lambda: 7)
    assert side_by_side(lambda part: torch.get_num_threads(), range(3), workers) == [2] * 3


def test_a_part_that_fails_fails_all_and_leaves_nothing_running():
    @LOSSES.register_module(name="failing")
    def failing(outputs, y, head):
        if y[0, 0, 0] == poses[2, 0, 0]:
            raise FloatingPointError("Expected a loss. Got none.")
        return outputs[-1].flatten(1).sum(1)

    x, poses = people(4)
    model, count = hourglass().train(), active_count()
    estimator = wrap(model, loss="failing", workers=2)
    try:
        with pytest.raises(FloatingPointError, match="Expected a loss. Got none."):
            estimator.loss_gradient(x, poses)
    finally:
        LOSSES.module_dict.pop("failing")
    assert active_count() == count
    assert model.training and all(weight.requires_grad for weight in model.parameters())


class Noisy(nn.Module):
    """Draws random numbers."""

    def forward(self, x):
        return x + torch.rand_like(x)


class Keeping(nn.Module):
    """Keeps what it has seen for a later layer."""

    def forward(self, x):
        self.seen = x
        return self.seen * 2


@pytest.mark.parametrize("layer", [Noisy, Keeping])
def test_a_network_that_threads_would_disturb_is_the_callers(threads, layer):
    model = hourglass()
    model.backbone.stem.append(layer())
    x, y = people(3)
    wrap(model, loss="noting", workers=4).loss_gradient(x, y)
    assert threads == [main_thread()] * 3


def test_hooks_are_called_in_the_order_of_the_images():
    model, seen = hourglass(), []
    x, y = people(3)
    model.backbone.register_forward_hook(lambda m, given, out: seen.append(current_thread()))
    wrap(model, workers=4).loss_gradient(x, y)
    assert seen == [main_thread()] * 3


def test_what_others_wrote_is_the_callers():
    """A loss that is given as a function, a defence, and a head by its own predict and loss."""
    x, y = people(3)
    seen = []

    def loss(outputs, y, head):
        seen.append(current_thread())
        return outputs[-1].flatten(1).sum(1)

    wrap(hourglass(), loss=loss, workers=4).loss_gradient(x, y)
    defended = wrap(hourglass(), preprocessing_defences=[DEFENCES["squeezing"](True)], workers=4)
    assert defended.objective(y)._workers == 0
    assert seen == [main_thread()] * 3
    assert wrap(headed("SimCC")).head.keeps_nothing


def test_targets_are_encoded_once_for_all_workers(monkeypatch):
    x, y = people(4)
    estimator, encoded = wrap(hourglass(), workers=3), []
    encode = estimator.head.encode
    monkeypatch.setattr(estimator.head, "encode", lambda y: encoded.append(len(y)) or encode(y))
    estimator.loss_gradient(x, y)
    assert encoded == [4]


@pytest.mark.parametrize(("allowed", "expected"), [(1, 1), (2, 2), (64, 2)])
def test_cores_are_those_that_system_and_pytorch_allow(two_threads, monkeypatch, allowed, expected):
    monkeypatch.setattr("joblib.cpu_count", lambda: allowed)
    assert usable_cores() == expected


@pytest.mark.parametrize("workers", [0, -1, 1.5, True, "2"])
def test_numbers_that_there_cannot_be_are_refused(workers):
    with pytest.raises(ValueError, match="Expected workers None or a whole number >= 1. Got"):
        wrap(hourglass(), workers=workers)
