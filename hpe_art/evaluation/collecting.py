"""From the store of a finished run to its record and pictures; no network is run here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from hpe_art.compat import cached_path

import numpy as np

from hpe_art import zoo
from hpe_art.attacks import shareable
from hpe_art.attacks.targets import TargetPoses
from hpe_art.evaluation.attacking import rgb
from hpe_art.evaluation.kept_people import keep_people
from hpe_art.evaluation.official import OfficialScores
from hpe_art.evaluation.prepared import Prepared
from hpe_art.evaluation.results import (
    Attack,
    Clean,
    Dataset,
    Observer,
    Run,
    Score,
    SkeletonRecord,
    Targets,
)
from hpe_art.evaluation.scoring import (
    Judge,
    metric_record,
    scored_run,
    unscored_attack,
)
from hpe_art.evaluation.store import CLEAN
from hpe_art.files import package_versions, sha256
from hpe_art.metrics import score
from hpe_art.skeleton import Skeleton

FROM_OUTSIDE = ("config", "checkpoint", "arguments", "started", "seconds")


def run_record(run: Prepared, record: Mapping[str, Any]) -> Run:
    """A run whose attacks are all in the store, scored; `record` has what is `FROM_OUTSIDE`."""
    people, store = run.people, run.store
    targets = None
    if run.choose is not None:
        targets = run.choose(store.gathered(CLEAN, people.index), people)
    keep_people(store, people, run.skeleton, targets)
    official = OfficialScores(run.evaluator, people, len(people.dataset))
    judge = Judge(people, run.metric, run.skeleton, run.spec.seed, official, targets)
    found = scored_run(unscored_run(run, record), led_by(run), judge, store)
    found.targets = None if targets is None else _targets(targets, run.skeleton)
    return found


def led_by(run: Prepared) -> dict[str, list[str]]:
    """The folders of the attacks whose images come from one run, by the first of them."""
    keys = {attack: key for key, attack in run.attacks.items()}
    return {keys[group[0]]: [keys[one] for one in group] for group in shareable(keys)}


def unscored_run(run: Prepared, record: Mapping[str, Any]) -> Run:
    """All that is known of a run before it attacks; `record` has what is `FROM_OUTSIDE`."""
    unknown = Clean(score=Score(value=None))
    attacks = [
        unscored_attack(key, attack, [observer.name for observer in run.observers_of(key)])
        for key, attack in run.attacks.items()
    ]
    return Run(
        **{name: record[name] for name in FROM_OUTSIDE if name in record},
        dataset=_dataset(run),
        metric=metric_record(run.metric),
        skeleton=SkeletonRecord.model_validate(run.skeleton, from_attributes=True),
        versions=package_versions(),
        seed=run.spec.seed,
        device=str(run.estimator.device),
        precision=run.estimator.gradient_precision,
        clean=unknown,
        attacks=attacks,
        observers={one.name: Observer(kind=one.kind, clean=unknown) for one in run.observers},
        notes=run.notes(),
    )


def checkpoint_record(source: str | None) -> dict[str, str | None]:
    """Name and SHA-256 of a checkpoint, which is None where there is no file, or none yet."""
    if source is None:
        return {"path": None, "sha256": None}
    if source.startswith(zoo.PREFIX):
        path = zoo.checkpoint_path(source)
    else:
        remote = source.startswith(("http://", "https://"))
        path = cached_path(source) if remote else Path(source)
    return {"path": str(source), "sha256": sha256(path) if path.is_file() else None}


def _dataset(run: Prepared) -> Dataset:
    people = run.people
    paths, here = map(Path, people.ann_files), Path.cwd()
    shown = [path.relative_to(here) if path.is_relative_to(here) else path for path in paths]
    boxes = getattr(people.dataset, "bbox_file", None)
    return Dataset(
        type=type(people.dataset).__name__,
        ann_file=", ".join(path.as_posix() for path in shown),
        num_samples=len(people),
        skipped=people.skipped,
        left_out=people.left_out,
        detections=Path(boxes).name if boxes else None,
        images=people.image_names,
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


def pictured_people(run: Prepared, attack: Attack) -> list[dict[str, Any]]:
    """The people whose images under an attack were kept, as `PersonPictures` draws them."""
    kept = run.store.examples(attack.folder, run.people.index[: run.spec.kept].tolist())
    if not kept:
        return []
    people = run.people[np.isin(run.people.index, list(kept))]
    before = run.store.gathered(CLEAN, people.index)
    after = run.store.gathered(attack.folder, people.index)
    clean = rgb(run.estimator, people.x[:])
    perturbed = rgb(run.estimator, np.stack([kept[i] for i in people.index.tolist()]))
    aims, truth = None, people.truth
    if run.choose and attack.targeted:
        targets = run.choose(before, people)
        # Joints that may go anywhere are not drawn.
        aims = np.where(targets.poses[..., 2:] > 0, targets.poses[..., :2], np.nan)
        truth = replace(truth, keypoints=people.to_image(targets.scored))
    scores = [run.metric.joint_scores(people.to_image(one), truth) for one in (before, after)]
    return [
        {
            "index": index,
            "clean": clean[i],
            "perturbed": perturbed[i],
            "clean_pose": before[i],
            "perturbed_pose": after[i],
            "target_pose": None if aims is None else aims[i],
            "clean_score": score(scores[0][[i]], run.metric, run.skeleton).value,
            "perturbed_score": score(scores[1][[i]], run.metric, run.skeleton).value,
        }
        for i, index in enumerate(people.index.tolist())
    ]
