"""Records what attacks on the bundled networks end in: `python tests/baseline/record.py`.

Poses on perturbed images, hits and counted passes of 16 people under every attack of the paper,
gradients in float32. `poses.npz` beside it was made before 0.2.0, with AVX512; `poses_avx2.npz` on
a processor without, by a later commit that ended in the same. `test_baseline.py` compares.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from hpe_art import zoo
from hpe_art.attacks import AttackSpec, build_spec
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.estimators.loading import load_config
from hpe_art.evaluation.running import attack_runner, loop_of
from hpe_art.evaluation.spec import run_spec
from hpe_art.evaluation.store import CLEAN

HERE = Path(__file__).parent
CONFIGS = HERE.parents[1] / "mmpose_configs"
FILE = HERE / "poses.npz"
PEOPLE = 16
NETWORKS = (
    "attention_hourglass",
    "chained_predictions",
    "deeppose",
    "dlcm",
    "hourglass",
    "hourglass_8stack",
    "resnet_heatmap",
    "resnet_regression",
)


def processor() -> str:
    """What decides how convolutions round: the model of the processor and its vector units."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    lines = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    facts = {key.strip(): value.strip() for key, value in lines.items()}
    units = [f for f in facts.get("flags", "").split() if f.startswith(("avx", "amx", "fma"))]
    name = facts.get("model name", platform.processor())
    return f"{name}, family {facts.get('cpu family')} model {facts.get('model')}; {' '.join(units)}"


def attacks(network: str) -> list[AttackSpec]:
    """Those of a bundled network: on all outputs too where it has several."""
    cfg = load_config(CONFIGS / f"{network}.py")
    several = PyTorchPoseEstimator.from_config(cfg, device_type="cpu").count_outputs() > 1
    found: list[dict[str, Any]] = [dict(type="noise")]
    for which in ("last", "all") if several else ("last",):
        found += [
            dict(type="fgsm", outputs=which),
            dict(type="igsm", outputs=which),
            dict(type="igsm", targeted=True, outputs=which),
        ]
    for eps in (8.0, 16.0):
        path = zoo.perturbation_path(cfg.load_from, eps)
        if path is not None:
            found.append(dict(type="uap", eps=eps, perturbation=str(path)))
    return [build_spec(one) for one in found]


def record(network: str, specs: list[AttackSpec]) -> dict[str, np.ndarray]:
    """Poses, hits and passes by names such as "hourglass/IGSM-U-10 8"."""
    cfg = load_config(CONFIGS / f"{network}.py")
    settings = dict(num_samples=PEOPLE, precision="float32", device="cpu", batch_size=32)
    with tempfile.TemporaryDirectory() as folder:
        runner = attack_runner(cfg, run_spec(attacks=specs, **settings), folder, cfg.load_from)
        loop = loop_of(runner)
        loop.progress = False
        runner.test()
        prepared, run = loop.finished
        names = {attack.folder: f"{attack.name} {attack.eps:g}" for attack in run.attacks}
        found = {}
        for key in (CLEAN, *names):
            name = f"{network}/{names.get(key, key)}"
            poses = prepared.store.gathered(key, prepared.people.index)
            people = prepared.people
            hits = prepared.metric.hits(people.to_image(poses), people.truth)
            found |= {name: poses, f"{name}/hits": hits.astype(np.float16)}
        for attack in run.attacks:
            passes = np.array([attack.forward_passes, attack.backward_passes])
            found[f"{network}/{names[attack.folder]}/passes"] = passes
    return found


def held() -> dict[str, np.ndarray]:
    """What is on record for this kind of processor; else what was made before 0.2.0."""
    for path in sorted(HERE.glob("poses*.npz")):
        found = np.load(path)
        if str(found["processor"]) == processor():
            return dict(found)
    return dict(np.load(FILE))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=FILE)
    args = parser.parse_args()
    arrays: dict[str, np.ndarray] = {"processor": np.array(processor())}
    for network in NETWORKS:
        arrays |= record(network, attacks(network))
        print(network, flush=True)
    np.savez_compressed(args.out, **arrays)
    print(f"{args.out}, {os.path.getsize(args.out) / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
