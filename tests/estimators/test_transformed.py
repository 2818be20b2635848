"""Defences that show the network several images for one, and may move their poses."""

import numpy as np
import pytest
import torch
from art.defences.preprocessor.preprocessor import PreprocessorPyTorch
from art.preprocessing.expectation_over_transformation import EoTBrightnessPyTorch
from toys import hourglass, people, wrap

from hpe_art.attacks import PoseAPGD, PoseFastGradientMethod, PoseProjectedGradientDescent
from hpe_art.losses import Goal


class Flips(PreprocessorPyTorch):
    """Shows each image as it is and mirrored, and their poses with them."""

    def __init__(self):
        super().__init__(apply_fit=True, apply_predict=True)

    def forward(self, x, y=None):
        seen = torch.stack([x, x.flip(-1)], dim=1).flatten(0, 1)
        if y is None:
            return seen, None
        mirrored = y * y.new_tensor([-1, 1, 1]) + y.new_tensor([31, 0, 0])
        return seen, torch.stack([y, mirrored], dim=1).flatten(0, 1)


def mirrored(y):
    return (y * [-1, 1, 1] + [31, 0, 0]).astype(np.float32)


@pytest.fixture(scope="module")
def pair():
    plain = wrap(hourglass())
    return plain, wrap(plain.model, preprocessing_defences=[Flips()])


def test_losses_and_gradients_are_means_over_what_is_shown(pair):
    plain, defended = pair
    x, y = people(3)
    other = x[..., ::-1]
    expected = (plain.compute_loss(x, y) + plain.compute_loss(other, mirrored(y))) / 2
    np.testing.assert_allclose(defended.compute_loss(x, y), expected, rtol=1e-5)
    turned = plain.loss_gradient(other, mirrored(y))[..., ::-1]
    expected = (plain.loss_gradient(x, y) + turned) / 2
    np.testing.assert_allclose(defended.loss_gradient(x, y), expected, rtol=1e-3, atol=1e-9)


def test_poses_are_means_too(pair):
    plain, defended = pair
    x, _ = people(2)
    expected = (plain.predict(x) + plain.predict(x[..., ::-1])) / 2
    np.testing.assert_allclose(defended.predict(x), expected, rtol=1e-5)


@pytest.mark.parametrize("loss", ["training", "distance"])
def test_attacks_go_through_expectation_over_transformations(loss):
    x, y = people(2)
    eot = EoTBrightnessPyTorch(nb_samples=3, clip_values=(0, 255), delta=20.0)
    model = hourglass()
    estimator = wrap(
        model, preprocessing_defences=[eot], optimizer=torch.optim.SGD(model.parameters(), lr=0.0)
    )
    goal = Goal(torch.tensor(y[..., :2]), 12 * torch.tensor(y[..., 2]))  # nobody is lost yet
    attacks = (
        PoseFastGradientMethod(estimator, loss=loss),
        PoseProjectedGradientDescent(estimator, max_iter=1, loss=loss, verbose=False),
        PoseAPGD(estimator, max_iter=1, loss=loss),
    )
    for attack in attacks:
        found = attack.generate(x, y, goal=goal)
        assert found.shape == x.shape
        if not isinstance(attack, PoseAPGD):  # which may find that the clean draw was the worst
            assert np.abs(found - x).max() > 0
    assert estimator.predict(x).shape == y.shape
    estimator.fit(x, y, nb_epochs=1)
