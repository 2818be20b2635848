"""Training on the estimator's own loss."""

import numpy as np
import pytest
import torch
from art.attacks.evasion import FastGradientMethod
from art.data_generators import PyTorchDataGenerator
from art.defences.trainer import AdversarialTrainer
from toys import hourglass, people, wrap

from hpe_art.attacks import PoseProjectedGradientDescent


def test_fit_lowers_the_loss_and_restores_the_mode():
    np.random.seed(0)  # fit shuffles with NumPy's global generator
    model = hourglass()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    estimator = wrap(model, optimizer=optimizer)
    x, y = people(8)
    before = estimator.compute_loss(x, y).mean()
    estimator.fit(x, y, batch_size=4, nb_epochs=30)
    assert estimator.compute_loss(x, y).mean() < 0.9 * before
    assert not model.training
    with pytest.raises(ValueError, match="Expected an optimizer"):
        wrap(model).fit(x, y)


def test_fit_trains_without_the_mirror():
    x, y = people(4)
    trained = []
    for flip_test in (False, True):
        model = hourglass()
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
        estimator = wrap(model, optimizer=optimizer, flip_test=flip_test)
        np.random.seed(0)
        estimator.fit(x, y, batch_size=2, nb_epochs=1)
        assert estimator.forward_passes == 4
        trained.append(model.state_dict())
    assert all(torch.equal(value, trained[1][name]) for name, value in trained[0].items())


def test_gradients_are_those_of_weights_that_a_fused_optimizer_changed():
    model = hourglass()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 0.0  # no buffer tells of the step
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, fused=True)
    estimator = wrap(model, optimizer=optimizer, precision="bfloat16")
    x, y = people(2)
    estimator.loss_gradient(x, y)
    estimator.fit(x, y, batch_size=2, nb_epochs=1)
    fresh = wrap(model, precision="bfloat16")
    np.testing.assert_array_equal(estimator.loss_gradient(x, y), fresh.loss_gradient(x, y))


def test_weights_are_seen_also_when_fit_is_interrupted():
    model = hourglass()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, fused=True)
    estimator = wrap(model, optimizer=optimizer, precision="bfloat16")
    x, y = people(2)
    estimator.loss_gradient(x, y)
    step, steps = optimizer.step, []

    def interrupted():
        steps.append(step())
        if len(steps) == 2:
            raise KeyboardInterrupt

    optimizer.step = interrupted
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(x, y, batch_size=1, nb_epochs=3)
    fresh = wrap(model, precision="bfloat16")
    np.testing.assert_array_equal(estimator.loss_gradient(x, y), fresh.loss_gradient(x, y))


@pytest.mark.parametrize(
    "attack",
    [
        lambda estimator: FastGradientMethod(estimator, eps=4),
        lambda estimator: PoseProjectedGradientDescent(estimator, eps=4, max_iter=1),
    ],
    ids=["ART", "ours"],
)
def test_arts_adversarial_trainer_trains_it(attack):
    model, (x, y) = hourglass(), people(4)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
    estimator = wrap(model, optimizer=optimizer, precision="folded")
    trainer = AdversarialTrainer(estimator, attack(estimator), ratio=0.5)
    before = estimator.compute_loss(x, y)
    trainer.fit(x, y, batch_size=2, nb_epochs=1)
    after = estimator.compute_loss(x, y)
    assert not np.array_equal(after, before) and not model.training
    pairs = torch.utils.data.TensorDataset(*map(torch.from_numpy, (x, y)))
    loader = torch.utils.data.DataLoader(pairs, batch_size=2)
    trainer.fit_generator(PyTorchDataGenerator(loader, size=4, batch_size=2), nb_epochs=1)
    assert not np.array_equal(estimator.compute_loss(x, y), after)


def test_lists_and_tensors_are_trained_on_as_arrays_are():
    trained = []
    for kind in (np.asarray, torch.from_numpy, np.ndarray.tolist):
        model, (x, y) = hourglass(), people(2)
        np.random.seed(0)
        estimator = wrap(model, optimizer=torch.optim.SGD(model.parameters(), lr=1e-2))
        estimator.fit(kind(x), kind(y), nb_epochs=1)
        trained.append(estimator.predict(x))
    np.testing.assert_array_equal(trained[0], trained[1])
    np.testing.assert_array_equal(trained[0], trained[2])


def test_a_fit_that_diverges_is_stopped():
    model, (x, y) = hourglass(), people(2)
    estimator = wrap(model, optimizer=torch.optim.SGD(model.parameters(), lr=1e30))
    with pytest.raises(ValueError, match="Expected a finite loss. Got .*: lower the opt"):
        estimator.fit(x, y, nb_epochs=3)
