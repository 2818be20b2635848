"""What users give is read, or refused with what was expected and what was got."""

import warnings

import numpy as np
import pytest
import torch
from toys import hourglass, people, regression, wrap

from hpe_art.attacks import (
    PoseAPGD,
    PoseFastGradientMethod,
    PoseProjectedGradientDescent,
    RandomSignNoise,
    UniversalPosePerturbation,
)
from hpe_art.estimators import PoseClassifierView
from hpe_art.inputs import as_numbers, as_tensor, check_pixels
from hpe_art.losses import Goal

ESTIMATOR = wrap(hourglass())
X, Y = people(2)
VIEW = np.arange(4.0).astype(">f4")


def fit(x, y):
    model = hourglass()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    wrap(model, optimizer=optimizer).fit(x, y, batch_size=2, nb_epochs=1)


POSED = {
    "compute_loss": ESTIMATOR.compute_loss,
    "loss_gradient": ESTIMATOR.loss_gradient,
    "fit": fit,
    "FGSM": PoseFastGradientMethod(ESTIMATOR).generate,
    "PGD": PoseProjectedGradientDescent(ESTIMATOR, max_iter=1, verbose=False).generate,
    "APGD": PoseAPGD(ESTIMATOR, max_iter=0).generate,
    "universal": lambda x, y: UniversalPosePerturbation(
        ESTIMATOR, epochs=1, verbose=False
    ).generate(x, y),
}
PICTURED = {
    "predict": lambda x: ESTIMATOR.predict(x),
    "get_activations": lambda x: ESTIMATOR.get_activations(x, "backbone.stem"),
    "noise": lambda x: RandomSignNoise(ESTIMATOR).generate(x),
    "view": lambda x: PoseClassifierView(ESTIMATOR, x),
    **{name: lambda x, call=call: call(x, Y) for name, call in POSED.items()},
}


@pytest.mark.parametrize(
    "numbers",
    [
        VIEW,
        VIEW.astype("<f4")[::-1],
        np.broadcast_to(VIEW[:1], 4),
        VIEW.astype(np.longdouble),
        [0, 1.5],
        [torch.ones(2), torch.zeros(2)],
        np.array([True, False]),
        torch.ones(3, requires_grad=True) * 2,
    ],
    ids=["byte order", "strides", "read-only", "long", "list", "tensors", "bools", "graph"],
)
def test_whatever_holds_numbers_becomes_a_tensor(numbers):
    found = as_tensor(as_numbers("x", numbers))
    assert not found.requires_grad
    expected = numbers.detach() if isinstance(numbers, torch.Tensor) else np.stack(list(numbers))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "Got NoneType"),
        ("ab", "Got <U2"),
        ([[1, 2], [3]], "Got a list that NumPy cannot read"),
        (np.array([None, 1]), "Got ndarray"),
        (np.ones(2, complex), "Got complex128"),
        (torch.ones(2).to("meta"), "Got one on the device meta"),
        (torch.ones(2, 2).to_sparse(), "torch.sparse_coo"),
    ],
)
def test_what_holds_none_is_named(given, message):
    with pytest.raises(ValueError, match=f"Expected x as an array or a tensor.*{message}"):
        as_numbers("x", given)


@pytest.mark.parametrize("call", PICTURED.values(), ids=PICTURED)
def test_images_in_any_array_give_the_same(call):
    expected = call(X)
    for x in (X[::-1][::-1], X.tolist(), X.astype(">f8"), torch.from_numpy(X).bfloat16()):
        found = call(x)
        if hasattr(expected, "shape"):
            found = found.float() if isinstance(found, torch.Tensor) else found
            np.testing.assert_allclose(found, expected, rtol=1e-2, atol=1e-6)


@pytest.mark.parametrize("call", PICTURED.values(), ids=PICTURED)
@pytest.mark.parametrize(
    ("x", "message"),
    [
        (None, "Expected x as an array or a tensor of numbers. Got NoneType"),
        (X[0], r"Expected x of shape \(N, 3, 32, 32\). Got \(3, 32, 32\)"),
        (X[:0], "Expected at least one image. Got none"),
        (np.where(X.max() == X, np.nan, X), "Expected finite pixels. Got"),
        (torch.where(torch.tensor(X) > 250, torch.inf, 0), "Expected finite pixels. Got"),
    ],
)
def test_wrong_images_are_not_blamed_on_poses(call, x, message):
    with pytest.raises(ValueError, match=message):
        call(x)


