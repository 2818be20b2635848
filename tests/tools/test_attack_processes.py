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

import hpe_art.report.pictures

hpe_art.report.pictures.draw_pictures = lambda *_: 0  # they take most of the time
"""
ATTACKS = ["--attack", "noise", "fgsm", "igsm", "--both", "--max-iter", "2", "4"]
FLAGS = ["--batch-size", "1", "--device", "cpu", "--precision", "float32"]


@pytest.fixture(scope="module")
def cwd(tmp_path_factory):
    """Where all of them work."""
    return tmp_path_factory.mktemp("cwd")


@pytest.fixture(scope="module")
def start(cwd, write_config, weights):
    """`start(folder, *flags, world=, stop=, after=, within=, by=)`: processes that are running."""
    (cwd / "killer.py").write_text(KILLER)
    add = 'custom_imports = dict(imports=["hpe_art.plugin", "killer"])\n'
    add += "env_cfg = dict(dist_cfg=dict(timeout=120))\n"
    config = write_config(cwd / "tiny.py", load_from=str(weights), add=add)

    def run(folder, *flags, world=None, stop="", after=0, within=-1, by="SIGKILL", attacks=ATTACKS):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        started = []
        for rank in range(world or 1):
            environment = {
                **os.environ,
                "PYTHONPATH": f"{cwd}{os.pathsep}{REPOSITORY}",
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
                    cwd=cwd,
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


@pytest.fixture(scope="module")
def finish(start):
    """`finish(folder, ...)`: as `start`, to a good end."""

    def run(folder, *flags, **settings):
        codes, out, err = ended(start(folder, *flags, **settings))
        assert set(codes) == {0}, err
        return out, err

    return run


@pytest.fixture(scope="module")
def one(finish, cwd):
    """The folder of a run in one process that nobody stopped."""
    finish("one")
    return cwd / "one"


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


def test_the_number_of_processes_does_not_matter(finish, cwd, one):
    for world in (2, 3):
        out, err = finish(f"by {world}", world=world)
        assert_same_store(cwd / f"by {world}", one)
        assert results(cwd / f"by {world}") == results(one)
        assert [text.count("results.json;") for text in out] == [1] + [0] * (world - 1)
        assert err == ("",) * world


def test_a_process_with_nobody_to_attack(finish, cwd):
    few = ["--num-samples", "2"]
    finish("few", *few)
    finish("few by 3", *few, world=3)
    assert results(cwd / "few by 3") == results(cwd / "few")


def assert_same(folder, expected):
    assert_same_store(folder, expected)
    assert results(folder) == results(expected)


@pytest.mark.parametrize(("world", "killed", "after"), [(2, 1, 3), (3, 0, 8)])
def test_the_others_end_when_one_is_killed(start, finish, cwd, one, world, killed, after):
    folder = f"killed by {world}"
    codes, _, err = ended(start(folder, world=world, stop=str(killed), after=after))
    assert codes[killed] == -signal.SIGKILL
    for rank in set(range(world)) - {killed}:
        assert codes[rank] == 2, err[rank]
        assert "Traceback" not in err[rank]
        words = f"attack.py: error: Expected {world} processes to the end. Got fewer"
        assert err[rank].splitlines()[-1].startswith(words)
    assert not (cwd / folder / "results.json").exists()
    finish(folder, world=5 - world)
    assert_same(cwd / folder, one)


MOMENTS = [dict(within=0), dict(after=1), dict(within=4), dict(after=9), dict(within=17)]


def test_a_run_that_is_killed_again_and_again_ends_with_the_same_results(start, finish, cwd, one):
    for moment in MOMENTS:
        codes, _, err = ended(start("again", stop="0", **moment))
        assert codes == [-signal.SIGKILL], err
    finish("again")
    assert_same(cwd / "again", one)


def test_a_group_that_is_killed_whole_goes_on_with_another_number(start, finish, cwd, one):
    codes, _, err = ended(start("group", world=2, stop="0 1", after=5))
    assert codes == [-signal.SIGKILL] * 2, err
    finish("group", world=3)
    assert_same(cwd / "group", one)


def test_a_run_that_is_stopped_says_how_to_go_on(start, finish, cwd, one):
    for by, code, name in (("SIGINT", 130, "Ctrl-C"), ("SIGTERM", 143, "SIGTERM")):
        codes, _, (err,) = ended(start("stopped", stop="0", after=5, by=by))
        assert codes == [code]
        assert err == (
            f"attack.py: stopped by {name}: what was done is kept, and the same command goes on "
            "from there.\n"
        )
    finish("stopped")
    assert_same(cwd / "stopped", one)


def test_a_universal_perturbation_is_fitted_by_all(finish, cwd):
    fit = ["--attack", "uap", "--eps", "8", "--epochs", "2", "--fit-samples", "5"]
    noise = {}
    for world in (None, 2):
        folder = f"fitted by {world or 1}"
        finish(folder, "--num-samples", "3", world=world, attacks=fit)
        with np.load(cwd / folder / "perturbations" / "uap-u_eps8.npz") as file:
            noise[world] = next(array for array in file.values() if array.ndim == 3)
    assert noise[2].any()
    assert (noise[None] != noise[2]).mean() < 0.01


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
