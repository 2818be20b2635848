import numpy as np
import pytest
import torch
from toys import LinearPose, hourglass, people, regression

from hpe_art.attacks import UniversalPosePerturbation
from hpe_art.estimators import PyTorchPoseEstimator

QUIET = dict(verbose=False)


@pytest.fixture(scope="module")
def estimator():
    return PyTorchPoseEstimator(hourglass(), device_type="cpu")


def test_the_papers_rule_step_by_step(estimator):
    """One epoch of two batches, written out."""
    x, y = people(5)
    attack = UniversalPosePerturbation(
        estimator, eps=3.0, delta=2.0, epochs=1, batch_size=3, **QUIET
    )
    attack.fit(x, y)
    order = np.random.default_rng(0).permutation(5)
    noise = np.zeros(x.shape[1:], np.float32)
    for rows in (order[:3], order[3:]):
        gradient = estimator.loss_gradient(np.clip(x[rows] + noise, 0, 255), y[rows])
        noise = np.clip(noise + 2 * np.sign(gradient.mean(0)), -3, 3)
    np.testing.assert_array_equal(attack.noise, noise)
    assert attack.fitted["steps"] == 2 and attack.fitted["people"] == 5


def test_it_reaches_the_optimum_of_a_linear_model():
    """The loss sees one coordinate: the best perturbation is eps along the signs of its row."""
    model = LinearPose()
    model.linear.weight.data[1] = 0  # its other coordinate stays where it is
    estimator = PyTorchPoseEstimator(model, device_type="cpu", flip_test=False)
    x = np.full((4, 3, 8, 8), 127.0, np.float32)
    y = np.zeros((4, 2, 3), np.float32)
    y[:, 0] = [*(estimator.predict(x)[0, 0, :2] - [0.01, 0]), 1]
    attack = UniversalPosePerturbation(estimator, eps=8.0, epochs=210, batch_size=4, **QUIET)
    row = model.linear.weight.detach().numpy()[0].reshape(3, 8, 8)
    np.testing.assert_allclose(attack.fit(x, y).noise, 8 * np.sign(row), atol=1e-3)
    towards = UniversalPosePerturbation(
        estimator, eps=8.0, delta=8.0, epochs=1, batch_size=4, targeted=True, **QUIET
    )
    np.testing.assert_allclose(towards.fit(x, y).noise, -8 * np.sign(row), atol=1e-3)


def test_one_perturbation_for_all_within_eps_and_the_range(estimator):
    x, y = people(6)
    attack = UniversalPosePerturbation(estimator, eps=4.0, delta=1.0, epochs=5, **QUIET)
    moved = attack.generate(x, y)
    assert moved.min() >= 0 and moved.max() <= 255 and moved.dtype == np.float32
    np.testing.assert_array_equal(moved, np.clip(x + attack.noise, 0, 255))
    assert 3.9 < np.abs(attack.noise).max() <= 4
    unseen = people(3, seed=9)[0]
    np.testing.assert_array_equal(attack.generate(unseen), np.clip(unseen + attack.noise, 0, 255))
    tensors = attack.generate(torch.as_tensor(x))
    np.testing.assert_array_equal(tensors.numpy(), moved)


def test_whole_grey_levels_may_stay_bytes(estimator):
    x, y = people(4)
    one, other = (
        UniversalPosePerturbation(estimator, epochs=1, **QUIET).fit(images, y).noise
        for images in (x, x.astype(np.uint8))
    )
    np.testing.assert_array_equal(one, other)


def test_the_seed_orders_the_images(estimator):
    x, y = people(6)

    def noise(seed):
        arguments = dict(delta=1.0, epochs=2, batch_size=2, seed=seed, **QUIET)
        return UniversalPosePerturbation(estimator, **arguments).fit(x, y).noise

    np.testing.assert_array_equal(noise(1), noise(1))
    assert not np.array_equal(noise(1), noise(2))


