"""A device that has memory for a few images at once: batches are halved, nothing else changes."""

import numpy as np
import pytest
import torch
from toys import hourglass, people, wrap

from hpe_art.attacks import PoseProjectedGradientDescent
from hpe_art.errors import UserError
from hpe_art.estimators.wrapped_model import WrappedModel


@pytest.fixture
def room(monkeypatch):
    """`room(n)`: passes of more than n images find the device full; gives the sizes that passed."""

    def limited(largest):
        passed = []
        through = WrappedModel.outputs

        def outputs(wrapped, images, *rest, **more):
            if len(images) > largest:
                raise torch.cuda.OutOfMemoryError("CUDA out of memory.")
            passed.append(len(images))
            return through(wrapped, images, *rest, **more)

        monkeypatch.setattr(WrappedModel, "outputs", outputs)
        return passed

    return limited


def attacked(estimator, x, y):
    attack = PoseProjectedGradientDescent(estimator, eps=8, eps_step=2, max_iter=3, batch_size=8)
    return attack.generate(x, y)


def test_the_batch_is_halved_and_the_images_are_the_same(room):
    x, y = people(7)
    expected = attacked(wrap(hourglass()), x, y)
    sizes = room(2)
    estimator = wrap(hourglass())
    np.testing.assert_allclose(attacked(estimator, x, y), expected, atol=1e-4)
    assert max(sizes) <= 2 and sum(sizes) >= 3 * 7 and estimator.fits <= 2
    np.testing.assert_allclose(
        estimator.predict(x), wrap(hourglass()).predict(x, batch_size=1), atol=1e-3
    )


def test_no_room_for_one_image(room):
    x, y = people(2)
    room(0)
    with pytest.raises(UserError, match=r"memory for one image. Got cpu, .* take --device cpu"):
        wrap(hourglass()).loss_gradient(x, y)
