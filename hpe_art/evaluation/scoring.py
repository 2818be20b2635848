"""From stored predictions to a typed run, by its own metric, or later by another one.

For the other one no network and no data set is needed: what it has to know is in the store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hpe_art.attacks import AttackSpec, Universal
from hpe_art.attacks.targets import TargetPoses
from hpe_art.attacks.universal_file import read_perturbation
from hpe_art.data.people import People
from hpe_art.errors import UserError
from hpe_art.evaluation.details import detail_records
from hpe_art.evaluation.kept_people import kept_people
from hpe_art.evaluation.official import OfficialScores, relative
from hpe_art.evaluation.results import Attack, Clean, Judged, MetricRecord, Observer, Run
from hpe_art.evaluation.results import Score as ScoreRecord
from hpe_art.evaluation.store import CLEAN, OWN, Store
from hpe_art.metrics import Metric, PeopleTruth, Score, metric_named, relative_score, score
from hpe_art.metrics.bootstrap import Draws, drawn_scores, intervals, relative_draws
from hpe_art.skeleton import Skeleton

Array = NDArray[np.float32]
COSTS = ("linf_max", "forward_passes", "backward_passes", "seconds")
NOT_SCORED: Any = {"score": ScoreRecord(value=None), "relative": ScoreRecord(value=None)}


class Scored(NamedTuple):
    """A score of all people, and the draws of its bootstrap."""

    found: Score[float]
    draws: Draws

    @classmethod
    def of(cls, joint_scores: ArrayLike, metric: Metric, skeleton: Skeleton, seed: int) -> Scored:
        """That of joint scores (N, K), from `Metric.joint_scores`."""
        draws = drawn_scores(joint_scores, metric, skeleton, seed)
        return cls(score(joint_scores, metric, skeleton), draws)

    def relative_to(self, clean: Scored) -> Scored:
        """In percent of the clean one."""
        draws = relative_draws(self.draws, clean.draws)
        return Scored(relative_score(self.found, clean.found), draws)

    def record(self, skeleton: Skeleton) -> ScoreRecord:
        """With its intervals, as results hold it."""
        ends = intervals(self.draws, skeleton)
        return ScoreRecord(
            **vars(self.found),
            interval=ends.value,
            group_intervals=ends.groups,
            joint_intervals=ends.joints,
        )


@dataclass
class Judge:
    """Judges predictions (N, K, 3) in crop pixels of the same people, clean ones first.

    `seed` is that of the intervals; without `official` the evaluator's numbers are left out.
    """

    people: People
    metric: Metric
    skeleton: Skeleton
    seed: int = 0
    official: OfficialScores | None = None
    targets: TargetPoses | None = None
    _clean: dict[str, tuple[Scored, dict[str, float]]] = field(default_factory=dict)

    def clean(self, observer: str, poses: Array) -> Clean:
        """An observer's predictions on clean images, with which perturbed ones are compared."""
        found, official = self._clean[observer] = self._judged(poses)
        return Clean(score=found.record(self.skeleton), official=official)

    def perturbed(self, observer: str, poses: Array) -> Judged:
        """Predictions on perturbed images, compared with the same observer's clean ones."""
        clean, clean_official = self._clean[observer]
        found, official = self._judged(poses)
        aims = self._aims
        return Judged(
            score=found.record(self.skeleton),
            relative=found.relative_to(clean).record(self.skeleton),
            target=None if aims is None else self._scored(poses, aims).record(self.skeleton),
            official=official,
            relative_official=relative(official, clean_official),
        )

    @cached_property
    def _aims(self) -> PeopleTruth | None:
        if self.targets is None:
            return None
        return replace(self.people.truth, keypoints=self.people.to_image(self.targets.scored))

    def _judged(self, poses: Array) -> tuple[Scored, dict[str, float]]:
        official = self.official.of(poses) if self.official else {}
        return self._scored(poses, self.people.truth), official

    def _scored(self, poses: Array, truth: PeopleTruth) -> Scored:
        scores = self.metric.joint_scores(self.people.to_image(poses), truth)
        return Scored.of(scores, self.metric, self.skeleton, self.seed)


def metric_record(metric: Metric) -> MetricRecord:
    """The metric, as results name it."""
    return MetricRecord.model_validate(metric, from_attributes=True)


def unscored_attack(key: str, spec: AttackSpec, observers: Sequence[str]) -> Attack:
    """What is known of an attack before it runs; its scores are to be filled in."""
    settings = spec.settings()
    return Attack(
        **{name: settings[name] for name in Attack.model_fields if name in settings},
        name=spec.label,
        settings=settings,
        observed={name: Judged(**NOT_SCORED) for name in observers},
        folder=key,
        universal=read_perturbation(str(spec.perturbation))[1]
        if isinstance(spec, Universal)
        else None,
        **NOT_SCORED,
        **dict.fromkeys(COSTS, 0),
    )


