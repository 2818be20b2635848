"""The estimator against MMPose (values), finite differences (gradients) and ART (attacks)."""

import numpy as np
import pytest
import torch
from art.defences.preprocessor import SpatialSmoothing
from toys import data_samples, hourglass, people, regression, simple_baseline, wrap

from hpe_art.estimators.defences import DEFENCES
from hpe_art.estimators.heads import head_adaptor

NETWORKS = {"hourglass": hourglass, "regression": regression, "baseline": simple_baseline}


@pytest.fixture(params=NETWORKS)
def model(request):
    return NETWORKS[request.param]()


def test_predict_is_what_mmpose_predicts(model):
    x, _ = people(3)
    inputs = model.data_preprocessor(
        dict(
            inputs=[torch.from_numpy(i).byte() for i in x],
            data_samples=data_samples(model, people(3)[1]),
        )
    )["inputs"]
    with torch.no_grad():
        output = model(inputs, None, mode="tensor")
    last = output[-1] if isinstance(output, list) else output
    if last.ndim == 3:
        last = last[:, None]  # the codec of coordinates wants instances
    poses = wrap(model).predict(x)
    assert poses.dtype == np.float32 and poses.shape == (3, 16, 3)
    for pose, one in zip(poses, last):
        points, scores = model.head.decoder.decode(one.numpy())
        np.testing.assert_allclose(pose[:, :2], points[0], rtol=1e-4, atol=1e-3)
        np.testing.assert_allclose(pose[:, 2], scores[0], rtol=1e-4, atol=1e-5)


def test_mean_loss_over_all_outputs_is_mmposes_training_loss(model):
    x, y = people(4)
    estimator = wrap(model, outputs="all")
    inputs = model.data_preprocessor.cast_data(torch.from_numpy(x))
    mean = model.data_preprocessor.mean
    inputs = (inputs.flip(1) - mean) / model.data_preprocessor.std
    expected = model.loss(inputs, data_samples(model, y))["loss_kpt"]
    loss = estimator.compute_loss(x, y)
    assert loss.shape == (4,)
    assert loss.mean() == pytest.approx(expected.item(), rel=1e-5)


def test_last_is_one_of_all_and_all_is_their_sum():
    model, (x, y) = hourglass(), people(2)
    last, both = (wrap(model, outputs=o).compute_loss(x, y) for o in ("last", "all"))
    adaptor = head_adaptor(model.head)
    target = adaptor.encode(torch.from_numpy(y))
    first = wrap(model, outputs="all", loss=lambda raw, y, head: adaptor.loss(0, raw[0], target))
    np.testing.assert_allclose(both, first.compute_loss(x, y) + last, rtol=1e-6)
    single = simple_baseline()
    values = [wrap(single, outputs=o).compute_loss(x, y) for o in ("last", "all")]
    np.testing.assert_array_equal(*values)
    assert wrap(model).count_outputs() == 2
    assert wrap(single).count_outputs() == 1


def test_unlabelled_joints_do_not_count(model):
    x, y = people(2)
    moved = y.copy()
    moved[y[..., 2] == 0, :2] += 5
    estimator = wrap(model)
    np.testing.assert_array_equal(estimator.compute_loss(x, y), estimator.compute_loss(x, moved))


@pytest.mark.parametrize("flip_test", [False, True])
@pytest.mark.parametrize("outputs", ["last", "all"])
def test_gradient_agrees_with_finite_differences_of_the_scored_path(model, outputs, flip_test):
    estimator = wrap(model.double(), outputs=outputs, flip_test=flip_test)
    x, y = (values.astype(np.float64) for values in people(2))
    gradient = estimator.loss_gradient(x, y)
    random = np.random.default_rng(1)
    for _ in range(4):
        direction = random.standard_normal(x.shape)
        step = 1e-4
        ahead, behind = (estimator.compute_loss(x + sign * step * direction, y) for sign in (1, -1))
        expected = (ahead - behind) / (2 * step)
        found = (gradient * direction).sum((1, 2, 3))
        np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize("flip_test", [False, True])
def test_the_scored_output_is_the_attacked_one(flip_test):
    """A loss that is the raw scored output itself decodes to what predict returns."""
    model = hourglass()
    seen = []
    estimator = wrap(
        model,
        flip_test=flip_test,
        loss=lambda o, y, head: seen.append(o[-1]) or o[-1].flatten(1).sum(1),
    )
    x, y = people(2)
    estimator.compute_loss(x, y)
    np.testing.assert_array_equal(estimator.head.decode(seen[0]).numpy(), estimator.predict(x))


@pytest.mark.parametrize("batch_size", [1, 3])
def test_gradient_does_not_depend_on_the_batch(model, batch_size):
    # Not bitwise: convolution kernels are chosen by batch size and sum in another order.
    x, y = people(7)
    whole = wrap(model).loss_gradient(x, y)
    parts = wrap(model).loss_gradient(x, y, batch_size=batch_size)
    np.testing.assert_allclose(parts, whole, rtol=1e-3, atol=1e-5 * np.abs(whole).max())


