"""Several processes: what they agree on, and what is left when one of them is stopped."""

from __future__ import annotations

import multiprocessing
import os
import socket
from datetime import timedelta

import pytest
import torch
from mmengine.config import Config

from hpe_art.errors import UserError
from hpe_art.evaluation.processes import (
    LauncherError,
    agreed,
    check_launcher,
    join_processes,
    together,
)

ENVIRONMENT = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def alone(monkeypatch):
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("launcher", "starter", "missing"),
    [
        ("pytorch", "torchrun --nproc-per-node N", "RANK, WORLD_SIZE, LOCAL_RANK"),
        ("slurm", "srun", "SLURM_PROCID"),
        ("mpi", "mpirun", "OMPI_COMM_WORLD_RANK"),
    ],
)
def test_a_launcher_without_its_environment_is_refused(alone, launcher, starter, missing):
    words = f"{starter}.* started for --launcher {launcher}. Got one without {missing}"
    with pytest.raises(LauncherError, match=words):
        check_launcher(launcher)
    with pytest.raises(LauncherError, match=words):
        join_processes(Config(dict(launcher=launcher)))


def test_one_process_needs_no_launcher(alone):
    cfg = Config(dict(launcher="none"))
    join_processes(cfg)
    check_launcher("none")
    assert "model_wrapper_cfg" not in cfg and not torch.distributed.is_initialized()


def test_one_process_agrees_with_itself():
    assert agreed({"a": 1}) == {"a": 1}
    with together():
        pass
    with pytest.raises(KeyError, match="own"), together():
        raise KeyError("own")


def _rank(rank, world, port, told):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    torch.distributed.init_process_group(
        "gloo", rank=rank, world_size=world, timeout=timedelta(seconds=60)
    )
    told.put((rank, "agreed", agreed(f"of {rank}")))
    for kind in (UserError, KeyError):
        try:
            with together():
                if rank == 1:
                    raise kind("no room")
        except Exception as error:
            told.put((rank, kind.__name__, f"{type(error).__name__}: {error}"))
    if rank == 1:
        told.close()
        told.join_thread()
        os._exit(1)
    for name, wait in (("together", together), ("agreed again", lambda: agreed(1))):
        try:
            with wait():
                pass
        except UserError as error:
            told.put((rank, name, f"{type(error).__name__}: {error}"))


def test_all_processes_go_on_or_none():
    context = multiprocessing.get_context("spawn")
    told, port = context.Queue(), free_port()
    ranks = [context.Process(target=_rank, args=(rank, 2, port, told)) for rank in range(2)]
    for process in ranks:
        process.start()
    told_all = [told.get(timeout=90) for _ in range(8)]
    heard = {(rank, what): words for rank, what, words in told_all}
    for process in ranks:
        process.join(60)
    assert heard[0, "agreed"] == heard[1, "agreed"] == "of 0"
    assert heard[0, "UserError"] == "UserError: Process 1 stopped: no room"
    assert heard[1, "UserError"] == "UserError: no room"
    assert heard[0, "KeyError"] == "UserError: Process 1 stopped: KeyError: 'no room'"
    assert heard[1, "KeyError"] == "KeyError: 'no room'"
    for wait in ("together", "agreed again"):
        assert heard[0, wait].startswith("LostProcessError: Expected 2 processes to the end.")
        assert "the same command, with any number of processes, goes on" in heard[0, wait]
