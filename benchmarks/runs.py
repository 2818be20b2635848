"""Runs of `tools/attack.py` as a user starts them: against the floor, and how they grow."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from scipy.io import savemat

from benchmarks.cases import Case
from benchmarks.contenders import floor, forward
from benchmarks.speed import finish
from hpe_art.evaluation.result_files import read_results
from hpe_art.evaluation.results import Run

SIZES = (500, 1000, 2000, 5000)
ITERATIONS = (5, 10, 20, 40)
_IMAGE = (96, 96)


@dataclass(frozen=True)
class Measured:
    """A run of the tool.

    Attributes:
        run: its results.
        peak_mib: its largest resident memory.
    """

    run: Run
    peak_mib: float

    @property
    def seconds(self) -> float:
        """Once everything is loaded."""
        return sum(part.seconds for name, part in self.run.phases.items() if name != "load")


@dataclass(frozen=True)
class Tool:
    """`tools/attack.py` on a config, run as a process of its own.

    Attributes:
        script: its path.
        config: what it attacks.
        folder: for results.
        device: "cpu" or "cuda".
    """

    script: Path
    config: Path
    folder: Path
    device: str

    def run(self, name: str, *arguments: str) -> Measured:
        """The results of a run.

        Raises:
            RuntimeError: it failed; its last words are in the message.
        """
        out = self.folder / name
        shutil.rmtree(out, ignore_errors=True)
        command = [sys.executable, str(self.script), str(self.config), "--work-dir", str(out)]
        log = self.folder / f"{name}.log"
        with log.open("w") as file:
            process = subprocess.Popen(
                [*command, "--device", self.device, *arguments],
                stdout=file,
                stderr=subprocess.STDOUT,
            )
            # Of this process alone, which the largest of all children would hide.
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            last = log.read_text().strip().splitlines()[-1:]
            raise RuntimeError(f"Expected tools/attack.py to succeed. Got: {last}.")
        (run,) = read_results(out).runs.values()
        return Measured(run, _peak_mib(usage))


def against_floor(tool: Tool, case: Case, repeats: int = 3, steps: int = 10) -> dict[str, Any]:
    """The default kind of run against the least that the same passes can take, in turns.

    Args:
        tool: on the config of the case.
        case: to time the floor on: forward passes, and forward and backward passes.
        repeats: rounds.
        steps: of the attack.

    Returns:
        Of the round with the median ratio: `seconds` of the run once everything is loaded,
        `floor_seconds`, their `ratio`, and the `phases` of the run; `ratios` of all rounds.
    """
    rounds = sorted((_round(tool, case, steps) for _ in range(repeats)), key=itemgetter("ratio"))
    return {**rounds[len(rounds) // 2], "ratios": [one["ratio"] for one in rounds]}


def _round(tool: Tool, case: Case, steps: int) -> dict[str, Any]:
    whole = tool.run("whole", "--attack", "igsm", "--max-iter", str(steps))
    (attack,) = whole.run.attacks
    images = whole.run.dataset.num_samples
    backward = attack.backward_passes
    forward = attack.forward_passes - backward + images  # and the clean ones
    gradient, prediction = _pace(case)
    least = backward * gradient + forward * prediction
    return {
        "case": case.name,
        "images": images,
        "forward_passes": forward,
        "backward_passes": backward,
        "seconds": whole.seconds,
        "floor_seconds": least,
        "ratio": whole.seconds / least,
        "phases": {name: part.model_dump() for name, part in whole.run.phases.items()},
    }


def growth_with_images(tool: Tool, sizes: Sequence[int] = SIZES) -> dict[str, Any]:
    """Time and memory of FGSM on generated folders of more and more images.

    Returns:
        `images`, `seconds` (once loaded), `load_seconds`, `peak_mib`, and the straight `line`
        through images and seconds.
    """
    root = generated_folder(tool.folder / "people", max(sizes))
    runs = [
        tool.run(
            f"images_{size}",
            "--attack",
            "fgsm",
            "--data-root",
            str(root),
            "--num-samples",
            f"{size}",
        )
        for size in sizes
    ]
    return {"images": list(sizes), **_grown(sizes, runs)}


def growth_with_iterations(tool: Tool, iterations: Sequence[int] = ITERATIONS) -> dict[str, Any]:
    """Time of IGSM on the default people with more and more steps."""
    runs = [
        tool.run(f"steps_{steps}", "--attack", "igsm", "--max-iter", f"{steps}")
        for steps in iterations
    ]
    return {"iterations": list(iterations), **_grown(iterations, runs)}


def generated_folder(root: Path, count: int, seed: int = 0) -> Path:
    """A folder in MPII format with that many people, each in an image of noise of its own."""
    annotations = root / "annotations"
    if (annotations / "mpii_gt_val.mat").is_file():
        return root
    (root / "images").mkdir(parents=True, exist_ok=True)
    annotations.mkdir(exist_ok=True)
    random = np.random.default_rng(seed)
    height, width = _IMAGE
    people = []
    for number in range(count):
        name = f"{number:06d}.jpg"
        cv2.imwrite(str(root / "images" / name), random.integers(0, 256, (*_IMAGE, 3), np.uint8))
        joints = random.uniform([10, 10], [width - 10, height - 10], (16, 2))
        people.append(
            {
                "image": name,
                "joints": joints.tolist(),
                "joints_vis": [1] * 16,
                "center": [width / 2, height / 2],
                "scale": height / 200,
            }
        )
    (annotations / "mpii_val.json").write_text(json.dumps(people))
    corners = np.array([[10.0, 10.0], [40.0, 40.0]])[:, :, None] + np.zeros(count)
    savemat(annotations / "mpii_gt_val.mat", {"headboxes_src": corners})
    return root


def _pace(case: Case, repeats: int = 5) -> tuple[float, float]:
    """Seconds for one image: forward and backward, and forward alone; the median of some rounds."""
    run, predict, images = floor(case, 1), forward(case), case.batch_size
    run()
    predict()
    gradients, predictions = [], []
    for _ in range(repeats):
        begun = time.perf_counter()
        run()
        finish(case)
        between = time.perf_counter()
        predict()
        finish(case)
        gradients.append(between - begun)
        predictions.append(time.perf_counter() - between)
    return float(np.median(gradients)) / images, float(np.median(predictions)) / images


def _grown(sizes: Sequence[int], runs: Sequence[Measured]) -> dict[str, Any]:
    seconds = [one.seconds for one in runs]
    return {
        "seconds": seconds,
        "load_seconds": [one.run.phases["load"].seconds for one in runs],
        "peak_mib": [one.peak_mib for one in runs],
        "line": _line(sizes, seconds),
    }


def _line(sizes: Sequence[int], seconds: Sequence[float]) -> dict[str, Any]:
    """The least-squares line, and how far each run is off, relative to its time."""
    slope, start = np.polyfit(sizes, seconds, 1)
    off = [
        (spent - (start + slope * size)) / spent for size, spent in zip(sizes, seconds, strict=True)
    ]
    return {"start": float(start), "slope": float(slope), "residuals": [float(o) for o in off]}


def _peak_mib(usage: resource.struct_rusage) -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return usage.ru_maxrss * unit / 2**20
