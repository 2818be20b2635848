from __future__ import annotations

import numpy as np
import pytest

from hpe_art.mpii import GROUPS, JOINTS


def intervals(**scores: float | None) -> dict:
    """A point to each side of every score."""

    def around(value: float | None) -> list[float] | None:
        return None if value is None else [max(0.0, value - 1), value + 1]

    named = {key: around(value) for key, value in scores.items()}
    drawn: dict = {"level": 95, "resamples": 1000, "seed": 0}
    for key, value in scores.items():
        prefix = key.removesuffix("PCKh")
        drawn[f"{prefix}per_group"] = dict.fromkeys(GROUPS, around(value))
        drawn[f"{prefix}per_joint"] = dict.fromkeys(JOINTS, around(value))
    return {**drawn, **named}


def entry(name: str, eps: float, relative: float | None, target: float | None = None) -> dict:
    score = None if relative is None else 0.8 * relative
    return {
        "name": name,
        "attack": name.split("-")[0].lower(),
        "eps": eps,
        "eps_step": None,
        "max_iter": None,
        "targeted": target is not None,
        "norm": "inf",
        "outputs": "last",
        "PCKh": score,
        "relative_PCKh": relative,
        "target_PCKh": target,
        "per_group": dict.fromkeys(GROUPS, score),
        "per_joint": dict.fromkeys(JOINTS, score),
        "relative_per_group": dict.fromkeys(GROUPS, relative),
        "relative_per_joint": dict.fromkeys(JOINTS, relative),
        "target_per_group": None if target is None else dict.fromkeys(GROUPS, target),
        "target_per_joint": None if target is None else dict.fromkeys(JOINTS, target),
        "ci": intervals(PCKh=score, relative_PCKh=relative, target_PCKh=target),
        "linf_max": eps,
        "forward_passes": 10,
        "backward_passes": 10,
        "seconds": 1.0,
    }


@pytest.fixture
def results() -> dict:
    groups: dict[str, float | None] = dict.fromkeys(GROUPS, 100.0)
    groups["Ankle"] = None
    return {
        "schema_version": 1,
        "config": "mmpose_configs/hourglass.py",
        "checkpoint": {"path": None, "sha256": None},
        "dataset": {"ann_file": "mpii_val.json", "num_samples": 128},
        "versions": {},
        "seed": 0,
        "device": "cpu",
        "precision": "float32",
        "clean": {
            "PCKh": 80.0,
            "PCKh@0.1": 20.0,
            "per_group": groups,
            "per_joint": dict.fromkeys(JOINTS, 80.0),
            "ci": intervals(PCKh=80.0),
        },
        "attacks": [
            entry("NOISE", 2, 100.0),
            entry("NOISE", 8, 99.5),
            entry("IGSM-U-10", 8, 15.0),
            entry("IGSM-U-10", 2, 40.0),
            entry("IGSM-T-100-ALL", 2, None, 50.0),
            entry("IGSM-T-100-ALL", 8, 6.25, 76.54),
        ],
    }


@pytest.fixture
def images() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    clean = rng.integers(0, 256, (3, 40, 32)).astype(np.float32)
    return clean, np.clip(clean + rng.choice([-8, 8], clean.shape), 0, 255).astype(np.float32)


@pytest.fixture
def pose() -> np.ndarray:
    return np.random.default_rng(1).uniform(-10, 50, (16, 3)).astype(np.float32)
