"""Attacks of other projects climb the same loss, with as many gradients, in the same ball."""

import numpy as np
import pytest
import torch
from toys import hourglass, people

from benchmarks.performance import page
from benchmarks.rival_strength import FAST, OURS
from benchmarks.rivals import RIVALS, Question, missing_rivals
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.losses import Goal

EPS, GRADIENTS = 4.0, 6
OWN_COUNT = {"adv-lib APGD": 101, "torchattacks SI-NI-FGSM": 5}
"""Gradients of an image where they are not the number that is asked for."""


@pytest.fixture(scope="module")
def question():
    x, _ = people(2)
    estimator = PyTorchPoseEstimator(hourglass(), device_type="cpu")
    y = estimator.predict(x)  # so that there are joints to lose
    goal = Goal(torch.as_tensor(y[..., :2]), torch.full(y.shape[:2], 3.0))
    return Question(estimator, x, y, goal, EPS, GRADIENTS)


@pytest.mark.parametrize("name", [*RIVALS, FAST])
def test_it_climbs_the_loss_in_the_ball(question, name):
    if name.startswith(tuple(missing_rivals())):
        pytest.skip(f"{name.partition(' ')[0]} is not installed")
    question.passes.clear()
    torch.manual_seed(0)
    rival = RIVALS[name] if name in RIVALS else OURS[name][1]
    found = rival(question)
    assert found.shape == question.x.shape and found.dtype == np.float32
    assert 0 < np.abs(found - question.x).max() <= EPS + 1e-3
    assert found.min() >= -1e-4 and found.max() <= 255 + 1e-3
    if name != FAST:
        gradients = question.passes["backward"] / len(question.x)
        assert gradients == OWN_COUNT.get(name, GRADIENTS)
    if "PGD" in name:  # others smooth or vary the gradient, which this toy does not forgive
        loss = question.loss()
        before, after = (loss(torch.as_tensor(images)) for images in (question.x, found))
        assert (after > before).all()


def test_the_page_says_who_is_stronger():
    numbers = {"value": -1.25, "low": -3.0, "high": 0.5}
    row = {"network": "net", "attack": "ART PGD", "eps": 1.0, "people": 2, "gradients": 100.0}
    row |= {"left": numbers, "more": numbers, "command": "one"}
    about = {"command": "one", "date": "today", "machine": "this"}
    versions = {"torch": "2", "python": "3"}
    text = page({"rivals": {"rows": [row], **about, "versions": versions}})
    assert "| net | ART PGD | 100 | -1.2 [-3.0, 0.5] | -1.2 [-3.0, 0.5] |" in text