def scored_run(run: Run, led: Mapping[str, Sequence[str]], judge: Judge, store: Store) -> Run:
    """A run with the scores of the judge's people, all of whom are in the store.

    Args:
        run: not scored, from `unscored_run`; not changed.
        led: by the folder of the first attack whose images come from one run, those of all.
        judge: of its metric.
        store: of its predictions.
    """
    people = judge.people.index
    observers = {
        name: Observer(kind=one.kind, clean=judge.clean(name, store.gathered(CLEAN, people, name)))
        for name, one in run.observers.items()
    }
    clean = judge.clean(OWN, store.gathered(CLEAN, people))
    attacks = [_scored_attack(one, led.get(one.folder, ()), judge, store) for one in run.attacks]
    found = {"clean": clean, "observers": observers, "attacks": attacks}
    return run.model_copy(update=found)


def _scored_attack(attack: Attack, led: Sequence[str], judge: Judge, store: Store) -> Attack:
    """The judge has judged the clean predictions of the network and of the attack's observers."""
    key, index = attack.folder, judge.people.index
    own, *shown = (
        judge.perturbed(name, store.gathered(key, index, name)) for name in (OWN, *attack.observed)
    )
    return attack.model_copy(
        update={
            **dict(own),
            "observed": dict(zip(attack.observed, shown, strict=True)),
            **detail_records(store, key, index, attack.norm, judge.skeleton, judge.seed),
            **_costs(store, key, led, index),
        }
    )


def _costs(store: Store, key: str, led: Sequence[str], index: NDArray[np.int64]) -> dict[str, Any]:
    """What an attack cost: scoring, and the generation of all that it leads, which counts once."""
    generations = [_cost(store, one, "generation", index) for one in led]
    total = np.max([np.zeros(3), *generations], axis=0) + _cost(store, key, "scoring", index)
    theirs = [shard for shard in store.shards(key) if np.isin(shard.index, index).any()]
    largest = max((shard.counts.get("linf", 0.0) for shard in theirs), default=0.0)
    found = (largest, round(total[0]), round(total[1]), float(total[2]))
    return dict(zip(COSTS, found, strict=True))


def _cost(store: Store, key: str, part: str, index: NDArray[np.int64]) -> NDArray[np.float64]:
    """Images forward and backward, and seconds, for these people; each counts once."""
    missing, total = set(index.tolist()), np.zeros(3)
    for shard in store.shards(key):
        if OWN in shard.poses:
            new = missing.intersection(shard.index.tolist())
            total += np.array(shard.counts.get(part, total * 0)) * len(new) / len(shard.index)
            missing -= new
    return total


def rescored(folder: Path, run: Run, name: str) -> Run:
    """The run in a folder scored by another metric per person.

    The official numbers stay, and what attacks say beside images of the metric that they aimed at.

    Raises:
        UserError: there is no store, no such metric, or the people lack its normaliser.
    """
    store = Store(folder / "store")
    people, skeleton, targets = kept_people(store)
    metric = metric_named(name, skeleton)
    metric.check(people.truth)
    metric.check_scored(people.truth)
    judge = Judge(people, metric, skeleton, run.seed, None, targets)
    run = run.model_copy(deep=True, update={"metric": metric_record(metric)})
    seen = {other: held.clean for other, held in run.observers.items()}
    for observer, clean in {OWN: run.clean, **seen}.items():
        clean.score = judge.clean(observer, store.gathered(CLEAN, people.index, observer)).score
    for attack in run.attacks:
        for observer, held in {OWN: attack, **attack.observed}.items():
            poses = store.gathered(attack.folder, people.index, observer)
            judged = judge.perturbed(observer, poses)
            held.score, held.relative, held.target = judged.score, judged.relative, judged.target
    return run


def stored_scores(folder: Path, run: Run) -> tuple[Metric, dict[str, NDArray[np.float64]]]:
    """The run's metric, and its scores (N, K) of people's joints by folder in the store.

    Raises:
        UserError: there is no store, or not all of it, or the metric is not known by its name.
    """
    store = Store(folder / "store")
    people, skeleton, _ = kept_people(store)
    metric = metric_named(run.metric.key, skeleton)
    if metric_record(metric) != run.metric:
        raise UserError(f"Expected {metric.label}. Got {run.metric.label} in {folder}.")
    names = (CLEAN, *(attack.folder for attack in run.attacks))
    poses = {name: people.to_image(store.gathered(name, people.index)) for name in names}
    return metric, {name: metric.joint_scores(one, people.truth) for name, one in poses.items()}