def test_save_and_load(estimator, tmp_path):
    x, y = people(4)
    attack = UniversalPosePerturbation(estimator, eps=4.0, delta=1.0, epochs=3, seed=7, **QUIET)
    path = attack.fit(x, y, source="toy").save(tmp_path / "new" / "uap")
    assert path == tmp_path / "new" / "uap.npz"
    back = UniversalPosePerturbation.load(path, estimator)
    np.testing.assert_allclose(back.noise, attack.noise, atol=4 / 254 + 1e-6)
    assert np.abs(back.noise).max() <= 4
    assert back.fitted == attack.fitted
    assert (back.fitted["source"], back.eps, back.seed) == ("toy", 4.0, 7)


def test_channels_turn_round_for_a_network_that_packs_them_otherwise(estimator, tmp_path):
    x, y = people(4)
    attack = UniversalPosePerturbation(estimator, epochs=1, **QUIET).fit(x, y)
    model = hourglass()
    model.data_preprocessor._channel_conversion = False
    other = PyTorchPoseEstimator(model, device_type="cpu")
    assert estimator.packs_bgr and not other.packs_bgr
    path = attack.save(tmp_path / "uap")
    same = UniversalPosePerturbation.load(path, estimator).noise
    np.testing.assert_array_equal(UniversalPosePerturbation.load(path, other).noise, same[::-1])


def test_other_sizes_of_the_same_aspect(estimator):
    x, y = people(4)
    attack = UniversalPosePerturbation(estimator, epochs=1, **QUIET).fit(x, y)
    large = np.full((1, 3, 64, 64), 100.0, np.float32)
    moved = attack.generate(large) - large
    assert np.abs(moved).max() <= attack.eps
    averaged = moved[0].reshape(3, 32, 2, 32, 2).mean((2, 4))
    assert np.corrcoef(averaged.ravel(), attack.noise.ravel())[0, 1] > 0.8
    with pytest.raises(ValueError, match="aspect of the perturbation, 32 x 32 pixels. Got 48 x 64"):
        attack.generate(np.zeros((1, 3, 64, 48), np.float32))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(eps=0.0), "finite eps > 0. Got 0"),
        (dict(delta=-1.0), "finite delta > 0. Got -1"),
        (dict(epochs=0), "whole epochs >= 1. Got 0"),
        (dict(batch_size=1.5), "whole batch_size >= 1. Got 1.5"),
        (dict(targeted="yes"), "targeted True or False. Got 'yes'"),
    ],
)
def test_wrong_arguments_are_named(estimator, arguments, message):
    with pytest.raises(ValueError, match=message):
        UniversalPosePerturbation(estimator, **arguments)


def test_wrong_use_is_named(estimator, tmp_path):
    x, y = people(3)
    attack = UniversalPosePerturbation(estimator, targeted=True, **QUIET)
    with pytest.raises(ValueError, match="fitted perturbation. Got none: call fit or load"):
        attack.save(tmp_path / "a")
    with pytest.raises(ValueError, match="target poses y"):
        attack.generate(x)
    with pytest.raises(ValueError, match=r"N = 3. Got \(2, 16, 3\)"):
        attack.fit(x, y[:2])
    with pytest.raises(ValueError, match="images to fit on. Got none"):
        attack.fit(x[:0], y[:0])
    coordinates = PyTorchPoseEstimator(regression(), device_type="cpu")
    with pytest.raises(ValueError, match="loss of coordinates has no gradient. Got None"):
        UniversalPosePerturbation(coordinates, **QUIET).generate(x)
    with pytest.raises(TypeError, match=r"no further arguments. Got \['mask'\]"):
        attack.generate(x, y, mask=None)


def test_what_it_was_fitted_with_stays(estimator, tmp_path):
    attack = UniversalPosePerturbation(estimator, epochs=1, **QUIET)
    attack.set_params(eps=4.0)
    attack.fit(*people(2))
    attack.set_params(verbose=False, eps=4.0)
    with pytest.raises(ValueError, match=r"before fit. Got \['eps'\] for a fitted"):
        attack.set_params(eps=2.0)
    assert attack.save(tmp_path / "uap_eps0.25").name == "uap_eps0.25.npz"


@pytest.mark.parametrize("content", [b"", b"not a zip", None])
def test_a_file_that_is_none_is_named(estimator, tmp_path, content):
    path = tmp_path / "uap.npz"
    if content is None:
        np.savez(path, noise=np.zeros((3, 4, 4)))
    else:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"universal perturbation as .*uap.npz. Got"):
        UniversalPosePerturbation.load(path, estimator)
