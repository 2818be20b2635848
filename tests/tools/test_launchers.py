"""The scripts that start several processes: what they run, without running it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / "tools"
RUN = "-m torch.distributed.run --nnodes {} --node_rank {} --nproc_per_node 3"
SRUN = "--partition gpu --job-name robust --ntasks {} --ntasks-per-node {} --gres gpu:{}"


@pytest.fixture
def start(tmp_path):
    """`start("dist_attack.sh", *arguments, **environment)`: its process, and what it would run."""
    for program in ("python", "srun"):
        path = tmp_path / program
        path.write_text(f'#!/usr/bin/env bash\nprintf "%s\\n" {program} "$@"\n')
        path.chmod(0o755)
    path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])

    def run(script, *arguments, **environment):
        done = subprocess.run(
            [TOOLS / script, *arguments],
            env={"PATH": path, **environment},
            capture_output=True,
            text=True,
        )
        return done, done.stdout.splitlines()

    return run


def words(text):
    return text.split()


def test_processes_of_one_machine(start):
    _, ran = start("dist_attack.sh", "my config.py", "3", "weights.pth", "--eps", "4")
    program, local = words("python " + RUN.format(1, 0)), words("--master_addr 127.0.0.1")
    assert ran[: len(program) + 4] == [*program, *local, *words("--master_port 29500")]
    attack = [str(TOOLS / "attack.py"), "my config.py", "weights.pth", "--eps", "4"]
    assert ran[len(program) + 4 :] == [*attack, "--launcher", "pytorch"]


def test_processes_of_several_machines(start):
    node = dict(NNODES="2", NODE_RANK="1", MASTER_ADDR="node0", PORT="1234")
    _, ran = start("dist_study.sh", "3", "--quick", **node)
    tool = f"{TOOLS / 'study.py'} --quick --launcher pytorch"
    there = "--master_addr node0 --master_port 1234"
    assert ran == words(f"python {RUN.format(2, 1)} {there} {tool}")


@pytest.mark.parametrize(
    ("environment", "counts", "more"),
    [
        ({}, (8, 8, 8), "--cpus-per-task 5 --kill-on-bad-exit=1"),
        ({"GPUS": "2"}, (2, 2, 2), "--cpus-per-task 5 --kill-on-bad-exit=1"),
        (
            dict(GPUS="16", GPUS_PER_NODE="4", CPUS_PER_TASK="3", SRUN_ARGS="--mem 1G --exclusive"),
            (16, 4, 4),
            "--cpus-per-task 3 --kill-on-bad-exit=1 --mem 1G --exclusive",
        ),
    ],
)
@pytest.mark.parametrize(
    ("script", "given", "tool"),
    [
        ("slurm_attack.sh", "c.py w.pth --eps 4", "attack.py c.py w.pth --eps 4"),
        ("slurm_study.sh", "--quick", "study.py --quick"),
    ],
)
def test_slurm_jobs(start, script, given, tool, environment, counts, more):
    _, ran = start(script, "gpu", "robust", *words(given), **environment)
    command = f"srun {SRUN.format(*counts)} {more} python -u {TOOLS}/{tool} --launcher slurm"
    assert ran == words(command)


@pytest.mark.parametrize(
    ("script", "given", "usage"),
    [
        ("dist_attack.sh", ["c.py"], "CONFIG NPROC"),
        ("dist_study.sh", [], "NPROC"),
        ("slurm_attack.sh", ["gpu", "robust"], "PARTITION JOB CONFIG"),
        ("slurm_study.sh", ["gpu"], "PARTITION JOB"),
    ],
)
def test_too_few_arguments_are_named(start, script, given, usage):
    done, ran = start(script, *given)
    assert done.returncode == 2 and ran == []
    assert usage in done.stderr
