"""Another metric of a finished run, from its store: no network and no data set is needed."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from hpe_art.attacks.targets import TargetPoses
from hpe_art.data.people import People
from hpe_art.errors import UserError
from hpe_art.evaluation.results import Run
from hpe_art.evaluation.scoring import Judge, metric_record
from hpe_art.evaluation.store import CLEAN, OWN, Store, write_arrays
from hpe_art.metrics import PeopleTruth, metric_named
from hpe_art.skeleton import Skeleton

PEOPLE = "people.npz"


def keep_people(
    store: Store, people: People, skeleton: Skeleton, targets: TargetPoses | None
) -> None:
    """Writes what any metric has to know of the people beside their predictions."""
    arrays = {f"truth/{k}": v for k, v in vars(people.truth).items() if v is not None}
    arrays |= {name: getattr(people, name) for name in ("index", "y", "center", "scale", "size")}
    arrays["skeleton"] = np.array(json.dumps(asdict(skeleton)))
    if targets is not None:
        arrays["targets"] = targets.scored
    write_arrays(store.folder / PEOPLE, arrays)


def rescored(folder: Path, run: Run, name: str) -> Run:
    """The run in a folder scored by another metric per person; the official numbers stay.

    Raises:
        UserError: there is no store, no such metric, or the people lack its normaliser.
    """
    store = Store(folder / "store")
    people, skeleton, targets = _kept_people(store)
    metric = metric_named(name, skeleton)
    metric.check(people.truth)
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


def _kept_people(store: Store) -> tuple[People, Skeleton, TargetPoses | None]:
    path = store.folder / PEOPLE
    if not path.is_file():
        raise UserError(
            f"Expected predictions of a run in {store.folder}, for another metric. Got none: run "
            "`attack` or `study` there, or leave --metric out."
        )
    with np.load(path, allow_pickle=False) as file:
        held: dict[str, Any] = dict(file)
    truth = {k.removeprefix("truth/"): v for k, v in held.items() if k.startswith("truth/")}
    people = People(
        dataset=None,
        truth=PeopleTruth(**truth),
        size=tuple(held["size"].tolist()),
        **{name: held[name] for name in ("index", "y", "center", "scale")},
    )
    targets = TargetPoses(held["targets"], "") if "targets" in held else None
    return people, TypeAdapter(Skeleton).validate_json(str(held["skeleton"])), targets
