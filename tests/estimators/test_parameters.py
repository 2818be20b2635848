"""ART's parameters: there and back, and what is refused."""

import numpy as np
import pytest
import torch
from torch import distributed
from torch.nn.parallel import DataParallel, DistributedDataParallel
from toys import hourglass, people, wrap

from hpe_art.estimators.defences import DEFENCES


def test_parameters_are_arts():
    estimator = wrap(hourglass())
    assert estimator.input_shape == (3, 32, 32)
    assert tuple(estimator.clip_values) == (0.0, 255.0)
    assert estimator.model is estimator.get_params()["model"]
    estimator.set_params(outputs="all")
    assert estimator.outputs == "all"


def test_joints_are_counted_also_beside_people_of_others():
    estimator = wrap(hourglass())
    joints = estimator.count_joints()
    estimator.model.test_cfg["flip_test"] = True
    flipped = wrap(estimator.model)
    flipped.model.dataset_meta = {"flip_indices": list(range(joints - 1))}
    assert flipped.flip_test and flipped.count_joints() == joints


def test_parameters_there_and_back_change_nothing():
    x, y = people(2)
    estimator = wrap(hourglass(), loss=lambda outputs, y, head: outputs[-1].flatten(1).sum(1))
    gradient, loss = estimator.loss_gradient(x, y), estimator.compute_loss(x, y)
    estimator.set_params(**estimator.get_params())
    np.testing.assert_array_equal(estimator.loss_gradient(x, y), gradient)
    np.testing.assert_array_equal(estimator.compute_loss(x, y), loss)
    estimator.set_params(loss="training")
    np.testing.assert_array_equal(
        estimator.compute_loss(x, y), wrap(hourglass()).compute_loss(x, y)
    )


@pytest.mark.parametrize(
    "wrong",
    [
        dict(outputs="first"),
        dict(precision="half"),
        dict(workers=0),
        dict(outputs="all", loss="mse"),
        dict(model=1),
        dict(device_type="gpu"),
        dict(channels_first=False),
        dict(clip_values=5),
        dict(preprocessing_defences=5),
    ],
)
def test_parameters_that_are_refused_leave_everything_as_it_was(wrong):
    estimator = wrap(hourglass(), preprocessing_defences=[DEFENCES["squeezing"](True)])
    before, x = estimator.get_params(), people(2)[0]
    poses = estimator.predict(x)
    with pytest.raises((ValueError, TypeError)):
        estimator.set_params(**wrong)
    after = estimator.get_params()
    assert all(after[name] is before[name] for name in ("model", "outputs", "precision", "loss"))
    assert tuple(estimator.clip_values) == (0.0, 255.0)
    np.testing.assert_array_equal(estimator.predict(x), poses)


def test_flip_test_of_none_is_the_models_own():
    model = hourglass()
    model.test_cfg["flip_test"] = True
    estimator = wrap(model, flip_test=False)
    estimator.set_params(flip_test=None)
    assert estimator.flip_test is True


@pytest.fixture
def one_process():
    """A group of processes with this one alone."""
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


@pytest.mark.parametrize(
    "wraps",
    [
        [DataParallel],
        [torch.compile],
        [DistributedDataParallel],
        [torch.compile, DistributedDataParallel],
        [DataParallel, torch.compile],
    ],
    ids=lambda wraps: "-".join(one.__name__ for one in wraps),
)
def test_a_wrapped_model_is_taken_out(one_process, wraps):
    model, (x, y) = hourglass(), people(2)
    expected = wrap(model).loss_gradient(x, y)
    wrapped = model
    for one in wraps:
        wrapped = one(wrapped)
    estimator = wrap(wrapped)
    assert wrapped is not model and estimator.model is model
    np.testing.assert_array_equal(estimator.loss_gradient(x, y), expected)


def test_a_model_with_a_part_called_module_is_none_of_these():
    model = hourglass()
    model.add_module("module", torch.nn.Identity())
    assert wrap(model).model is model


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("backbone.stem.0.weight", float("nan")),
        ("backbone.stem.0.bias", float("inf")),
        ("backbone.stem.1.running_var", float("nan")),
    ],
)
def test_weights_that_are_not_finite_are_named(name, value):
    model = hourglass()
    with torch.no_grad():
        model.state_dict()[name].view(-1)[1] = value
    with pytest.raises(ValueError, match=f"Expected finite weights. Got {name}"):
        wrap(model)
