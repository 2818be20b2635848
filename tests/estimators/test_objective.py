"""The objective: its loss and gradient are the estimator's, and its targets are encoded once."""

import numpy as np
import pytest
import torch
from toys import LinearPose, dlcm, hourglass, people, regression, wrap

from hpe_art.attacks import PoseProjectedGradientDescent
from hpe_art.estimators.heads import head_adaptor

NETWORKS = {"hourglass": hourglass, "dlcm": dlcm, "regression": regression}


def counted(head):
    """A list that grows with each encoding by the adaptor of a head."""
    calls = []
    targets = head.targets
    head.targets = lambda *given: calls.append(1) or targets(*given)
    return calls


@pytest.mark.parametrize("outputs", ["last", "all"])
@pytest.mark.parametrize("network", NETWORKS)
def test_loss_and_gradient_are_the_estimators(network, outputs):
    estimator = wrap(NETWORKS[network]())
    x, y = people(3)
    objective = estimator.objective(y, outputs=outputs)
    pixels = torch.from_numpy(x).requires_grad_()
    losses = objective(pixels)
    (gradient,) = torch.autograd.grad(losses.sum(), pixels)
    twin = wrap(NETWORKS[network](), outputs=outputs)
    np.testing.assert_array_equal(losses.detach(), twin.compute_loss(x, y))
    np.testing.assert_array_equal(gradient, twin.loss_gradient(x, y))
    np.testing.assert_array_equal(objective.gradient(x), gradient)
    assert estimator.outputs == "last"


def test_passes_are_counted_on_the_estimator():
    estimator = wrap(hourglass(), flip_test=True)
    x, y = people(3)
    objective = estimator.objective(y)
    assert (estimator.forward_passes, estimator.backward_passes) == (0, 0)
    objective.gradient(x)
    assert (estimator.forward_passes, estimator.backward_passes) == (6, 6)
    objective(torch.from_numpy(x))
    assert (estimator.forward_passes, estimator.backward_passes) == (12, 6)


@pytest.mark.parametrize("network", [hourglass, regression])
def test_without_gradients_losses_and_poses_are_those_of_the_model(network):
    estimator = wrap(network(), precision="folded")
    x, y = people(3)
    before = estimator.backward_passes
    found = estimator.objective(y).evaluate(x, with_gradients=False)
    np.testing.assert_array_equal(found.losses, estimator.compute_loss(x, y))
    np.testing.assert_array_equal(found.poses, estimator.predict(x))
    assert not found.gradients.requires_grad and found.gradients.shape == (3,)
    assert estimator.backward_passes == before


def test_precision_of_its_own_leaves_the_estimator_as_it_is():
    x, y = people(2)
    estimator = wrap(hourglass(), precision="bfloat16")
    exact = estimator.objective(y, precision="float32").gradient(x)
    np.testing.assert_array_equal(exact, wrap(hourglass()).loss_gradient(x, y))
    assert estimator.precision == "bfloat16"
    assert not np.array_equal(exact, estimator.loss_gradient(x, y))


def test_a_loss_of_its_own_is_used_instead_of_the_estimators():
    """The loss is one coordinate of a linear model: its gradient is the row of the weight."""
    estimator = wrap(LinearPose())
    x, y = people(2, size=8, joints=2)
    found = estimator.objective(y, loss=lambda outputs, y, head: outputs[-1][:, 0, 0]).gradient(x)
    row = estimator.model.linear.weight.detach()[0].reshape(1, 3, 8, 8)
    torch.testing.assert_close(found, row.expand(2, -1, -1, -1))
    assert estimator.loss == "training"


def test_the_distance_is_that_of_the_poses():
    estimator = wrap(LinearPose())
    x, _ = people(2, size=8, joints=2)
    poses = estimator.predict(x)
    y = poses.copy()
    y[0, 0, :2] += 3.0, 4.0
    y[1, 1] = 0.0  # does not count
    y[1, 0, :2] += 30.0, 40.0
    objective = estimator.objective(y, loss="distance")
    values = objective(torch.from_numpy(x))
    # Rounded off below a pixel, as `CoordinateAdaptor.distances` says.
    expected = [(np.sqrt(26) - 1) / 2, np.sqrt(2501) - 1]
    np.testing.assert_allclose(values, expected, rtol=1e-4)
    distances = objective.distances(torch.from_numpy(x))
    np.testing.assert_allclose(distances[0], [np.sqrt(26) - 1, 0], rtol=1e-3, atol=1e-4)


def test_a_loss_that_asks_for_other_targets_gets_them():
    def shifted(outputs, y, head):
        return head.loss(0, outputs[0], head.targets(y + y.new_tensor([4.0, 0, 0]), 1)[0])

    x, y = people(2)
    estimator = wrap(hourglass())
    moved = y + np.float32([4, 0, 0])
    found = estimator.objective(y, loss=shifted)(torch.from_numpy(x))
    np.testing.assert_array_equal(found, estimator.compute_loss(x, moved))


def test_targets_are_encoded_once_for_all_steps_and_losses():
    estimator = wrap(dlcm())
    calls = counted(estimator.head)
    x, y = people(3)
    objective = estimator.objective(y)
    for _ in range(3):
        objective.gradient(x)
    objective(torch.from_numpy(x))
    assert len(calls) == 1


def test_an_attack_encodes_each_batch_once():
    estimator = wrap(dlcm())
    calls = counted(estimator.head)
    PoseProjectedGradientDescent(
        estimator, eps=8, eps_step=2, max_iter=5, batch_size=2, verbose=False
    ).generate(*people(4))
    assert len(calls) == 2


def test_poses_that_change_afterwards_do_not_count():
    x, y = people(2)
    shared = y.copy()
    objective = wrap(dlcm()).objective(shared)
    shared[..., :2] += 4.0
    np.testing.assert_array_equal(objective.gradient(x), wrap(dlcm()).loss_gradient(x, y))


def test_what_is_made_in_inference_mode_is_good_outside():
    estimator = wrap(dlcm())
    x, y = people(2)
    expected = estimator.loss_gradient(x, y)
    with torch.inference_mode():
        objective = estimator.objective(torch.from_numpy(y).clone())
        objective(torch.from_numpy(x))
    np.testing.assert_array_equal(objective.gradient(x), expected)


def test_joints_that_are_nowhere_do_not_count():
    x, y = people(2)
    y[1, 4] = 0
    unknown = y.copy()
    unknown[1, 4] = np.nan, np.inf, 0
    estimator = wrap(hourglass())
    found = estimator.objective(unknown).gradient(x)
    np.testing.assert_array_equal(found, estimator.objective(y).gradient(x))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda e, x, y: e.objective(y, loss="mse"), "registered loss, out of .*Got 'mse'"),
        (lambda e, x, y: e.objective(y, outputs="first"), "'last' or 'all'. Got 'first'"),
        (lambda e, x, y: e.objective(y, precision="half"), "precision out of .* Got 'half'"),
        (lambda e, x, y: e.objective(y[:, 0]), r"y of shape \(N, K, 3\).* Got \(3, 3\)"),
        (lambda e, x, y: e.objective(y).gradient(x[:2]), r"\(3, 3, 32, 32\), as y. Got \(2, 3"),
    ],
)
def test_wrong_use_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(wrap(hourglass()), *people(3))


def test_levels_with_targets_of_their_own_are_not_guessed():
    model = hourglass()
    model.head.level_indices = [0, 1]
    with pytest.raises(ValueError, match="Got all outputs: give the head attack_targets"):
        wrap(model).objective(people(2)[1], outputs="all")
    assert head_adaptor(model.head).only_last
