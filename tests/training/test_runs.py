"""What stops training is said in a sentence, and a fault of the program keeps its traceback."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from hpe_art.errors import UserError
from hpe_art.training import StoppedError, train


@pytest.fixture
def runner(tmp_path):
    """Does `iterations` and fails with `error`."""

    def run():
        for _ in range(runner.iterations):
            runner.hooks[0].after_train_iter(runner, 0, None, {"loss": torch.tensor(1.0)})
        raise runner.error

    runner = SimpleNamespace(
        hooks=[],
        iterations=0,
        log_dir=str(tmp_path / "log"),
        work_dir=str(tmp_path),
        model=torch.nn.Linear(3, 2),
        train=run,
    )
    runner.register_hook = runner.hooks.append
    return runner


def test_a_disk_that_is_full(runner):
    runner.iterations, runner.error = 5, OSError(28, "No space left on device")
    with pytest.raises(StoppedError, match="Got .*No space left on device. No checkpoint is kept"):
        train(runner)


def test_what_fails_in_the_first_iteration_does_not_fit(runner, tmp_path):
    runner.error = RuntimeError("mat1 and mat2 shapes cannot be multiplied")
    file = tmp_path / "log" / "traceback.txt"
    words = f"Expected a config .* Got RuntimeError: mat1 and .* \\(all of it is in {file}\\)"
    with pytest.raises(UserError, match=words):
        train(runner)
    assert "raise runner.error" in file.read_text()


def test_what_fails_later_is_a_fault_of_the_program(runner, tmp_path):
    runner.iterations, runner.error = 1, RuntimeError("later")
    with pytest.raises(RuntimeError, match="later"):
        train(runner)
    assert not (tmp_path / "log").exists()
