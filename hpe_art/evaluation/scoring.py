"""From stored predictions to a typed run: scores, intervals, official numbers, targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpe_art.attacks import AttackSpec, Universal
from hpe_art.attacks.targets import TargetPoses
from hpe_art.attacks.universal import saved_facts
from hpe_art.data.people import People
from hpe_art.evaluation.official import OfficialScores, relative
from hpe_art.evaluation.results import Attack, Clean, Judged, MetricRecord, Observer
from hpe_art.evaluation.results import Score as ScoreRecord
from hpe_art.evaluation.store import CLEAN, OWN, Store
from hpe_art.metrics import Metric, PeopleTruth, Score, relative_score, score
from hpe_art.metrics.bootstrap import Draws, drawn_scores, intervals, relative_draws
from hpe_art.skeleton import Skeleton

Array = NDArray[np.float32]
Scored = tuple[Score[float], Draws]
"""A score, and the draws of its bootstrap."""


@dataclass
class Judge:
    """Judges predictions of the same people, clean ones first.

    Attributes:
        people: who was attacked.
        metric: per person.
        skeleton: of the dataset.
        seed: of the intervals.
        official: the config's own evaluator; None leaves its numbers out.
        targets: target poses, where an attack has them.
    """

    people: People
    metric: Metric
    skeleton: Skeleton
    seed: int = 0
    official: OfficialScores | None = None
    targets: TargetPoses | None = None
    _clean: dict[str, tuple[Scored, dict[str, float]]] = field(default_factory=dict)

    def clean(self, observer: str, poses: Array) -> Clean:
        """Predictions on clean images; kept, to compare those on perturbed ones with.

        Args:
            observer: whose they are.
            poses: (N, K, 3), in crop pixels.
        """
        scored = self._scored(poses, self.people.truth)
        official = self.official.of(poses) if self.official else {}
        self._clean[observer] = scored, official
        return Clean(score=self._record(*scored), official=official)

    def perturbed(self, observer: str, poses: Array) -> Judged:
        """Predictions on perturbed images, compared with the same observer's clean ones."""
        (clean, clean_draws), clean_official = self._clean[observer]
        found, draws = self._scored(poses, self.people.truth)
        official = self.official.of(poses) if self.official else {}
        target = None
        if self.targets is not None:
            aims = self.people.to_image(self.targets.scored)
            truth = replace(self.people.truth, keypoints=aims)
            target = self._record(*self._scored(poses, truth))
        left = relative_score(found, clean), relative_draws(draws, clean_draws)
        return Judged(
            score=self._record(found, draws),
            relative=self._record(*left),
            target=target,
            official=official,
            relative_official=relative(official, clean_official),
        )

    def _scored(self, poses: Array, truth: PeopleTruth) -> Scored:
        scores = self.metric.joint_scores(self.people.to_image(poses), truth)
        found = score(scores, self.metric, self.skeleton)
        return found, drawn_scores(scores, self.metric, self.skeleton, self.seed)

    def _record(self, found: Score[float], draws: Draws) -> ScoreRecord:
        return score_record(found, draws, self.skeleton)


def score_record(found: Score[float], draws: Draws, skeleton: Skeleton) -> ScoreRecord:
    """A score with its intervals, as results hold it.

    Args:
        found: from `metrics.score`.
        draws: of the same, from `bootstrap.drawn_scores`.
        skeleton: of the dataset.
    """
    ends = intervals(draws, skeleton)
    return ScoreRecord(
        value=found.value,
        groups=found.groups,
        joints=found.joints,
        interval=ends.value,
        group_intervals=ends.groups,
        joint_intervals=ends.joints,
    )


def metric_record(metric: Metric) -> MetricRecord:
    """The metric, as results name it."""
    return MetricRecord(
        key=metric.key,
        label=metric.label,
        unit=metric.unit,
        higher_is_better=metric.higher_is_better,
    )


def attack_record(
    store: Store,
    key: str,
    spec: AttackSpec,
    judge: Judge,
    observers: list[str],
    led: Sequence[str],
) -> Attack:
    """One attack from its shards.

    Args:
        store: with everybody under this attack.
        key: its folder.
        spec: what was run.
        judge: has judged the clean predictions of the network and of these observers.
        observers: names of those that saw its images.
        led: folders of the attacks whose images come from one run, if this is the first of them.
    """
    index = judge.people.index
    own = judge.perturbed(OWN, store.gathered(key, index))
    settings = spec.settings()
    shown = {name: judge.perturbed(name, store.gathered(key, index, name)) for name in observers}
    known = {name: settings[name] for name in Attack.model_fields if name in settings}
    return Attack(
        **own.model_dump(),
        **known,
        name=spec.label,
        settings=settings,
        observed=shown,
        folder=key,
        universal=saved_facts(str(spec.perturbation)) if isinstance(spec, Universal) else None,
        **_costs(store, key, led, index),
    )


def observer_records(judge: Judge, store: Store, kinds: dict[str, Any]) -> dict[str, Observer]:
    """What each observer sees in the clean images.

    Args:
        judge: to judge them.
        store: with the clean predictions.
        kinds: "transfer" or "defence", by name.
    """
    index = judge.people.index
    return {
        name: Observer(kind=kind, clean=judge.clean(name, store.gathered(CLEAN, index, name)))
        for name, kind in kinds.items()
    }


def _costs(store: Store, key: str, led: Sequence[str], index: NDArray[np.int64]) -> dict[str, Any]:
    """What an attack cost: scoring, and the generation of all that it leads, which counts once."""
    generations = [_cost(store, one, "generation", index) for one in led]
    total = np.max([np.zeros(3), *generations], axis=0) + _cost(store, key, "scoring", index)
    theirs = [s for s in store.shards(key) if np.isin(s.index, index).any()]
    return {
        "linf_max": max((shard.counts.get("linf", 0.0) for shard in theirs), default=0.0),
        "forward_passes": round(total[0]),
        "backward_passes": round(total[1]),
        "seconds": float(total[2]),
    }


def _cost(store: Store, key: str, part: str, index: NDArray[np.int64]) -> NDArray[np.float64]:
    """Images forward and backward, and seconds, for these people; each counts once."""
    missing, total = set(index.tolist()), np.zeros(3)
    for shard in store.shards(key):
        if OWN in shard.poses:
            new = missing.intersection(shard.index.tolist())
            total += np.array(shard.counts.get(part, total * 0)) * len(new) / len(shard.index)
            missing -= new
    return total
