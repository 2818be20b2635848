"""Interrupts runs at random moments: `python tests/soak/run.py --minutes 120`.

Each round begins a run in an empty folder, stops it at random moments by Ctrl-C, SIGTERM, SIGKILL
or a disk that is full, and starts the same command again until it ends. While it runs, another
thread reads what is in its folder. What it leaves must be what an undisturbed run leaves.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1])]

from soak.jobs import JOBS, ROOT, Job

SIGNALS = {"Ctrl-C": signal.SIGINT, "SIGTERM": signal.SIGTERM, "SIGKILL": signal.SIGKILL}
FULL_DISK = "full disk"
# Before the command's own door is open, Python dies of the signal itself, or of its traceback.
CODES = {"Ctrl-C": (130, -2), "SIGTERM": (143, -15), "SIGKILL": (-9,), FULL_DISK: (1,)}
HANGS = 600
"""Seconds after which a run has hung."""
GONE = 10
"""Seconds after which its workers must have seen that it is gone."""


class Fault(Exception):
    """Something that no interruption may do."""


def begin(command: list[str], log: Path, largest: int | None = None) -> subprocess.Popen[bytes]:
    """Starts a run in a process group of its own; `largest`: bytes that a file may have."""

    def prepare() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell has what it starts with & ignore it
        if largest is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))

    scratch = scratch_of(log)
    scratch.mkdir(exist_ok=True)
    # PyTorch's compiler makes its cache, which is for all runs, where its modules are imported.
    places = {"TMPDIR": str(scratch), "TORCHINDUCTOR_CACHE_DIR": f"{scratch}.compiled"}
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **places}
    with log.open("wb") as file:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=file,
            start_new_session=True,
            preexec_fn=prepare,
        )


def scratch_of(log: Path) -> Path:
    """Where a run of this log has its temporary files."""
    return log.with_suffix(".tmp")


def ended(run: subprocess.Popen[bytes], log: Path) -> int:
    """The exit code of a run that is to end soon; a Fault if it hangs or leaves a process."""
    try:
        code = run.wait(HANGS)
    except subprocess.TimeoutExpired:
        os.killpg(run.pid, signal.SIGKILL)
        raise Fault(f"hangs: {log.read_text()[-500:]}") from None
    deadline = time.monotonic() + GONE
    while _is_there(run.pid):
        if time.monotonic() > deadline:
            os.killpg(run.pid, signal.SIGKILL)
            raise Fault("leaves processes behind")
        time.sleep(0.05)
    left = [path.name for path in scratch_of(log).iterdir()]
    shutil.rmtree(scratch_of(log))
    if left and code != -signal.SIGKILL:
        raise Fault(f"leaves temporary files behind: {left[0]}")
    return code


def _is_there(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def reader(folder: Path) -> Iterator[list[str]]:
    """Reads all JSON below a folder again and again; gives what could not be read."""
    faults: list[str] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.wait(0.05):
            for path in folder.glob("*.json"):
                try:
                    json.loads(path.read_text())
                except FileNotFoundError:
                    continue
                except ValueError as error:
                    faults.append(f"{path.name} is half a file: {error}")

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield faults
    finally:
        stop.set()
        thread.join()


def one_round(
    job: Job, folder: Path, seconds: float, draw: random.Random, most: int = 3
) -> Counter[str]:
    """A run that is interrupted up to `most` times and then ends; what was done to it."""
    done: Counter[str] = Counter()
    log = folder.with_suffix(".log")
    with reader(folder) as faults:
        for again in range(draw.randint(1, most)):
            how = draw.choice([*SIGNALS, FULL_DISK])
            full = int(10 ** draw.uniform(2, 6)) if how == FULL_DISK else None
            run = begin(job.command(folder, bool(again)), log, full)
            if how in SIGNALS:
                try:
                    run.wait(draw.uniform(0, seconds))
                except subprocess.TimeoutExpired:
                    run.send_signal(SIGNALS[how])
            code = ended(run, log)
            young = how == "Ctrl-C" and log.read_text().rstrip().endswith("KeyboardInterrupt")
            if code not in (0, *CODES[how]) and not young:
                raise Fault(f"ends with {code} after {how}: {log.read_text()[-1500:]}")
            done[how if code else "too late"] += 1
        run = begin(job.command(folder, True), log)
        if code := ended(run, log):
            raise Fault(f"does not go on, ends with {code}: {log.read_text()[-1500:]}")
    if faults:
        raise Fault(faults[0])
    if left := [path.name for path in folder.rglob("*.part")]:
        raise Fault(f"leaves {left[0]}")
    return done


def main() -> int:
    """Goes on for as long as is asked for; gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10, help="[10]")
    parser.add_argument("--rounds", type=int, default=10**9, help="at most [no bound]")
    parser.add_argument("--most", type=int, default=3, help="interruptions in a round [3]")
    parser.add_argument("--only", nargs="+", choices=JOBS, default=list(JOBS), help="[all]")
    parser.add_argument("--seed", type=int, default=0, help="of moments and signals [0]")
    parser.add_argument("--out", type=Path, default=Path("results/soak"), help="[results/soak]")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    begun, draw = time.monotonic(), random.Random(args.seed)
    expected, seconds = {}, {}
    for name in args.only:
        folder, start = args.out / f"{name}-undisturbed", time.monotonic()
        shutil.rmtree(folder, ignore_errors=True)
        run = begin(JOBS[name].command(folder, False), folder.with_suffix(".log"))
        if code := ended(run, folder.with_suffix(".log")):
            print(f"{name} ends with {code}: {folder.with_suffix('.log').read_text()[-1500:]}")
            return 1
        expected[name], seconds[name] = JOBS[name].numbers(folder), time.monotonic() - start
    done: Counter[str] = Counter()
    faults, rounds = [], 0
    while time.monotonic() - begun < 60 * args.minutes and rounds < args.rounds:
        name = args.only[rounds % len(args.only)]
        folder, rounds = args.out / name, rounds + 1
        shutil.rmtree(folder, ignore_errors=True)
        try:
            done += one_round(JOBS[name], folder, seconds[name], draw, args.most)
            if JOBS[name].numbers(folder) != expected[name]:
                raise Fault("ends in other numbers than undisturbed")
        except Fault as fault:
            faults.append(f"{name}, round {rounds}: {fault}")
            print(faults[-1], flush=True)
            for left in (folder, folder.with_suffix(".log")):
                if left.exists():
                    shutil.move(left, args.out / f"{name}-fault-{rounds}{left.suffix}")
    record = {
        "minutes": round((time.monotonic() - begun) / 60, 1),
        "rounds": rounds,
        "interruptions": dict(done),
        "peak_memory_MiB": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024,
        "faults": faults,
    }
    (args.out / "soak.json").write_text(json.dumps(record, indent=2))
    print(json.dumps({**record, "faults": len(faults)}))
    return int(bool(faults))


if __name__ == "__main__":
    raise SystemExit(main())
