"""Several processes at one run: how they find each other, also on CPUs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dist import all_gather_object, broadcast_object_list, get_rank, get_world_size

from hpe_art.errors import UserError

# What each launcher tells a process: its number, their number, and its number on its machine.
_VARIABLES = {
    "pytorch": ("RANK", "WORLD_SIZE", "LOCAL_RANK"),
    "slurm": ("SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID"),
    "mpi": ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"),
}
_STARTED_BY = {
    "pytorch": "torchrun --nproc-per-node N",
    "slurm": "srun",
    "mpi": "mpirun, with MASTER_ADDR set",
}
TIMEOUT = 1800
"""Seconds that a process waits for the others unless the config says otherwise."""


class LauncherError(UserError):
    """The environment is not that of the launcher; the message says how to start."""


class LostProcessError(UserError):
    """Another process of the run has ended; the message says how to go on."""


def join_processes(cfg: Config) -> None:
    """Lets the processes of the config's `launcher` find each other also without a GPU.

    MMEngine's own start takes GPUs for granted. The config gets a wrapper for the model.

    Raises:
        LauncherError: the launcher did not start this process.
    """
    launcher = cfg.get("launcher", "none")
    check_launcher(launcher)
    if launcher == "none" or torch.cuda.is_available():
        return
    if not torch.distributed.is_initialized():
        told = zip(_VARIABLES["pytorch"], _VARIABLES[launcher], strict=True)
        os.environ.update({name: os.environ[source] for name, source in told})
        os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
        os.environ.setdefault("MASTER_PORT", "29500")
        seconds = cfg.get("env_cfg", {}).get("dist_cfg", {}).get("timeout", TIMEOUT)
        torch.distributed.init_process_group("gloo", timeout=timedelta(seconds=seconds))
    cfg.model_wrapper_cfg = dict(
        type="MMDistributedDataParallel", device_ids=None, broadcast_buffers=False
    )


def check_launcher(launcher: str) -> None:
    """Raises a LauncherError, which says how to start, unless the launcher started this process."""
    missing = [name for name in _VARIABLES.get(launcher, ()) if name not in os.environ]
    if missing:
        raise LauncherError(
            f"Expected a process that {_STARTED_BY[launcher]} started for --launcher {launcher}. "
            f"Got one without {', '.join(missing)}: start it so, or leave --launcher out."
        )


def is_main() -> bool:
    """Whether this is the process that writes results and speaks."""
    return bool(get_rank() == 0)


def agreed(value: Any) -> Any:
    """The main process's value, in all of them; a LostProcessError if one has ended."""
    values = [value]
    with lost_processes_named():
        broadcast_object_list(values)
    return values[0]


@contextmanager
def together() -> Iterator[None]:
    """What each process does for itself: all go on after it, or none.

    Nothing inside may wait for another process: one that has failed waits here already. Raises
    what went wrong in this process, a UserError that names what went wrong in another one, or a
    LostProcessError if one has ended.
    """
    error, own = None, None
    try:
        yield
    except Exception as caught:
        error, own = caught, f"{type(caught).__name__}: {caught}"
        if isinstance(caught, UserError):
            own = str(caught)
    try:
        with lost_processes_named():
            words = all_gather_object(own)
    except LostProcessError as lost:
        raise error or lost from None
    if error is not None:
        raise error
    for rank, text in enumerate(words):
        if text is not None:
            raise UserError(f"Process {rank} stopped: {text}")


@contextmanager
def lost_processes_named() -> Iterator[None]:
    """For what waits for other processes: a LostProcessError if one has ended."""
    try:
        yield
    except RuntimeError as error:
        first = str(error).splitlines()[0] if str(error) else ""
        if not (isinstance(error, torch.distributed.DistError) or "gloo" in first):
            raise
        raise LostProcessError(
            f"Expected {get_world_size()} processes to the end. Got fewer: another one was "
            "stopped. What was done is kept: the same command, with any number of processes, "
            f"goes on ({first})."
        ) from error
