import numpy as np
import pytest
from toys import LinearPose

from hpe_art.attacks import RandomSignNoise
from hpe_art.estimators import PyTorchPoseEstimator


@pytest.fixture(scope="module")
def estimator():
    return PyTorchPoseEstimator(LinearPose(), device_type="cpu")


def images(count=6, low=20, high=236):
    return np.random.default_rng(0).integers(low, high, (count, 3, 8, 8)).astype(np.float32)


@pytest.mark.parametrize(("norm", "order"), [(np.inf, np.inf), (1, 1), (2, 2)])
def test_the_whole_budget_is_spent_in_its_norm(estimator, norm, order):
    x = images()
    change = RandomSignNoise(estimator, norm=norm, eps=8.0).generate(x) - x
    sizes = np.linalg.norm(change.reshape(len(x), -1), ord=order, axis=1)
    np.testing.assert_allclose(sizes, 8.0, rtol=1e-4)
    assert 0.4 < (change > 0).mean() < 0.6


def test_pixels_stay_in_range(estimator):
    noisy = RandomSignNoise(estimator, eps=8.0).generate(images(low=0, high=256))
    assert noisy.min() >= 0 and noisy.max() <= 255


def test_the_same_seed_gives_the_same_noise_however_split(estimator):
    x = images()
    whole = RandomSignNoise(estimator, seed=3).generate(x)
    split = RandomSignNoise(estimator, seed=3)
    np.testing.assert_array_equal(
        np.concatenate([split.generate(x[:1]), split.generate(x[1:])]), whole
    )
    assert not np.array_equal(RandomSignNoise(estimator, seed=4).generate(x), whole)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [(dict(norm=3), "Got 3"), (dict(eps=-1.0), "Got -1.0"), (dict(eps=np.nan), "nan")],
)
def test_wrong_budgets_are_named(estimator, wrong, message):
    with pytest.raises(ValueError, match=message):
        RandomSignNoise(estimator, **wrong)


def test_a_seed_that_is_set_begins_its_stream_anew(estimator):
    x = np.full((2, 3, 8, 8), 100, np.float32)
    noise = RandomSignNoise(estimator, seed=1)
    first = noise.generate(x)
    noise.set_params(seed=1)
    np.testing.assert_array_equal(noise.generate(x), first)


def test_the_signs_are_those_of_the_place_in_the_test_set(estimator):
    x = images()
    whole = RandomSignNoise(estimator, seed=3).generate(x)
    noise = RandomSignNoise(estimator, seed=3)
    np.testing.assert_array_equal(noise.generate(x, index=np.arange(len(x))), whole)
    rows = np.array([4, 0, 5])
    np.testing.assert_array_equal(noise.generate(x[rows], index=rows), whole[rows])
    with pytest.raises(ValueError, match="index for each of 6 images. Got 2"):
        noise.generate(x, index=np.arange(2))