@pytest.mark.parametrize("call", POSED.values(), ids=POSED)
@pytest.mark.parametrize(
    ("y", "message"),
    [
        ("none", "Expected y as an array or a tensor of numbers. Got <U4"),
        (Y[:, 0].tolist(), r"Expected y of shape \(N, K, 3\), N = 2. Got \(2, 3\)"),
        (Y[:, :15], "Expected y of the 16 joints that the model predicts. Got 15"),
        (torch.tensor(np.where(Y > 30, np.inf, Y)), "Expected finite x and y where"),
        (np.where([0, 0, 1], np.nan, Y), "Expected a number as third value of y"),
    ],
)
def test_wrong_poses_are_named(call, y, message):
    with pytest.raises(ValueError, match=message):
        call(X, y)


@pytest.mark.parametrize("name", ["compute_loss", "loss_gradient", "APGD"])
def test_poses_that_must_be_given_are_asked_for(name):
    with pytest.raises(ValueError, match=r"poses y of shape \(N, K, 3\). Got None"):
        POSED[name](X, None)


def test_refused_labels_leave_the_model_as_it_was():
    model = hourglass()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    estimator = wrap(model, optimizer=torch.optim.SGD(model.parameters(), lr=1.0))
    with pytest.raises(ValueError, match="16 joints"):
        estimator.fit(X, Y[:, :3], nb_epochs=1)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_goal_of_other_joints_is_named():
    goal = Goal(torch.zeros(2, 15, 2), torch.ones(2, 15))
    with pytest.raises(ValueError, match=r"Got \(2, 16\) and \(2, 15\)"):
        PoseAPGD(ESTIMATOR).generate(X, Y, goal)


@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy], ids=["array", "tensor"])
@pytest.mark.parametrize("name", ["predict", "loss_gradient", "FGSM", "APGD", "noise"])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda x: x / 255, r"0 to 255. Got 0 to 1: multiply them by 255"),
        (lambda x: x * 2, r"Got 0 to 510: give them as the model's pipeline packs them"),
        (lambda x: x / 128 - 1, r"Got -1 to 0.992188: give them as"),
    ],
)
def test_pixels_of_another_range_are_said_to_who_gave_them(kind, name, change, said):
    with pytest.warns(UserWarning, match=said) as caught:
        PICTURED[name](kind(change(X)))
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("images", "limits"),
    [
        (np.zeros((1, 3, 2, 2)), None),
        (np.full((1, 3, 2, 2), 255.4), (0, 255)),
        (np.ones((1, 3, 2, 2)), (0, 1)),
        (torch.full((1, 3, 2, 2), 7, dtype=torch.uint8), np.array([[0.0], [255.0]])),
    ],
)
def test_pixels_in_their_range_are_taken_without_a_word(images, limits):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_pixels(images, limits)


@pytest.mark.parametrize("mask", [np.ones(32, bool)[::-1], [1.0] * 32, torch.ones(3, 1, 1) > 0])
def test_masks_of_any_kind_are_read(mask):
    attack = PoseFastGradientMethod(ESTIMATOR)
    np.testing.assert_array_equal(attack.generate(X, Y, mask=mask), attack.generate(X, Y))


def test_limits_may_be_arrays_as_arts_attacks_have_them():
    low, high = np.full((3, 1, 1), 100.0), np.array([180.0, 190.0, 200.0]).reshape(3, 1, 1)
    estimator = wrap(hourglass(), clip_values=(low, high))
    x = X * (80 / 255) + 100
    attacks = (
        PoseFastGradientMethod(estimator),
        PoseProjectedGradientDescent(estimator, max_iter=1, num_random_init=1, verbose=False),
        PoseAPGD(estimator, max_iter=1),
        RandomSignNoise(estimator, eps=90.0),
    )
    for attack in attacks:
        found = attack.generate(x, Y)
        assert (found >= low).all() and (found <= high).all() and not np.array_equal(found, x)


@pytest.mark.parametrize("wrong", [(np.nan, 255), (255, 0), (0,), (np.zeros(5), 255), "ab"])
def test_limits_that_are_none_are_refused(wrong):
    with pytest.raises(ValueError, match="Expected clip_values as two numbers"):
        wrap(hourglass(), clip_values=wrong)


@pytest.mark.parametrize("network", [hourglass, regression])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_other_weights_are_used_as_they_are_and_all_else_is_float32(network, dtype):
    """Compared with the same rounded weights in float32."""
    model = network().to(dtype)
    rounded = network()
    rounded.load_state_dict(model.state_dict())
    poses, expected = wrap(model).predict(X), wrap(rounded).predict(X)
    assert poses.dtype == np.float32
    assert np.median(np.abs(poses - expected)[..., :2]) < 0.3
    for name in ("compute_loss", "loss_gradient"):
        found = getattr(wrap(model), name)(X, Y)
        want = getattr(wrap(rounded), name)(X, Y)
        assert np.linalg.norm(found - want) < 0.3 * np.linalg.norm(want)
    attacked = PoseAPGD(wrap(model), max_iter=1).generate(X, Y)
    assert attacked.dtype == np.float32 and np.abs(attacked - X).max() == pytest.approx(8)