def test_numpy_defences_estimate_and_torch_defences_differentiate():
    model, (x, y) = simple_baseline(), people(2)
    plain = wrap(model)
    smooth = wrap(model, preprocessing_defences=SpatialSmoothing(3, channels_first=True))
    assert not np.allclose(plain.predict(x), smooth.predict(x))
    # ART's own estimate of this defence's gradient is the identity.
    seen = SpatialSmoothing(3, channels_first=True)(x)[0]
    np.testing.assert_allclose(smooth.loss_gradient(x, y), plain.loss_gradient(seen, y), rtol=1e-4)
    on_device = wrap(model, preprocessing=(0.0, 2.0))  # ART's standardisation in torch
    np.testing.assert_allclose(
        on_device.loss_gradient(x, y), plain.loss_gradient(x / 2, y) / 2, rtol=1e-4
    )
    tensor = smooth.loss_gradient(torch.from_numpy(x), torch.from_numpy(y))
    np.testing.assert_allclose(tensor.numpy(), smooth.loss_gradient(x, y))


@pytest.mark.parametrize("defence", ["total-variation", "smoothing"])
def test_whole_grey_levels_are_defended_as_floats_are(defence):
    x = people(2)[0]
    estimator = wrap(hourglass(), preprocessing_defences=[DEFENCES[defence](True)])
    poses = []
    for images in (x.astype(np.uint8), x):
        np.random.seed(0)  # total variation draws pixels
        poses.append(estimator.predict(images))
    np.testing.assert_array_equal(*poses)


def test_tensors_in_tensors_out(model):
    x, y = people(2)
    estimator = wrap(model)
    tensors = torch.from_numpy(x), torch.from_numpy(y)
    assert torch.equal(estimator.predict(tensors[0]), torch.from_numpy(estimator.predict(x)))
    for name in ("compute_loss", "loss_gradient"):
        from_tensor, from_numpy = getattr(estimator, name)(*tensors), getattr(estimator, name)(x, y)
        assert isinstance(from_tensor, torch.Tensor) and isinstance(from_numpy, np.ndarray)
        np.testing.assert_array_equal(from_tensor.numpy(), from_numpy)
    assert not tensors[0].requires_grad


def test_passes_are_counted_in_images():
    estimator = wrap(hourglass())
    x, y = people(3)
    estimator.predict(x)
    assert (estimator.forward_passes, estimator.backward_passes) == (3, 0)
    estimator.loss_gradient(x, y)
    assert (estimator.forward_passes, estimator.backward_passes) == (6, 3)
    flipped = wrap(hourglass(), flip_test=True)
    flipped.loss_gradient(x, y)
    assert (flipped.forward_passes, flipped.backward_passes) == (6, 6)


def test_levels_with_targets_of_their_own_are_not_guessed():
    model = hourglass()
    model.head.level_indices = [0, 1]  # as of MMPose's MSPNHead
    x, y = people(2)
    with pytest.raises(ValueError, match="Got all outputs: give the head attack_targets"):
        wrap(model, outputs="all")
    estimator = wrap(model, optimizer=torch.optim.SGD(model.parameters(), lr=1e-2))
    with pytest.raises(ValueError, match="Got all outputs"):
        estimator.fit(x, y)
    assert estimator.count_outputs() == 1
    assert np.abs(estimator.loss_gradient(x, y)).max() > 0


def test_a_batch_is_at_least_one():
    x, _ = people(2)
    for wrong in (-1, 0, 1.5):
        with pytest.raises(ValueError, match=f"Expected a whole batch_size >= 1. Got {wrong}"):
            wrap(hourglass()).predict(x, batch_size=wrong)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda e, x, y: e.predict(x[:, :, :16]),
            r"x of shape \(N, 3, 32, 32\). Got \(3, 3, 16, 32\)",
        ),
        (lambda e, x, y: e.predict(x[:0]), "at least one image. Got none"),
        (lambda e, x, y: e.loss_gradient(x[:0], y[:0]), "at least one image. Got none"),
        (lambda e, x, y: e.loss_gradient(x, y[:, 0]), r"y of shape \(N, K, 3\).* Got \(3, 3\)"),
        (lambda e, x, y: e.compute_loss(x, y[:2]), r"N = 3. Got \(2, 16, 3\)"),
        (lambda e, x, y: e.set_params(outputs="first"), "outputs 'last' or 'all'. Got 'first'"),
        (
            lambda e, x, y: wrap(hourglass(), loss="mse"),
            r"registered loss, out of \[.*'training'\]. Got 'mse'",
        ),
        (
            lambda e, x, y: wrap(hourglass(), loss=lambda o, y, head: o[-1].mean()).compute_loss(
                x, y
            ),
            r"loss of shape \(3,\). Got \(\)",
        ),
    ],
)
def test_wrong_use_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(wrap(hourglass()), *people(3))


def test_arguments_that_would_be_ignored_raise():
    x, y = people(1)
    with pytest.raises(TypeError, match=r"Got \['training_mode'\]"):
        wrap(hourglass()).loss_gradient(x, y, training_mode=True)
    model = hourglass()
    del model.dataset_meta
    with pytest.raises(ValueError, match="flip_indices"):
        wrap(model, flip_test=True)
