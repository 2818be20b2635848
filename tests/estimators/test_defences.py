"""ART's defences on the estimator: they change what it sees, and attacks pass through them."""

import numpy as np
import pytest
from art.attacks.evasion import FastGradientMethod
from art.defences.preprocessor import SpatialSmoothing
from toys import hourglass, people, wrap

from hpe_art.commands.attack import parse
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.estimators.defences import DEFENCES


def test_the_command_line_offers_every_defence(capsys):
    with pytest.raises(SystemExit):
        parse(["--help"])
    text = "".join(capsys.readouterr().out.split())
    assert all(name in text for name in DEFENCES)


@pytest.mark.parametrize("name", DEFENCES)
def test_every_defence_works_with_its_gradient(name):
    model = hourglass()
    defence = DEFENCES[name](True)
    defended = PyTorchPoseEstimator(model, preprocessing_defences=defence, device_type="cpu")
    plain = PyTorchPoseEstimator(model, device_type="cpu")
    x, y = people(3)
    np.random.seed(0)
    seen = defence(x.copy())[0].astype(np.float32)
    assert seen.min() >= 0 and seen.max() <= 255 and 0.5 < np.abs(seen - x).mean() < 80
    np.random.seed(0)
    np.testing.assert_allclose(defended.predict(x), plain.predict(seen), atol=1e-2)
    x_adv = FastGradientMethod(defended, eps=8.0).generate(x, y)
    assert np.abs(x_adv - x).max() == 8


def test_smoothing_is_arts_with_the_gradient_of_a_median():
    x = np.random.default_rng(0).permutation(2 * 3 * 32 * 32).reshape(2, 3, 32, 32)
    x = (x / 6144 * 255).astype(np.float32)
    own, arts = DEFENCES["smoothing"](True), SpatialSmoothing(window_size=3, channels_first=True)
    np.testing.assert_array_equal(own(x)[0], arts(x)[0])
    _, y = people(2)
    model = hourglass().double()
    estimator = wrap(model, preprocessing_defences=own)
    gradient = estimator.loss_gradient(x, y).astype(np.float64)
    step = 1e-3 * gradient / np.abs(gradient).max()  # no two pixels change their order
    ahead, behind = (estimator.compute_loss(x + sign * step, y) for sign in (1, -1))
    risen = 2 * (gradient * step).sum((1, 2, 3))
    np.testing.assert_allclose(ahead - behind, risen, rtol=0.05)
