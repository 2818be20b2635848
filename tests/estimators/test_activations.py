"""What an inner layer puts out."""

import numpy as np
import pytest
import torch
from toys import hourglass, people, regression, wrap

from hpe_art.estimators import PyTorchPoseEstimator


def test_activations_of_whole_grey_levels_are_those_of_floats():
    x = torch.from_numpy(people(2)[0]).round().to(torch.uint8)
    estimator = wrap(hourglass())
    kept, floats = (
        estimator.get_activations(images, "backbone.stem", framework=True)
        for images in (x, x.float())
    )
    assert torch.equal(kept, floats)


def test_activations_by_name_and_number():
    estimator = wrap(hourglass())
    x, _ = people(3)
    stem = estimator.get_activations(x, "backbone.stem", batch_size=2)
    assert stem.shape == (3, 8, 8, 8)
    number = estimator.layer_names.index("backbone.stem")
    tensor = estimator.get_activations(x, number, framework=True)
    np.testing.assert_allclose(tensor.numpy(), stem, atol=1e-5)
    with pytest.raises(ValueError, match="Expected a layer .* Got 'neck'"):
        estimator.get_activations(x, "neck")


def test_activations_of_a_layer_that_is_called_twice_are_its_last():
    estimator = wrap(regression())
    x, _ = people(3)
    found = estimator.get_activations(x, "backbone.layer1.0.relu", batch_size=2)
    block = estimator.get_activations(x, "backbone.layer1.0", batch_size=2)
    np.testing.assert_array_equal(found, block)


def test_activations_are_those_of_the_images_as_they_are():
    """Also with flip-test, and before a layer that works in place."""
    model = hourglass()
    x, _ = people(3)
    name = next(n for n, m in model.named_modules() if isinstance(m, torch.nn.BatchNorm2d))
    plain, flipped = (
        PyTorchPoseEstimator(model, flip_test=flip, device_type="cpu") for flip in (False, True)
    )
    found = plain.get_activations(x, name)
    assert found.min() < 0, "not yet rectified"
    np.testing.assert_array_equal(flipped.get_activations(x, name), found)
    images = torch.as_tensor(x).requires_grad_()
    plain.get_activations(images, name, framework=True).sum().backward()
    assert images.grad.abs().sum() > 0
    with pytest.raises(ValueError, match="images pass through. Got 'data_preprocessor'"):
        plain.get_activations(x, "data_preprocessor")
