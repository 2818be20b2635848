"""ART's defences on the estimator: they change what it sees, and attacks pass through them."""

import numpy as np
import pytest
from art.attacks.evasion import FastGradientMethod
from toys import hourglass, people

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
