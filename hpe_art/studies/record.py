"""A finished study in one small file: each joint's score, settings and counts; no pictures.

What can be made again from less is left out: all scores and their intervals follow from the scores
of joints.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hpe_art.evaluation.prepared import Prepared
from hpe_art.evaluation.result_files import ResultsError
from hpe_art.evaluation.results import MetricRecord, Results, Run, Score
from hpe_art.evaluation.scoring import score_record
from hpe_art.evaluation.store import CLEAN, OWN
from hpe_art.files import write_whole
from hpe_art.metrics import Metric, PeopleTruth, relative_score, score
from hpe_art.metrics.bootstrap import Draws, drawn_scores, relative_draws
from hpe_art.skeleton import Skeleton

RECORD = "record.npz"
FORMAT = 1
UNLABELLED = 255
Scores = NDArray[np.float64]
"""(N, K) of each joint, NaN where it is not labelled."""


class Row(NamedTuple):
    """Whose predictions, of which images, and against what.

    Attributes:
        attack: place in `Run.attacks`; None for clean images.
        observer: name of who saw them; `OWN` is the attacked network.
        to_target: scored against the target poses instead of the true ones.
    """

    attack: int | None
    observer: str = OWN
    to_target: bool = False


class KnownMetric(Metric):
    """A metric whose joint scores are on record.

    Args:
        named: what results say of it.
        per: as `Metric.per`.
        scored: as `Metric.scored`.
    """

    def __init__(self, named: MetricRecord, per: Any, scored: tuple[int, ...]) -> None:
        self.key, self.unit, self.per = named.key, named.unit, per
        self.higher_is_better, self.scored, self._label = (
            named.higher_is_better,
            scored,
            named.label,
        )

    @property
    def label(self) -> str:
        """As results say."""
        return self._label

    def joint_scores(self, poses: ArrayLike, truth: PeopleTruth) -> Scores:
        """Not known of other poses."""
        raise NotImplementedError("Expected joint scores on record. Got poses.")


@dataclass(frozen=True)
class RecordedRun:
    """One network's results, and the joint scores that they follow from.

    Attributes:
        run: the results.
        scores: the joint scores of every row of `rows(run)`.
        metric: whose they are.
        training: the same of training people, under universal perturbations that were fitted.
    """

    run: Run
    scores: dict[Row, Scores]
    metric: Metric
    training: RecordedRun | None = None

    @property
    def skeleton(self) -> Skeleton:
        """As far as scores depend on it."""
        return skeleton_of(self.run)

    def draws(self, row: Row) -> Draws:
        """The scores of the people, and of each bootstrap draw of them."""
        return drawn_scores(self.scores[row], self.metric, self.skeleton, self.run.seed)


@dataclass(frozen=True)
class Record:
    """A study.

    Attributes:
        results: complete but for pictures of examples.
        runs: by network, with joint scores.
    """

    results: Results
    runs: dict[str, RecordedRun] = field(default_factory=dict)


def rows(run: Run) -> list[Row]:
    """Every prediction that is judged in a run, in a fixed order."""
    found = [Row(None, name) for name in (OWN, *run.observers)]
    for i, attack in enumerate(run.attacks):
        found += [Row(i, name) for name in (OWN, *attack.observed)]
        if attack.target is not None:
            found.append(Row(i, to_target=True))
    return found


def joint_scores(prepared: Prepared, run: Run) -> dict[Row, Scores]:
    """The scores of every row of a run that is finished, from its store."""
    people, store = prepared.people, prepared.store
    truth = aims = people.truth
    if prepared.choose is not None:
        targets = prepared.choose(store.gathered(CLEAN, people.index), people)
        aims = replace(truth, keypoints=people.to_image(targets.scored))
    found = {}
    for row in rows(run):
        key = CLEAN if row.attack is None else run.attacks[row.attack].folder
        poses = people.to_image(store.gathered(key, people.index, row.observer))
        found[row] = prepared.metric.joint_scores(poses, aims if row.to_target else truth)
    return found


def skeleton_of(run: Run) -> Skeleton:
    """Joints and groups; flips and spreads of annotators are not in results."""
    groups = {name: tuple(joints) for name, joints in run.skeleton.groups.items()}
    return Skeleton("", tuple(run.skeleton.joints), (), groups, tuple(run.skeleton.bones), None)


def write_record(path: str | Path, record: Record) -> None:
    """Writes a record.

    Args:
        path: of the file, whose name ends in .npz.
        record: to be read again by `read_record`.
    """
    arrays: dict[str, Any] = {}
    about: dict[str, Any] = {"format": FORMAT, "metrics": {}, "training": {}}
    for name, one in record.runs.items():
        arrays[name] = _packed(one)
        about["metrics"][name] = {"per": one.metric.per, "scored": list(one.metric.scored)}
        if one.training is not None:
            arrays[f"{name}/training"] = _packed(one.training)
            about["training"][name] = _plain(_bare(one.training.run))
    bare = {name: _bare(run) for name, run in record.results.runs.items()}
    about["results"] = _plain(record.results.model_copy(update={"runs": bare}))
    text = json.dumps(about, separators=(",", ":")).encode()
    packed = io.BytesIO()
    np.savez_compressed(packed, about=np.frombuffer(text, np.uint8), **arrays)
    write_whole(path, packed.getvalue())


def read_record(path: str | Path) -> Record:
    """Reads what `write_record` wrote, and makes all scores and intervals again.

    Args:
        path: of the file, or a folder that has one.

    Raises:
        ResultsError: it is none.
    """
    path = Path(path)
    path = path / RECORD if path.is_dir() else path
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            arrays = dict(file)
        about = json.loads(arrays.pop("about").tobytes())
        if about["format"] != FORMAT:
            raise ValueError(f"format {about['format']} instead of {FORMAT}")
        results = Results.model_validate(about["results"])
        runs = {name: _recorded(name, run, about, arrays) for name, run in results.runs.items()}
    except FileNotFoundError:
        raise ResultsError(f"Expected the record of a study. Got {path}: not there.") from None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ResultsError(f"Expected the record of a study. Got {path}: {error}.") from None
    filled = {name: one.run for name, one in runs.items()}
    return Record(results.model_copy(update={"runs": filled}), runs)


def _recorded(
    name: str, run: Run, about: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
) -> RecordedRun:
    known = about["metrics"][name]
    metric = KnownMetric(run.metric, known["per"], tuple(known["scored"]))
    training = None
    if name in about["training"]:
        on_training = Run.model_validate(about["training"][name])
        training = _filled(on_training, arrays[f"{name}/training"], metric)
    return _filled(run, arrays[name], metric, training)


def _packed(one: RecordedRun) -> NDArray[Any]:
    """(rows, N, K): hits in a byte each, other scores as they are."""
    scores = np.stack([one.scores[row] for row in rows(one.run)])
    unlabelled = np.isnan(scores)
    if np.isin(scores[~unlabelled], (0, 1)).all():
        return np.where(unlabelled, UNLABELLED, scores).astype(np.uint8)
    return scores


def _bare(run: Run) -> Run:
    """Without what follows from joint scores, and without pictures."""
    nothing = Score(value=None)
    judged = {"score": nothing, "relative": nothing}
    attacks = [
        attack.model_copy(
            update={
                **judged,
                "target": None if attack.target is None else nothing,
                "observed": {
                    name: seen.model_copy(update={**judged, "target": None})
                    for name, seen in attack.observed.items()
                },
            }
        )
        for attack in run.attacks
    ]
    observers = {
        name: one.model_copy(update={"clean": one.clean.model_copy(update={"score": nothing})})
        for name, one in run.observers.items()
    }
    clean = run.clean.model_copy(update={"score": nothing})
    changed = {"clean": clean, "attacks": attacks, "observers": observers, "examples": []}
    return run.model_copy(update=changed)


def _plain(model: Any) -> Any:
    return model.model_dump(mode="json", exclude_defaults=True)


def _filled(
    run: Run, packed: NDArray[Any], metric: Metric, training: RecordedRun | None = None
) -> RecordedRun:
    """The run with its scores again."""
    scores = packed.astype(np.float64)
    if packed.dtype == np.uint8:
        scores[packed == UNLABELLED] = np.nan
    run = run.model_copy(deep=True)
    one = RecordedRun(run, dict(zip(rows(run), scores, strict=True)), metric, training)
    skeleton = one.skeleton
    drawn = {
        row: (score(found, metric, skeleton), one.draws(row)) for row, found in one.scores.items()
    }
    for row, (found, draws) in drawn.items():
        if row.attack is None:
            judge = run.clean if row.observer == OWN else run.observers[row.observer].clean
            judge.score = score_record(found, draws, skeleton)
            continue
        attack = run.attacks[row.attack]
        if row.to_target:
            attack.target = score_record(found, draws, skeleton)
            continue
        judged = attack if row.observer == OWN else attack.observed[row.observer]
        clean, clean_draws = drawn[Row(None, row.observer)]
        judged.score = score_record(found, draws, skeleton)
        judged.relative = score_record(
            relative_score(found, clean), relative_draws(draws, clean_draws), skeleton
        )
    return one
