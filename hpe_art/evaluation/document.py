"""The result document of a run: what was attacked, with what, and everything measured."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from hpe_art import zoo
from hpe_art.attacks import TargetPoses
from hpe_art.data.crops import Crops
from hpe_art.evaluation.attacked import Evaluation
from hpe_art.evaluation.results import SCHEMA_VERSION, package_versions
from hpe_art.mpii import JOINTS


def checkpoint_record(source: str) -> dict[str, str | None]:
    """Name and SHA-256 of a checkpoint; the hash is null for a remote file."""
    path = zoo.checkpoint_path(source) if source.startswith(zoo.PREFIX) else Path(source)
    digest = zoo.sha256(path) if path.is_file() else None
    return {"path": str(source), "sha256": digest}


def result_document(
    *,
    config: str,
    checkpoint: dict[str, str | None],
    crops: Crops,
    done: Evaluation,
    seed: int,
    device: str,
    precision: str,
    arguments: dict[str, Any],
    started: datetime,
    notes: list[str],
) -> dict[str, Any]:
    """Everything known so far, ready for `write_results`."""
    document: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "config": config,
        "checkpoint": checkpoint,
        "dataset": dataset_record(crops),
        "versions": package_versions(),
        "seed": seed,
        "device": device,
        "precision": precision,
        "arguments": arguments,
        "started": started.isoformat(timespec="seconds"),
        "seconds": (datetime.now().astimezone() - started).total_seconds(),
        "phases": done.phases.record(),
        "clean": done.clean,
        "attacks": [attacked.entry for attacked in done.attacked],
        "notes": notes,
    }
    for (kind, name), (clean, _) in done.onlookers.items():
        document.setdefault(kind, {})[name] = clean
    if done.targets is not None:
        document["targets"] = _target_record(done.targets)
    return document


def dataset_record(crops: Crops) -> dict[str, Any]:
    """Where the people are from, seen from the working directory if it lies in there."""
    path, here = Path(crops.ann_file), Path.cwd()
    if path.is_relative_to(here):
        path = path.relative_to(here)
    return {"ann_file": path.as_posix(), "num_samples": len(crops)}


def _target_record(targets: TargetPoses) -> dict[str, Any]:
    record: dict[str, Any] = {"rule": targets.rule, "seed": targets.seed}
    if targets.donors is None:
        record["poses"] = np.round(targets.poses, 2)
    else:
        record |= {"fallbacks": targets.fallbacks, "donors": targets.donors}
    if targets.moved is not None:
        record["joints"] = [JOINTS[k] for k in np.flatnonzero(targets.moved)]
    return record
