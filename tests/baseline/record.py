"""Records what attacks on the bundled networks end in: `python tests/baseline/record.py`.

Poses on perturbed images, hits and counted passes of 16 people under every attack of the paper,
gradients in float32. The file beside it was made before 0.2.0; `test_baseline.py` compares.
"""

from __future__ import annotations

import argparse
import os
import platform
from pathlib import Path

import numpy as np

from hpe_art import zoo
from hpe_art.attacks import AttackSetting
from hpe_art.data.crops import load_crops
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.estimators.loading import load_config
from hpe_art.evaluation.run import evaluate

HERE = Path(__file__).parent
FILE = HERE / "poses.npz"
PEOPLE = 16


def processor() -> str:
    """What decides how convolutions round: the model of the processor and its vector units."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    lines = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    facts = {key.strip(): value.strip() for key, value in lines.items()}
    units = [f for f in facts.get("flags", "").split() if f.startswith(("avx", "amx", "fma"))]
    name = facts.get("model name", platform.processor())
    return f"{name}, family {facts.get('cpu family')} model {facts.get('model')}; {' '.join(units)}"


def attacks(outputs: int, bundled: dict[float, Path]) -> list[AttackSetting]:
    found = [AttackSetting("noise")]
    for which in ("last", "all") if outputs > 1 else ("last",):
        found += [
            AttackSetting("fgsm", outputs=which),
            AttackSetting("igsm", outputs=which),
            AttackSetting("igsm", targeted=True, outputs=which),
        ]
    found += [AttackSetting("uap", eps=e, perturbation=str(p)) for e, p in bundled.items()]
    return found


def record(config: Path) -> dict[str, np.ndarray]:
    cfg = load_config(config)
    estimator = PyTorchPoseEstimator.from_config(cfg, device_type="cpu", precision="float32")
    people = load_crops(cfg, PEOPLE)
    paths = {e: zoo.perturbation_path(cfg.load_from, e) for e in (8.0, 16.0)}
    bundled = {e: path for e, path in paths.items() if path is not None}
    settings = attacks(estimator.count_outputs(), bundled)
    *_, done = evaluate(estimator, people, settings)
    found = {f"{config.stem}/clean": done.clean_poses, f"{config.stem}/clean/hits": done.clean_hits}
    for one in done.attacked:
        name = f"{config.stem}/{one.entry['name']} {one.entry['eps']:g}"
        found[name] = one.poses
        found[f"{name}/hits"] = one.hits
        found[f"{name}/passes"] = np.array(
            [one.entry["forward_passes"], one.entry["backward_passes"]]
        )
    return {k: v.astype(np.float16) if k.endswith("/hits") else v for k, v in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=FILE)
    args = parser.parse_args()
    arrays: dict[str, np.ndarray] = {"processor": np.array(processor())}
    configs = HERE.parents[1] / "mmpose_configs"
    for name in sorted(zoo.index()):
        arrays |= record(configs / f"{name}.py")
        print(name, flush=True)
    np.savez_compressed(args.out, **arrays)
    print(f"{args.out}, {os.path.getsize(args.out) / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
