"""A run that was stopped: what it was to do, written before it attacks, and what it has done."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from hpe_art.attacks.targets import TargetPoses
from hpe_art.errors import UserError
from hpe_art.evaluation.attacking import TARGET
from hpe_art.evaluation.collecting import led_by, unscored_run
from hpe_art.evaluation.kept_people import keep_people, kept_people
from hpe_art.evaluation.prepared import Prepared
from hpe_art.evaluation.result_files import ResultsError, check_results, read_document
from hpe_art.evaluation.results import Attack, Record, Results, Run
from hpe_art.evaluation.scoring import Judge, metric_record, scored_run
from hpe_art.evaluation.store import CLEAN, OWN, Store
from hpe_art.files import write_whole
from hpe_art.metrics import metric_named

BEGUN = "begun.json"
"""In the store: the run, without scores."""


class Begun(Record):
    """What a run is to do; `led` as for `scored_run`."""

    run: Run
    led: dict[str, list[str]]


def write_begun(prepared: Prepared, record: Mapping[str, Any]) -> None:
    """Writes what a report of the run needs, should it be stopped; `record` as for `run_record`."""
    begun = Begun(run=unscored_run(prepared, record), led=led_by(prepared))
    keep_people(prepared.store, prepared.people, prepared.skeleton, None)
    write_whole(prepared.store.folder / BEGUN, begun.model_dump_json(indent=1) + "\n")


def read_unfinished(folder: Path) -> Run | None:
    """What a run that was stopped has done: the scores of everybody who was attacked by then.

    `missing` says what there is not: attacks that none of these people had, people, and official
    numbers, which need the data set.

    Args:
        folder: of the run.

    Returns:
        None where nothing was begun, or nobody's clean prediction is held.

    Raises:
        UserError: what is held cannot be used.
    """
    store = Store(folder / "store")
    if not (store.folder / BEGUN).is_file():
        return None
    try:
        begun = Begun.model_validate(read_document(store.folder / BEGUN))
    except ValidationError as error:
        first = str(error).splitlines()[0]
        raise ResultsError(f"Expected a run in {store.folder / BEGUN}. Got {first}.") from None
    check_results(Results(runs={Path(begun.run.config).stem: begun.run}), store.folder / BEGUN)
    return _scored(begun, store)


def _scored(begun: Begun, store: Store) -> Run | None:
    people, skeleton, _ = kept_people(store)
    held = _whole(store, CLEAN, begun.run.observers).intersection(people.index.tolist())
    if not held:
        return None
    done: list[Attack] = []
    for attack in begun.run.attacks:
        if both := held & _whole(store, attack.folder, attack.observed):
            held, done = both, [*done, attack]
    some = people[np.isin(people.index, list(held))]
    metric = metric_named(begun.run.metric.key, skeleton)
    if metric_record(metric) != begun.run.metric:
        raise UserError(f"Expected {metric.label}. Got {begun.run.metric.label} in {store.folder}.")
    targets = _targets(store, [attack.folder for attack in done], some.index)
    judge = Judge(some, metric, skeleton, begun.run.seed, None, targets)
    run = scored_run(begun.run.model_copy(update={"attacks": done}), begun.led, judge, store)
    lacking = [attack for attack in begun.run.attacks if attack not in done]
    run.missing = [f"{one.name} eps {one.eps or math.inf:g}" for one in lacking]
    if count := len(people) - len(some):
        run.missing.append(f"{count} of {len(people)} people")
    run.missing.append("official numbers and pictures")
    run.dataset = run.dataset.model_copy(update={"num_samples": len(some)})
    return run


def _whole(store: Store, key: str, observers: Mapping[str, Any]) -> set[int]:
    """People whose images under an attack all have seen."""
    held = store.held(key)
    return set.intersection(*(held.get(name, set()) for name in (OWN, *observers)))


def _targets(store: Store, keys: list[str], index: NDArray[np.int64]) -> TargetPoses | None:
    """Those that any targeted attack had."""
    found = (store.details(key, index, TARGET) for key in keys)
    return next((TargetPoses(poses, "") for poses in found if poses is not None), None)
