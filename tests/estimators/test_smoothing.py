"""Noisy copies of an image: what a linear model sees in them is normal, and known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from toys import LinearPose, hourglass, people, wrap

from hpe_art.attacks import PoseAPGD
from hpe_art.estimators.smoothing import noisy_poses, shown_with_noise
from hpe_art.losses import Goal
from hpe_art.metrics.certificates import Smoothing, smoothed_poses

SIGMA = 4.0


@pytest.fixture(scope="module")
def linear():
    """The estimator, and its weights (K, 2, pixels) in crop pixels per grey level."""
    model = LinearPose()
    weights = model.linear.weight.detach().numpy().reshape(2, 2, -1) * 8
    return wrap(model), weights


@pytest.fixture(scope="module")
def image():
    """So far from black and white that no copy is clipped."""
    return people(1, size=8, joints=2)[0][0] * 0.5 + 64


def test_copies_of_a_linear_model_are_normal(linear, image):
    estimator, weights = linear
    poses = noisy_poses(estimator, image, SIGMA, 2000)
    assert poses.shape == (2000, 2, 3)
    spreads = SIGMA * np.linalg.norm(weights, axis=-1)
    np.testing.assert_allclose(poses[..., :2].std(0), spreads, rtol=0.08)
    clean = estimator.predict(image[None])[0]
    np.testing.assert_allclose(smoothed_poses(poses[None])[0, :, :2], clean[:, :2], atol=0.05)


def test_the_noise_depends_on_the_seed_alone(linear, image):
    estimator, _ = linear
    first = noisy_poses(estimator, image, SIGMA, 12, seed=[1, 5], batch_size=5)
    more = noisy_poses(estimator, image, SIGMA, 20, seed=[1, 5])
    np.testing.assert_allclose(more[:12], first, atol=1e-5)
    assert not np.allclose(noisy_poses(estimator, image, SIGMA, 12, seed=[1, 6]), first)
    assert len(np.unique(more[:, 0, 0])) == 20


def test_copies_are_clipped_as_images_are(linear):
    class Recorded:
        def predict(self, x, batch_size):
            self.ends = x.min(), x.max(), x.dtype
            return np.zeros((len(x), 2, 3), np.float32)

    recorded = Recorded()
    noisy_poses(recorded, people(1, size=8)[0][0], 50.0, 4)
    assert recorded.ends == (0, 255, np.float32)


def test_no_step_within_the_certified_eps_breaks_a_certificate(linear, image):
    """The worst step of a linear model is known for each direction in which a joint can go."""
    estimator, weights = linear
    clean = estimator.predict(image[None])[0, :, :2]
    spreads = np.linalg.norm(weights, axis=-1)
    centres = (clean - 0.2 * spreads)[None].astype(np.float64)
    radii = 6 * spreads.max(-1)[None].astype(np.float64)
    smoothing = Smoothing(sigma=SIGMA, copies=3000)
    points = noisy_poses(estimator, image, SIGMA, smoothing.copies)[None, ..., :2]
    found = smoothing.certified_eps(points, centres, radii)[0]
    assert (found > 2).all()
    for joint, eps in enumerate(found):
        far = []
        for angle in np.linspace(0, 2 * np.pi, 60):
            along = np.array([np.cos(angle), np.sin(angle)]) @ weights[joint]
            step = eps * along / np.linalg.norm(along)
            moved = estimator.predict((image + step.reshape(3, 8, 8))[None].astype(np.float32))
            far.append(np.hypot(*(moved[0, joint, :2] - centres[0, joint])))
        assert max(far) < radii[0, joint]
        # The corner of a box is farther than any one step reaches, but not much.
        assert max(far) > 0.5 * radii[0, joint]


def test_an_attack_meets_the_mean_loss_over_copies():
    model = hourglass()
    plain, shown = wrap(model), wrap(model, preprocessing_defences=shown_with_noise(SIGMA, 3))
    x, y = people(2)
    x = x.clip(1, 254)  # what is clipped has no gradient
    torch.manual_seed(0)
    passed = shown.forward_passes
    first, second = shown.loss_gradient(x, y), shown.loss_gradient(x, y)
    assert shown.forward_passes - passed == 2 * 2 * 3
    assert np.abs(first - second).max() > 0, "noise is drawn anew"
    faint = wrap(model, preprocessing_defences=shown_with_noise(1e-6, 2))
    expected = plain.loss_gradient(x, y)
    np.testing.assert_allclose(faint.loss_gradient(x, y), expected, rtol=1e-2, atol=1e-8)
    goal = Goal(torch.tensor(y[..., :2]), 12 * torch.tensor(y[..., 2]))
    found = PoseAPGD(shown, norm=2, eps=40.0, max_iter=2).generate(x, y, goal)
    assert np.linalg.norm((found - x).reshape(2, -1), axis=1).max() <= 40.01
