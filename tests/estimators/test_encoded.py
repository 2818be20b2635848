"""Targets are encoded once for the poses of a batch, and anew for any others."""

import numpy as np
import pytest
import torch
from art.attacks.evasion import ProjectedGradientDescent
from toys import dlcm, people

from hpe_art.attacks import PoseProjectedGradientDescent
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.estimators.adaptors import adaptor_for
from hpe_art.estimators.encoded import EncodedTargets


def counted(adaptor):
    """The adaptor, and a list that grows with each of its encodings."""
    calls = []
    targets = adaptor.targets
    adaptor.targets = lambda *given: calls.append(1) or targets(*given)
    return calls


def test_once_for_the_same_poses_and_again_for_others():
    adaptor = adaptor_for(dlcm().head)
    calls, encoded = counted(adaptor), EncodedTargets(adaptor)
    y = torch.from_numpy(people(3)[1])
    first = encoded.of(y, y, 5)
    assert encoded.of(y.clone(), y, 5) is first and len(calls) == 1
    encoded.of(y[:2], y[:2], 5)
    assert len(calls) == 2


@pytest.mark.parametrize("kind", [np.array, torch.from_numpy])
def test_joints_that_are_nowhere_are_the_same_again(kind):
    adaptor = adaptor_for(dlcm().head)
    calls, encoded = counted(adaptor), EncodedTargets(adaptor)
    poses = people(3)[1]
    poses[1, 4] = np.nan, np.nan, 0
    for _ in range(3):
        encoded.of(kind(poses.copy()), torch.from_numpy(np.nan_to_num(poses)), 5)
    assert len(calls) == 1
    encoded.of(kind(np.nan_to_num(poses)), torch.from_numpy(np.nan_to_num(poses)), 5)
    assert len(calls) == 2


def test_poses_predicted_in_inference_mode_are_taken():
    adaptor = adaptor_for(dlcm().head)
    encoded = EncodedTargets(adaptor)
    with torch.inference_mode():
        y = torch.from_numpy(people(2)[1]).clone()
    for given in (y, y.to("meta")):  # the second as on a GPU
        assert len(encoded.of(given, y.clone(), 5)) == 5
        assert len(encoded.of(given, y.clone(), 5)) == 5


def test_what_is_encoded_in_inference_mode_is_not_used_outside():
    estimator = PyTorchPoseEstimator(dlcm(), device_type="cpu")
    x, y = people(2)
    expected = estimator.loss_gradient(x, y)
    estimator = PyTorchPoseEstimator(dlcm(), device_type="cpu")
    with torch.inference_mode():
        estimator.compute_loss(x, y)
    np.testing.assert_array_equal(estimator.loss_gradient(x, y), expected)


def test_poses_changed_behind_pytorchs_back_are_seen():
    adaptor = adaptor_for(dlcm().head)
    encoded = EncodedTargets(adaptor)
    shared = people(2)[1]
    y = torch.from_numpy(shared)
    before = encoded.of(y, y, 5)
    shared[:, :, :2] += 4.0  # NumPy tells nobody
    after = encoded.of(y, y, 5)
    assert not torch.equal(before[0][0], after[0][0])


def test_poses_that_are_not_on_the_device_are_known_by_their_values():
    """As on a GPU, where those that are moved to it lie elsewhere each time."""
    adaptor = adaptor_for(dlcm().head)
    calls, encoded = counted(adaptor), EncodedTargets(adaptor)
    shared = people(2)[1]
    for _ in range(3):
        encoded.of(shared, torch.tensor(shared), 5)
    assert len(calls) == 1
    shared[:, :, :2] += 4.0
    encoded.of(shared, torch.tensor(shared), 5)
    assert len(calls) == 2


def test_the_same_poses_here_and_there_are_told_apart():
    """As on a GPU, where an attack moves to it what a caller has scored before."""
    adaptor = adaptor_for(dlcm().head)
    calls, encoded = counted(adaptor), EncodedTargets(adaptor)
    y = torch.from_numpy(people(2)[1])
    for given in (y, y.to("meta"), y):
        encoded.of(given, y, 5)
    assert len(calls) == 3


@pytest.mark.parametrize(
    ("attack", "count"), [(PoseProjectedGradientDescent, 4), (ProjectedGradientDescent, 2)]
)
def test_an_attack_encodes_each_batch_once(attack, count):
    x, y = people(count)  # ART's own takes all batches a step further, then all another
    estimator = PyTorchPoseEstimator(dlcm(), device_type="cpu")
    calls = counted(estimator._adaptor)
    options = dict(eps=8, eps_step=2, max_iter=5, batch_size=2, verbose=False)
    attack(estimator, **options).generate(x, y)
    assert len(calls) == count / 2
