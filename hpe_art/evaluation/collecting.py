"""From the store of a finished run to its typed record; no network is run here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hpe_art import zoo
from hpe_art.attacks import shareable
from hpe_art.attacks.targets import TargetPoses
from hpe_art.evaluation.official import OfficialScores
from hpe_art.evaluation.prepared import Prepared
from hpe_art.evaluation.rescoring import keep_people
from hpe_art.evaluation.results import (
    Checkpoint,
    Dataset,
    Run,
    SkeletonRecord,
    Targets,
)
from hpe_art.evaluation.scoring import Judge, attack_record, metric_record, observer_records
from hpe_art.evaluation.store import CLEAN, OWN
from hpe_art.files import package_versions, sha256
from hpe_art.skeleton import Skeleton


def run_record(run: Prepared, record: Mapping[str, Any]) -> Run:
    """Everything that the store holds of a run's people, scored.

    Args:
        run: whose attacks are all in the store.
        record: what else the results say: config, checkpoint, arguments, started, seconds.
    """
    people, store = run.people, run.store
    clean_poses = store.gathered(CLEAN, people.index)
    targets = None if run.choose is None else run.choose(clean_poses, people)
    keep_people(store, people, run.skeleton, targets)
    official = OfficialScores(run.evaluator, people, len(people.dataset))
    judge = Judge(people, run.metric, run.skeleton, run.spec.seed, official, targets)
    clean = judge.clean(OWN, clean_poses)
    observers = observer_records(judge, store, {o.name: o.kind for o in run.observers})
    keys = {attack: key for key, attack in run.attacks.items()}
    led = {group[0]: [keys[one] for one in group] for group in shareable(keys)}
    attacks = [
        attack_record(
            store,
            key,
            attack,
            judge,
            [observer.name for observer in run.observers_of(key)],
            led.get(attack, ()),
        )
        for key, attack in run.attacks.items()
    ]
    return Run(
        config=str(record["config"]),
        checkpoint=Checkpoint.model_validate(record["checkpoint"]),
        dataset=_dataset(run),
        metric=metric_record(run.metric),
        skeleton=skeleton_record(run.skeleton),
        versions=package_versions(),
        seed=run.spec.seed,
        device=str(run.estimator.device),
        precision=run.estimator.gradient_precision,
        arguments=dict(record.get("arguments", {})),
        started=str(record.get("started", "")),
        seconds=float(record.get("seconds", 0.0)),
        clean=clean,
        attacks=attacks,
        observers=observers,
        targets=None if targets is None else _targets(targets, run.skeleton),
        notes=run.notes,
    )


def checkpoint_record(source: str | None) -> dict[str, str | None]:
    """Name and SHA-256 of a checkpoint; the hash is None for a remote file, or none at all."""
    if source is None:
        return {"path": None, "sha256": None}
    path = zoo.checkpoint_path(source) if source.startswith(zoo.PREFIX) else Path(source)
    return {"path": str(source), "sha256": sha256(path) if path.is_file() else None}


def _dataset(run: Prepared) -> Dataset:
    people = run.people
    path, here = Path(people.ann_file), Path.cwd()
    if path.is_relative_to(here):
        path = path.relative_to(here)
    boxes = getattr(people.dataset, "bbox_file", None)
    return Dataset(
        type=type(people.dataset).__name__,
        ann_file=path.as_posix(),
        num_samples=len(people),
        skipped=list(people.skipped),
        detections=Path(boxes).name if boxes else None,
    )


def skeleton_record(skeleton: Skeleton) -> SkeletonRecord:
    """Joints, groups and bones, as results hold them."""
    return SkeletonRecord(
        joints=list(skeleton.joints),
        groups={name: list(joints) for name, joints in skeleton.groups.items()},
        bones=list(skeleton.bones),
    )


def _targets(targets: TargetPoses, skeleton: Skeleton) -> Targets:
    found = Targets(rule=targets.rule, seed=targets.seed)
    if targets.donors is None:
        found.poses = np.round(targets.poses.astype(np.float64), 2).tolist()
    else:
        found.fallbacks, found.donors = targets.fallbacks, targets.donors.tolist()
    if targets.moved is not None:
        found.joints = [skeleton.joints[k] for k in np.flatnonzero(targets.moved)]
    return found
