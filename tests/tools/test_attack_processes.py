"""`--launcher pytorch`: several processes at one run, and what is left when they are killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hpe_art.evaluation.result_files import read_results
from hpe_art.evaluation.store import Store

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parents[2]
TOOL = str(REPOSITORY / "tools" / "attack.py")
SECONDS = 240
"""After which a process that still waits counts as hanging."""
KILLER = """\
import os, signal
import hpe_art.evaluation.store as store
import hpe_art.files as files

def die():
    os.kill(os.getpid(), getattr(signal, os.environ["STOP_BY"]))

add, replace, shards = store.Store.add, os.replace, []

def counted(self, *shard):
    shards.append(shard)
    add(self, *shard)
    if len(shards) == int(os.environ["STOP_AFTER"]):
        die()

def cut_short(part, path):
    if len(shards) == int(os.environ["STOP_IN"]):
        die()
    replace(part, path)

if os.environ.get("RANK", "0") in os.environ.get("STOP_RANKS", "").split():
    store.Store.add = counted
    os.replace = cut_short
"""
ATTACKS = ["--attack", "noise", "fgsm", "igsm", "--both", "--max-iter", "2", "4"]
FLAGS = ["--batch-size", "1", "--device", "cpu", "--precision", "float32"]


@pytest.fixture
def start(tmp_path, write_config, weights):
    """`start(folder, *flags, world=, stop=, after=, within=, by=)`: processes that are running."""
    (tmp_path / "killer.py").write_text(KILLER)
    add = 'custom_imports = dict(imports=["hpe_art.plugin", "killer"])\n'
    add += "env_cfg = dict(dist_cfg=dict(timeout=120))\n"
    config = write_config(tmp_path / "tiny.py", load_from=str(weights), add=add)

    def run(folder, *flags, world=None, stop="", after=0, within=0, by="SIGKILL", attacks=ATTACKS):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        started = []
        for rank in range(world or 1):
            environment = {
                **os.environ,
                "PYTHONPATH": f"{tmp_path}{os.pathsep}{REPOSITORY}",
                "OMP_NUM_THREADS": "1",
                "STOP_RANKS": stop,
                "STOP_AFTER": str(after),
                "STOP_IN": str(within),
                "STOP_BY": by,
            }
            launcher = []
            if world:
                launcher = ["--launcher", "pytorch"]
                environment |= {"RANK": str(rank), "LOCAL_RANK": str(rank)}
                environment |= {"WORLD_SIZE": str(world), "MASTER_ADDR": "127.0.0.1"}
                environment["MASTER_PORT"] = str(port)
            started.append(
                subprocess.Popen(
                    [
                        sys.executable,
                        TOOL,
                        str(config),
                        *attacks,
                        *FLAGS,
                        *flags,
                        "--out",
                        folder,
                        *launcher,
                    ],
                    cwd=tmp_path,
                    env=environment,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
        return started

    return run


def ended(processes):
    """Exit codes, and what was printed to each stream."""
    printed = [process.communicate(timeout=SECONDS) for process in processes]
    return [process.returncode for process in processes], *zip(*printed, strict=True)


@pytest.fixture
def finish(start):
    """`finish(folder, ...)`: as `start`, to a good end."""

    def run(folder, *flags, **settings):
        codes, out, err = ended(start(folder, *flags, **settings))
        assert set(codes) == {0}, err
        return out, err

    return run


def results(folder):
    """All of results.json but when, how long, and in how many processes."""
    (run,) = read_results(folder).runs.values()
    found = run.model_dump(exclude={"started", "seconds", "phases", "arguments"})
    for attack in found["attacks"]:
        attack.pop("seconds")
    return found


def assert_same_store(folder, expected):
    found, wanted = Store(folder / "store"), Store(expected / "store")
    keys = sorted(path.parent.name for path in wanted.folder.glob("*/000000-*.npz"))
    assert keys == sorted(path.parent.name for path in found.folder.glob("*/000000-*.npz"))
    for key in keys:
        index = np.arange(6)
        np.testing.assert_array_equal(found.gathered(key, index), wanted.gathered(key, index))
    assert not list(found.folder.glob("*/.*.part"))


def test_the_number_of_processes_does_not_matter(finish, tmp_path):
    finish("one")
    for world in (2, 3):
        out, err = finish(f"by {world}", world=world)
        assert_same_store(tmp_path / f"by {world}", tmp_path / "one")
        assert results(tmp_path / f"by {world}") == results(tmp_path / "one")
        assert [text.count("results.json;") for text in out] == [1] + [0] * (world - 1)
        assert err == ("",) * world


def test_a_process_with_nobody_to_attack(finish, tmp_path):
    flags = ["--num-samples", "2"]
    finish("one", *flags)
    finish("three", *flags, world=3)
    assert results(tmp_path / "three") == results(tmp_path / "one")


@pytest.mark.parametrize(("world", "killed", "after"), [(2, 1, 3), (3, 0, 8)])
def test_the_others_end_when_one_is_killed(start, finish, tmp_path, world, killed, after):
    finish("one")
    codes, _, err = ended(start("run", world=world, stop=str(killed), after=after))
    assert codes[killed] == -signal.SIGKILL
    for rank in set(range(world)) - {killed}:
        assert codes[rank] == 2, err[rank]
        last = err[rank].splitlines()[-1]
        assert last.startswith(
            f"attack.py: error: Expected {world} processes to the end. Got fewer"
        )
        assert "Traceback" not in err[rank]
    assert not (tmp_path / "run" / "results.json").exists()
    finish("run", world=5 - world)
    assert_same_store(tmp_path / "run", tmp_path / "one")
    assert results(tmp_path / "run") == results(tmp_path / "one")


MOMENTS = [dict(after=1), dict(within=4), dict(after=9), dict(within=17), dict(after=30)]


def test_a_run_that_is_killed_again_and_again_ends_with_the_same_results(start, finish, tmp_path):
    finish("one")
    for moment in MOMENTS:
        codes, _, err = ended(start("run", stop="0", **moment))
        assert codes == [-signal.SIGKILL], err
    finish("run")
    assert_same_store(tmp_path / "run", tmp_path / "one")
    assert results(tmp_path / "run") == results(tmp_path / "one")


def test_a_group_that_is_killed_whole_goes_on_with_another_number(start, finish, tmp_path):
    finish("one")
    codes, _, err = ended(start("run", world=2, stop="0 1", after=5))
    assert codes == [-signal.SIGKILL] * 2, err
    finish("run", world=3)
    assert_same_store(tmp_path / "run", tmp_path / "one")
    assert results(tmp_path / "run") == results(tmp_path / "one")


@pytest.mark.parametrize(
    ("by", "code", "name"), [("SIGINT", 130, "Ctrl-C"), ("SIGTERM", 143, "SIGTERM")]
)
def test_a_run_that_is_stopped_says_how_to_go_on(start, finish, tmp_path, by, code, name):
    codes, _, err = ended(start("run", stop="0", after=5, by=by))
    assert codes == [code]
    assert err == (
        f"attack.py: stopped by {name}: what was done is kept, and the same command goes on "
        "from there.\n",
    )
    finish("run")


def test_a_universal_perturbation_is_fitted_by_all(finish, tmp_path):
    fit = ["--attack", "uap", "--eps", "8", "--epochs", "2", "--fit-samples", "5"]
    noise = {}
    for folder, world in (("one", None), ("two", 2)):
        finish(folder, "--num-samples", "3", world=world, attacks=fit)
        with np.load(tmp_path / folder / "perturbations" / "uap-u_eps8.npz") as file:
            noise[folder] = next(a for a in file.values() if a.ndim == 3)
    off = np.abs(noise["one"] - noise["two"]) > 1e-3
    assert off.mean() < 0.01
    assert np.abs(noise["one"]).max() == 8


def test_torchrun_starts_them(tmp_path, config):
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command += ["--master-port", str(port), TOOL, str(config), "--attack", "noise"]
    done = subprocess.run(
        [*command, "--device", "cpu", "--launcher", "pytorch"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "results" / "tiny" / "results.json").read_text())
    assert [attack["name"] for attack in document["runs"]["tiny"]["attacks"]] == ["NOISE"]
