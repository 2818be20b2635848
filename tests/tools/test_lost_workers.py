"""Worker processes that read people, and what they are too small for."""

import resource

import pytest

from hpe_art.data.workers import LONGEST_READ, bounded

SMALLER_THAN_A_CROP = 30_000


@pytest.mark.slow
def test_a_full_shared_memory_ends_a_run_in_a_line(run_tool, tmp_path):
    """A worker drops what it cannot share, and its run would wait for it for ever."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (SMALLER_THAN_A_CROP, SMALLER_THAN_A_CROP))

    flags = ["deeppose", "--attack", "fgsm", "--num-samples", "4", "--work-dir", "run"]
    options = ["--cfg-options", "test_dataloader.timeout=1", "test_dataloader.num_workers=1"]
    ended = run_tool("attack.py", *flags, *options, cwd=tmp_path, preexec_fn=limit)
    *_, last = ended.stderr.splitlines()
    assert ended.returncode == 1 and "num_workers=0 in the config's dataloader" in last
    options[-1] = "test_dataloader.num_workers=0"
    assert run_tool("attack.py", *flags, *options, cwd=tmp_path).returncode == 0


def test_workers_are_waited_for_unless_the_config_says_for_how_long():
    assert bounded("test_dataloader", {"num_workers": 2})["timeout"] == LONGEST_READ
    assert bounded("test_dataloader", {"num_workers": 2, "timeout": 7})["timeout"] == 7
    alone = bounded("test_dataloader", {"num_workers": 0, "timeout": 7, "persistent_workers": True})
    assert alone["timeout"] == 0 and not alone["persistent_workers"]


def test_settings_are_tried_without_a_word(recwarn):
    bounded("train_dataloader", {"num_workers": 1000, "batch_size": 2})
    assert not recwarn.list
