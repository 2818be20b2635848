import numpy as np
import pytest
from toys import people, regression

from hpe_art.attacks.art.adaptations import on_blocks
from hpe_art.estimators import PoseClassifierView, PyTorchPoseEstimator


@pytest.fixture(scope="module")
def x():
    return people(3)[0]


@pytest.fixture(scope="module")
def estimator():
    return PyTorchPoseEstimator(regression(), device_type="cpu")


def test_a_block_is_moved_as_its_mean_is(estimator, x):
    view = PoseClassifierView(estimator, x, threshold=8.0)

    def move_a_block(coarse, means, y):
        assert means.shape == (len(x), 3, 4, 4)
        assert coarse.predict(means) == pytest.approx(view.predict(x), abs=1e-4)
        moved = means.copy()
        moved[1, 2, 0, 3] += 5
        return moved

    found = on_blocks(4, move_a_block)(view, x, None)
    height, width = (side // 4 for side in x.shape[2:])
    expected = x.copy()
    expected[1, 2, :height, 3 * width :] += 5
    np.testing.assert_allclose(found, expected.clip(0, 255), atol=1e-4)


def test_probabilities_where_they_are_asked_for(estimator, x):
    view = PoseClassifierView(estimator, x, threshold=8.0)

    def look(coarse, means, y):
        np.testing.assert_allclose(coarse.predict(means).sum(1), 1, rtol=1e-5)
        return means

    on_blocks(4, look, probabilities=True)(view, x, None)
