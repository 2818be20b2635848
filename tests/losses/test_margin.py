"""The losses that ask what the metric asks, on a map of 5 x 5 cells written by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from losses.maps import COUNTED, SIZE, Head, goal_of, maps
from toys import LinearPose, hourglass, people, regression

from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.gradients import GradientWarning
from hpe_art.losses import LOSSES, Goal
from hpe_art.losses.margin import BEYOND, SHARPNESS


def loss_of(name, output, goal, **kwargs):
    y = torch.full((1, goal.radii.shape[1], 3), 2.0, dtype=output.dtype)
    head = Head(goal.to(output.device, output.dtype), **kwargs)
    return LOSSES.get(name)([output], y, head)


def gradient_of(name, output, goal, **kwargs):
    output = output.clone().requires_grad_()
    loss_of(name, output, goal, **kwargs).sum().backward()
    return output.grad


def test_the_margin_is_that_of_the_maxima_and_its_gradient_of_smooth_ones():
    np.testing.assert_allclose(loss_of("margin", maps(), goal_of()), [0.6 - 1.0], rtol=1e-6)
    gradient = gradient_of("margin", maps(), goal_of())[0, 0]
    within, beyond = np.exp(SHARPNESS) + 4, np.exp(0.6 * SHARPNESS) + 19
    np.testing.assert_allclose(gradient[2, 2], -np.exp(SHARPNESS) / within)
    np.testing.assert_allclose(gradient[0, 0], np.exp(0.6 * SHARPNESS) / beyond)
    np.testing.assert_allclose(gradient[4, 4], 1 / beyond)
    np.testing.assert_allclose(gradient[2, 1], -1 / within)
    np.testing.assert_allclose(gradient.sum(), 0.0, atol=1e-9)


def test_the_cross_entropy_is_that_of_the_circle():
    weights = np.exp(SHARPNESS) + 4, np.exp(0.6 * SHARPNESS) + 19
    found = loss_of("cross_entropy", maps(), goal_of())
    np.testing.assert_allclose(found, [-np.log(weights[0] / sum(weights))], rtol=1e-6)


def test_the_cosine_weighs_the_squared_error():
    output, target = maps(), torch.zeros(SIZE, SIZE, dtype=torch.float64)
    target[2, 2] = 1.0
    likeness = torch.cosine_similarity(
        output.flatten().softmax(0), target.flatten().softmax(0), dim=0
    )
    np.testing.assert_allclose(
        loss_of("cosine", output, goal_of()), [0.36 / COUNTED * likeness], rtol=1e-6
    )
    expected = 2 * 0.6 / COUNTED * likeness  # the weight has no gradient
    np.testing.assert_allclose(gradient_of("cosine", output, goal_of())[0, 0, 0, 0], expected)


def test_the_distance_has_a_hinge_a_little_beyond_the_circle():
    points = torch.tensor([[[5.0, 6.0]]], dtype=torch.float64)  # 5 pixels away
    for name in ("distance", "margin"):
        near, far = goal_of(10.0), goal_of(3.0)
        assert loss_of(name, points, far, maps=False).tolist() == [pytest.approx(BEYOND)]
        assert not gradient_of(name, points, far, maps=False).any()
        assert gradient_of(name, points, near, maps=False).all()
    np.testing.assert_allclose(loss_of("distance", points, goal_of(10.0), maps=False), [0.5 - 1])
    # Rounded off below a pixel, so that there is a gradient at 0.
    rounded = (np.sqrt(26) - 1) / (np.sqrt(101) - 1) - 1
    np.testing.assert_allclose(loss_of("margin", points, goal_of(10.0), maps=False), [rounded])


@pytest.mark.parametrize("radius", [0.5, 3.0])
def test_coordinates_are_at_the_boundary_where_the_metric_has_it(radius):
    points = 2 + torch.tensor([[[0.6, 0.8]]], dtype=torch.float64) * radius
    for targeted in (False, True):
        goal = goal_of(radius, targeted)
        assert loss_of("margin", points, goal, maps=False).item() == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("name", ["margin", "cross_entropy", "distance"])
@pytest.mark.parametrize("targeted", [False, True])
def test_gradients_are_finite_differences(name, targeted):
    torch.manual_seed(0)
    places = name != "cross_entropy"
    shape = (1, 2, 2) if places else (1, 2, SIZE, SIZE)
    output = torch.rand(shape, dtype=torch.float64, requires_grad=True)
    goal = goal_of(3.0 if places else 1.2, targeted, joints=2)
    assert torch.autograd.gradcheck(lambda o: loss_of(name, o, goal, maps=not places), output)


def test_a_joint_at_its_goal_pulls_no_more():
    lost = maps()
    lost[:, :, 0, 0] = 1.0 + 2 * BEYOND
    assert loss_of("margin", lost, goal_of()).tolist() == [pytest.approx(BEYOND)]
    assert not gradient_of("margin", lost, goal_of()).any()
    # Towards a target the sign is turned: it is at its goal within.
    assert gradient_of("margin", lost, goal_of(targeted=True)).any()
    assert loss_of("margin", maps(), goal_of(targeted=True)).tolist() == [pytest.approx(-BEYOND)]
    assert not gradient_of("margin", maps(), goal_of(targeted=True)).any()


@pytest.mark.parametrize("name", ["margin", "cross_entropy"])
def test_a_joint_that_does_not_count_says_nothing(name):
    goal = goal_of(joints=2)
    goal.radii[0, 1] = 0.0
    both = maps(2)
    both[:, 1] = torch.rand(SIZE, SIZE)
    found, alone = loss_of(name, both, goal), loss_of(name, maps(), goal_of())
    np.testing.assert_allclose(found, alone)
    assert not gradient_of(name, both, goal)[:, 1].any()


def test_a_circle_smaller_than_a_cell_has_the_nearest_one():
    goal = Goal(torch.full((1, 1, 2), 2.4), torch.full((1, 1), 0.1))
    assert gradient_of("margin", maps(), goal)[0, 0, 2, 2] < -0.99


def test_outputs_are_summed_and_those_of_bones_left_out():
    goal, head = goal_of(), Head(goal_of())
    outputs = [maps().float(), torch.rand(1, 7, SIZE, SIZE), maps().float()]
    found = LOSSES.get("margin")(outputs, torch.zeros(1, 1, 3), head)
    np.testing.assert_allclose(found, 2 * loss_of("margin", maps(), goal), rtol=1e-5)


def test_a_goal_says_who_is_where():
    centres, radii = torch.zeros(1, 4, 2), torch.tensor([[5.0, 5.0, 0.0, 5.0]])
    poses = torch.tensor([[[3.0, 4.0, 1], [3.0, 3.9, 1], [9.0, 9.0, 1], [np.nan, 0, 1]]])
    assert Goal(centres, radii).reached(poses).tolist() == [[True, False, False, True]]
    assert Goal(centres, radii, True).reached(poses).tolist() == [[False, True, False, False]]
    assert Goal(centres, radii).counts.tolist() == [[True, True, False, True]]
    with pytest.raises(ValueError, match=r"centres \(N, K, 2\).* Got \(1, 4, 3\) and \(1, 4\)"):
        Goal(torch.zeros(1, 4, 3), radii)


@pytest.mark.parametrize("name", ["margin", "cross_entropy"])
def test_a_loss_without_its_goal_says_so(name):
    estimator = PyTorchPoseEstimator(hourglass(), device_type="cpu")
    x, y = people(2)
    with pytest.raises(ValueError, match=f"Expected a goal for the loss {name}.* Got None"):
        estimator.objective(y, loss=name).gradient(x)
    goal = SimpleNamespace(radii=torch.zeros(3, 16), to=lambda *where: None)
    with pytest.raises(ValueError, match=r"goal of \(2, 16\) joints. Got \(3, 16\)"):
        estimator.objective(y, loss=name, goal=goal)


@pytest.mark.parametrize("name", ["cross_entropy", "cosine"])
def test_a_head_without_cells_says_so(name):
    estimator = PyTorchPoseEstimator(regression(), device_type="cpu")
    x, y = people(2)
    goal = Goal(torch.as_tensor(y[..., :2]), torch.ones(2, 16))
    with pytest.raises(
        ValueError, match="head of heatmaps or SimCC for a loss over cells.*coordinates"
    ):
        estimator.objective(y, loss=name, goal=goal).gradient(x)


def test_one_pass_gives_loss_gradient_and_poses():
    estimator = PyTorchPoseEstimator(LinearPose(), device_type="cpu")
    x, y = people(2, size=8, joints=2)
    found = estimator.objective(y).evaluate(x)
    np.testing.assert_array_equal(found.losses, estimator.compute_loss(x, y))
    with pytest.warns(GradientWarning, match="zero for 2"):  # all joints lie off the images
        np.testing.assert_array_equal(found.gradients, estimator.loss_gradient(x, y))
    np.testing.assert_array_equal(found.poses, estimator.predict(x))
