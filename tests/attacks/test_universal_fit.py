"""The fit goes on after a stop bit for bit, and over ranks but for rounding."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from toys import hourglass, people

from hpe_art.attacks import UniversalPosePerturbation, universal_fit
from hpe_art.attacks.universal_fit import minibatches
from hpe_art.estimators import PyTorchPoseEstimator

TESTS = Path(__file__).parents[1]
RANK = """
import sys
sys.path.insert(0, {tests!r})
import numpy as np
import torch.distributed as dist
from toys import hourglass, people
from hpe_art.attacks import UniversalPosePerturbation
from hpe_art.estimators import PyTorchPoseEstimator

rank, world, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
dist.init_process_group("gloo", f"file://{{folder}}/meeting", rank=rank, world_size=world)
estimator = PyTorchPoseEstimator(hourglass(), device_type="cpu")
attack = UniversalPosePerturbation(estimator, epochs=2, batch_size=4, delta=1.0, verbose=False)
attack.fit(*people(9))
np.save(f"{{folder}}/{{rank}}.npy", attack.noise)
np.save(f"{{folder}}/passes{{rank}}.npy", estimator.backward_passes)
"""


@pytest.fixture(scope="module")
def estimator():
    return PyTorchPoseEstimator(hourglass(), device_type="cpu")


def attack_on(estimator, **options):
    options = dict(epochs=3, batch_size=2, delta=1.0, verbose=False) | options
    return UniversalPosePerturbation(estimator, **options)


class Interrupted(Exception):
    pass


def test_each_epoch_has_all_images_once():
    steps = minibatches(5, epochs=2, batch_size=2, seed=0)
    assert [len(step) for step in steps] == [2, 2, 1, 2, 2, 1]
    for epoch in (steps[:3], steps[3:]):
        assert sorted(np.concatenate(epoch)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("stopped_at", [3, 5, 8])
def test_a_stopped_fit_goes_on_bit_for_bit(estimator, tmp_path, monkeypatch, stopped_at):
    monkeypatch.setattr(universal_fit, "SAVED_EVERY", 2)
    x, y = people(6)
    whole = attack_on(estimator).fit(x, y).noise
    state, taken = tmp_path / "state.npz", []
    gradient = universal_fit._summed_gradient

    def interrupted(*given):
        taken.append(1)
        if len(taken) == stopped_at:
            raise Interrupted
        return gradient(*given)

    with monkeypatch.context() as patch:
        patch.setattr(universal_fit, "_summed_gradient", interrupted)
        with pytest.raises(Interrupted):
            attack_on(estimator).fit(x, y, state=state)
    before = estimator.backward_passes
    again = attack_on(estimator).fit(x, y, state=state)
    np.testing.assert_array_equal(again.noise, whole)
    done = (stopped_at - 1) // 2 * 2
    assert estimator.backward_passes - before == 2 * (9 - done)


@pytest.mark.parametrize(
    ("change", "named"), [(dict(seed=1), "seed"), (dict(eps=4.0, delta=0.5), "eps, delta")]
)
def test_a_state_of_another_fit_is_refused(estimator, tmp_path, monkeypatch, change, named):
    monkeypatch.setattr(universal_fit, "SAVED_EVERY", 1)
    x, y = people(2)
    state = tmp_path / "state.npz"
    attack_on(estimator, epochs=1).fit(x, y, state=state)
    with pytest.raises(ValueError, match=f"this fit in .*state.npz. Got one with another {named}:"):
        attack_on(estimator, epochs=1, **change).fit(x, y, state=state)
    state.write_bytes(b"damaged")
    with pytest.raises(ValueError, match="state of a fit in .*: delete it to begin anew"):
        attack_on(estimator, epochs=1).fit(x, y, state=state)


@pytest.mark.slow
@pytest.mark.parametrize("world", [2, 3])
def test_ranks_fit_together(estimator, tmp_path, world):
    x, y = people(9)
    alone = attack_on(estimator, epochs=2, batch_size=4).fit(x, y).noise
    script = RANK.format(tests=str(TESTS))
    ranks = [
        subprocess.Popen([sys.executable, "-c", script, str(rank), str(world), str(tmp_path)])
        for rank in range(world)
    ]
    assert [process.wait(timeout=300) for process in ranks] == [0] * world
    found = [np.load(tmp_path / f"{rank}.npy") for rank in range(world)]
    for noise in found[1:]:
        np.testing.assert_array_equal(noise, found[0])
    # As `fitted_noise` says: a sum that is nearly 0 may turn its sign, which is two steps.
    assert (np.abs(found[0] - alone) > 1e-4).mean() < 0.01
    passes = [int(np.load(tmp_path / f"passes{rank}.npy")) for rank in range(world)]
    assert sum(passes) == 18 and max(passes) < 18
