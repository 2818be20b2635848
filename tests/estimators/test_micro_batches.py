"""On a CPU a batch goes through in parts: nothing of the result depends on it, nor is redone."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from toys import LinearPose, dlcm, hourglass, people, regression, simple_baseline, wrap

from hpe_art.attacks import PoseProjectedGradientDescent, UniversalPosePerturbation
from hpe_art.estimators import micro_batches as micro_batches_module
from hpe_art.estimators.defences import DEFENCES
from hpe_art.estimators.micro_batches import images_at_once, largest_output, micro_batches

NETWORKS = {
    "hourglass": hourglass,
    "dlcm": dlcm,
    "regression": regression,
    "baseline": simple_baseline,
}


@pytest.fixture
def two_at_once(monkeypatch):
    monkeypatch.setattr("hpe_art.estimators.wrapped_model.images_at_once", lambda largest, dtype: 2)


@pytest.mark.parametrize("count", [0, 1, 7, 32])
@pytest.mark.parametrize("batch_size", [1, 3, 32])
@pytest.mark.parametrize("at_once", [None, 1, 2, 5, 64])
def test_every_image_goes_through_once_in_even_parts_of_its_batch(count, batch_size, at_once):
    found = list(micro_batches(count, batch_size, at_once))
    rows = np.arange(count)
    assert np.concatenate([rows[:0], *(rows[one] for one in found)]).tolist() == rows.tolist()
    for begin in range(0, count, batch_size):
        sizes = [len(rows[one]) for one in found if begin <= one.start < begin + batch_size]
        assert sum(sizes) == min(batch_size, count - begin)
        assert max(sizes) - min(sizes) <= 1
        assert max(sizes) <= (at_once or batch_size)
        assert at_once is not None or len(sizes) == 1


def test_the_largest_output_is_that_of_any_layer():
    stem = 2 * 16 * 16  # a quarter of 8 channels at half of 32 x 32
    assert largest_output(hourglass(), torch.zeros(1, 3, 32, 32)) == max(stem, 3 * 32 * 32)
    widest = 64 * 16 * 16  # the first layer of a ResNet
    assert largest_output(regression(), torch.zeros(1, 3, 32, 32)) == widest


def test_as_many_images_as_keep_it_small():
    values = 2**18
    assert images_at_once(values, torch.float32) == 4
    assert images_at_once(values, torch.bfloat16) == 8
    assert images_at_once(100 * values, torch.float32) == 1


def test_looking_for_it_leaves_the_model_as_it_was():
    model, watched = hourglass().train(), []
    handle = model.register_forward_hook(lambda *seen: watched.append(seen))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    largest_output(model, torch.zeros(1, 3, 32, 32))
    assert not watched
    model.eval()(torch.zeros(1, 3, 32, 32), None, mode="tensor")
    assert len(watched) == 1
    handle.remove()
    model.train()
    assert not any(module._forward_hooks for module in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_network_that_is_not_itself_without_its_hooks_takes_whole_batches():
    model = hourglass()
    fewer = nn.Conv2d(16, 4, 1)
    model.backbone.predictions[0].register_forward_hook(lambda m, seen, out: fewer(out))
    model.backbone.merge_heatmaps[0] = nn.Conv2d(4, 8, 1)
    assert largest_output(model, torch.zeros(1, 3, 32, 32)) == 0
    assert images_at_once(0, torch.float32) is None
    assert wrap(model).predict(people(3)[0]).shape == (3, 16, 3)


def test_looking_for_it_draws_no_random_numbers():
    class Noisy(nn.Module):
        def forward(self, x):
            return x + torch.rand_like(x)

    model = hourglass()
    model.backbone.stem.append(Noisy())
    estimator, found = wrap(model), []
    for _ in range(2):
        torch.manual_seed(0)
        found.append(estimator.predict(people(3)[0]))
    np.testing.assert_array_equal(*found)


def test_compiled_networks_take_whole_batches_of_one_size(two_at_once):
    estimator = wrap(hourglass())
    wrapped = estimator._wrapped
    for compile, number in ((False, 3), (True, 1)):
        copy = SimpleNamespace(dtype=torch.float32, made_with=("float32", compile))
        assert len(list(wrapped.micro_batches(5, 5, copy))) == number


@pytest.mark.parametrize("flip_test", [False, True])
@pytest.mark.parametrize("outputs", ["last", "all"])
@pytest.mark.parametrize("network", NETWORKS)
def test_parts_give_what_the_whole_batch_gives(two_at_once, network, outputs, flip_test):
    x, y = people(5)
    parts = wrap(NETWORKS[network](), outputs=outputs, flip_test=flip_test)
    whole = wrap(NETWORKS[network](), outputs=outputs, flip_test=flip_test)
    whole._wrapped.micro_batches = lambda count, size, copy=None: micro_batches(count, size)
    gradient = whole.loss_gradient(x, y)
    atol = 1e-5 * np.abs(gradient).max()
    np.testing.assert_allclose(parts.loss_gradient(x, y, 4), gradient, rtol=1e-3, atol=atol)
    np.testing.assert_allclose(parts.compute_loss(x, y), whole.compute_loss(x, y), rtol=1e-4)
    np.testing.assert_allclose(parts.predict(x), whole.predict(x), atol=1e-3)
    layer = parts.layer_names[3]
    np.testing.assert_allclose(
        parts.get_activations(x, layer), whole.get_activations(x, layer), rtol=1e-4, atol=1e-4
    )
    assert parts.forward_passes == whole.forward_passes
    assert parts.backward_passes == whole.backward_passes


@pytest.mark.parametrize("defence", [None, "squeezing"])
def test_a_loss_of_ones_own_meets_the_poses_of_its_images(two_at_once, defence):
    def first_joint(outputs, y, head):
        return (outputs[-1][:, 0] - y[:, 0, :2]).square().sum(-1)

    x, _ = people(5, size=8, joints=2)
    y = np.linspace(0, 1, 30, dtype=np.float32).reshape(5, 2, 3)
    defences = [DEFENCES[defence](True)] if defence else None
    estimator = wrap(LinearPose(), loss=first_joint, preprocessing_defences=defences)
    one_by_one = [estimator.loss_gradient(x[i : i + 1], y[i : i + 1]) for i in range(5)]
    np.testing.assert_allclose(
        estimator.loss_gradient(x, y), np.concatenate(one_by_one), rtol=1e-4, atol=1e-9
    )


def test_targets_are_encoded_once_for_the_parts_and_steps_of_a_batch(two_at_once, monkeypatch):
    estimator = wrap(hourglass())
    encoded = []
    encode = estimator.head.encode
    monkeypatch.setattr(estimator.head, "encode", lambda y: encoded.append(len(y)) or encode(y))
    x, y = people(7)
    attack = PoseProjectedGradientDescent(
        estimator, eps=4, eps_step=1, max_iter=5, batch_size=4, verbose=False
    )
    attack.generate(x, y)
    assert encoded == [4, 3]


def test_a_small_limit_bounds_what_the_model_sees(monkeypatch):
    monkeypatch.setattr(micro_batches_module, "LARGEST_TENSOR", 2 * 4 * 3 * 32 * 32)
    model, seen = hourglass(), []
    estimator = wrap(model)
    x, y = people(5)
    model.register_forward_hook(lambda module, inputs, output: seen.append(len(inputs[0])))
    estimator.predict(x)
    UniversalPosePerturbation(estimator, epochs=1, batch_size=5, verbose=False).fit(x, y)
    assert seen == [1, 2, 2, 1, 2, 2]
