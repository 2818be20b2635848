"""Small results of made-up numbers, for the tests of tables, figures and pages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from hpe_art.evaluation.results import (
    Attack,
    Clean,
    MetricRecord,
    Observer,
    Run,
    Score,
    SkeletonRecord,
)
from hpe_art.skeleton import MPII

PCKH = MetricRecord(key="PCKh", label="PCKh@0.5")
EPE = MetricRecord(key="EPE", label="EPE", unit="px", higher_is_better=False)
SKELETON = SkeletonRecord(joints=MPII.joints, groups=MPII.groups, bones=MPII.bones)


def score(
    value: float | None, skeleton: SkeletonRecord = SKELETON, **groups: float | None
) -> Score:
    """The same for every group and joint but those named; a point to each side of each."""

    def around(one: float | None) -> tuple[float, float] | None:
        return None if one is None else (max(0.0, one - 1), one + 1)

    by_group = {**dict.fromkeys(skeleton.groups, value), **groups}
    return Score(
        value=value,
        interval=around(value),
        groups=by_group,
        joints=dict.fromkeys(skeleton.joints, value),
        group_intervals={name: around(one) for name, one in by_group.items()},
        joint_intervals=dict.fromkeys(skeleton.joints, around(value)),
    )


def attack(
    name: str,
    eps: float | None,
    relative: float | None,
    target: float | None = None,
    /,
    **more: Any,
) -> Attack:
    """What is left of a clean score of 80 under an attack; its steps are those in its name."""
    steps = re.search(r"-(\d+)", name)
    outcome: dict[str, Any] = {
        "name": name,
        "attack": name.split("-")[0].lower(),
        "eps": eps,
        "max_iter": int(steps[1]) if steps else None,
        "targeted": target is not None,
        "outputs": "all" if name.endswith("ALL") else "last",
        "score": score(None if relative is None else 0.8 * relative),
        "relative": score(relative),
        "target": None if target is None else score(target),
        "linf_max": eps or 8.0,
        "forward_passes": 10,
        "backward_passes": 0 if name == "NOISE" else 10,
        "seconds": 1.0,
    }
    return Attack(**{**outcome, **more})


def run(attacks: Sequence[Attack], **more: Any) -> Run:
    """A run of these attacks."""
    record: dict[str, Any] = {
        "config": "mmpose_configs/hourglass.py",
        "checkpoint": {"path": "net.pth", "sha256": None},
        "dataset": {"type": "MpiiDataset", "ann_file": "<people>.json", "num_samples": 128},
        "metric": PCKH,
        "skeleton": SKELETON,
        "versions": {"python": "3.11"},
        "seed": 0,
        "device": "cpu",
        "precision": "float32",
        "clean": Clean(score=score(80.0)),
        "attacks": list(attacks),
    }
    return Run(**{**record, **more})


def observer(kind: str = "transfer", value: float = 80.0) -> Observer:
    """Someone who saw the clean images too."""
    return Observer(kind=kind, clean=Clean(score=score(value)))
