"""A finished study in one small file: each joint's score, settings and counts; no pictures.

What can be made again from less is left out: all scores and their intervals follow from the scores
of joints.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hpe_art.arrays import read_arrays, write_arrays
from hpe_art.errors import UserError
from hpe_art.evaluation.prepared import Prepared
from hpe_art.evaluation.result_files import ResultsError, check_results, parsed
from hpe_art.evaluation.results import Clean, Judged, MetricRecord, Results, Run, Score
from hpe_art.evaluation.scoring import Scored, stored_scores
from hpe_art.evaluation.store import CLEAN, OWN
from hpe_art.metrics import Metric, PeopleTruth
from hpe_art.metrics.bootstrap import Draws, drawn_scores
from hpe_art.skeleton import Skeleton

RECORD = "record.npz"
FORMAT = 1
UNLABELLED = 255
Scores = NDArray[np.float64]
"""(N, K) of each joint, NaN where it is not labelled."""


class Row(NamedTuple):
    """Whose predictions, of which images, and against what.

    `attack` is the place in `Run.attacks`, None for clean images; `to_target` is scored against
    the target poses instead of the true ones.
    """

    attack: int | None
    observer: str = OWN
    to_target: bool = False

    def judged(self, run: Run) -> Clean | Judged:
        """The part of the run that holds its scores."""
        if self.attack is None:
            return run.clean if self.observer == OWN else run.observers[self.observer].clean
        attack = run.attacks[self.attack]
        return attack if self.observer == OWN else attack.observed[self.observer]


class KnownMetric(Metric):
    """A metric whose joint scores are on record; `per` and `scored` as those of `Metric`."""

    label = ""  # as results say, instead of the property

    def __init__(self, named: MetricRecord, per: Any, scored: tuple[int, ...]) -> None:
        vars(self).update(named.model_dump(), per=per, scored=scored)

    def joint_scores(self, poses: ArrayLike, truth: PeopleTruth) -> Scores:
        """Not known of other poses."""
        raise NotImplementedError("Expected joint scores on record. Got poses.")


@dataclass(frozen=True)
class RecordedRun:
    """One network's results, and the metric's joint scores of every row that they follow from.

    `training` is the same of training people, under universal perturbations that were fitted.
    """

    run: Run
    scores: Mapping[Row, Scores]
    metric: Metric
    training: RecordedRun | None = None

    @property
    def skeleton(self) -> Skeleton:
        """As far as scores depend on it: flips and spreads of annotators are not in results."""
        known = self.run.skeleton
        groups = {name: tuple(joints) for name, joints in known.groups.items()}
        return Skeleton("", tuple(known.joints), (), groups, tuple(known.bones), None)

    def draws(self, row: Row) -> Draws:
        """The scores of the people, and of each bootstrap draw of them."""
        return drawn_scores(self.scores[row], self.metric, self.skeleton, self.run.seed)


@dataclass(frozen=True)
class Record:
    """A study: its results, complete but for pictures of examples, and joint scores by network."""

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


def person_scores(folder: Path, name: str, run: Run) -> RecordedRun | None:
    """The scores of each person's joints, clean and under each attack, as a folder has them.

    Args:
        folder: of a run or a study, or of a record.
        name: of the network in it.
        run: its results.

    Returns:
        None where they are not there, or by another metric.
    """
    if (folder / RECORD).is_file():
        one = read_record(folder).runs.get(name)
        return one if one and one.run.metric == run.metric else None
    own = folder / name  # in a study each network has one
    try:
        metric, scored = stored_scores(own if own.is_dir() else folder, run)
    except UserError:
        return None
    found = {Row(None): scored[CLEAN]}
    found |= {Row(i): scored[attack.folder] for i, attack in enumerate(run.attacks)}
    return RecordedRun(run, found, metric)


def write_record(path: str | Path, record: Record) -> None:
    """Writes a record to an .npz, to be read again by `read_record`."""
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
    arrays = {"about": np.frombuffer(text, np.uint8), **arrays}
    write_arrays(Path(path), arrays, np.savez_compressed)


def read_record(path: str | Path) -> Record:
    """Makes all scores and intervals again of what `write_record` wrote, or left in a folder.

    Raises a ResultsError if it is none.
    """
    path = Path(path)
    path = path / RECORD if path.is_dir() else path
    try:
        arrays = read_arrays(path)
        about = parsed(arrays.pop("about").tobytes())
        if about["format"] != FORMAT:
            raise ValueError(f"format {about['format']} instead of {FORMAT}")
        results = Results.model_validate(about["results"])
        check_results(results, path)
        runs = {name: _recorded(name, run, about, arrays) for name, run in results.runs.items()}
    except FileNotFoundError:
        raise ResultsError(f"Expected the record of a study. Got {path}: not there.") from None
    except ResultsError:
        raise
    except Exception as error:  # NumPy and zipfile have many words for a damaged file
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


class Unpacked(Mapping[Row, Scores]):
    """The scores of each row of what `_packed` gives, which take eight times as much, as asked."""

    def __init__(self, names: Sequence[Row], packed: NDArray[Any]) -> None:
        self._packed = dict(zip(names, packed, strict=True))

    def __getitem__(self, row: Row) -> Scores:
        packed = self._packed[row]
        scores = packed.astype(np.float64)
        if packed.dtype == np.uint8:
            scores[packed == UNLABELLED] = np.nan
        return scores

    def __iter__(self) -> Iterator[Row]:
        return iter(self._packed)

    def __len__(self) -> int:
        return len(self._packed)


def _packed(one: RecordedRun) -> NDArray[Any]:
    """(rows, N, K): hits in a byte each, other scores as they are."""
    scores = np.stack([one.scores[row] for row in rows(one.run)])
    unlabelled = np.isnan(scores)
    if np.isin(scores[~unlabelled], (0, 1)).all():
        return np.where(unlabelled, UNLABELLED, scores).astype(np.uint8)
    return scores


def _bare(run: Run) -> Run:
    """Without what follows from joint scores, and without pictures."""
    bare = run.model_copy(deep=True, update={"examples": []})
    nothing = Score(value=None)
    for row in rows(run):
        judged = row.judged(bare)
        judged.score = nothing
        if isinstance(judged, Judged):
            judged.relative = nothing
            known = row.observer == OWN and judged.target is not None
            judged.target = nothing if known else None
    return bare


def _plain(model: Any) -> Any:
    return model.model_dump(mode="json", exclude_defaults=True)


def _filled(
    run: Run, packed: NDArray[Any], metric: Metric, training: RecordedRun | None = None
) -> RecordedRun:
    """The run with its scores again."""
    run = run.model_copy(deep=True)
    one = RecordedRun(run, Unpacked(rows(run), packed), metric, training)
    skeleton = one.skeleton
    scored = {row: Scored.of(s, metric, skeleton, run.seed) for row, s in one.scores.items()}
    for row, found in scored.items():
        judged = row.judged(run)
        if row.to_target and isinstance(judged, Judged):
            judged.target = found.record(skeleton)
            continue
        judged.score = found.record(skeleton)
        if isinstance(judged, Judged):
            relative = found.relative_to(scored[Row(None, row.observer)])
            judged.relative = relative.record(skeleton)
    return one
