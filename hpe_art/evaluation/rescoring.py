"""Another metric of a finished run, from its store: no network and no data set is needed."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpe_art.attacks.targets import TargetPoses
from hpe_art.data.people import People
from hpe_art.errors import UserError
from hpe_art.evaluation.results import Attack, Judged, Run
from hpe_art.evaluation.scoring import Judge, metric_record
from hpe_art.evaluation.store import CLEAN, OWN, Store
from hpe_art.files import write_whole
from hpe_art.metrics import PeopleTruth, metric_named
from hpe_art.skeleton import Skeleton

PEOPLE = "people.npz"


def keep_people(
    store: Store, people: People, skeleton: Skeleton, targets: TargetPoses | None
) -> None:
    """Writes what any metric has to know of the people beside their predictions."""
    truth = {one.name: getattr(people.truth, one.name) for one in fields(people.truth)}
    arrays: dict[str, Any] = {f"truth/{k}": v for k, v in truth.items() if v is not None}
    arrays |= {name: getattr(people, name) for name in ("index", "y", "center", "scale", "size")}
    arrays["skeleton"] = np.array(json.dumps(asdict(skeleton)))
    if targets is not None:
        arrays["targets"] = targets.scored
    packed = io.BytesIO()
    np.savez(packed, **arrays)
    write_whole(store.folder / PEOPLE, packed.getvalue())


def rescored(folder: Path, run: Run, name: str) -> Run:
    """The run scored by another metric per person; the official numbers stay.

    Args:
        folder: of its results and store.
        run: its results.
        name: of a registered metric.

    Raises:
        UserError: there is no store, no such metric, or the people lack its normaliser.
    """
    store = Store(folder / "store")
    people, skeleton, targets = _kept_people(store)
    metric = metric_named(name, skeleton)
    metric.check(people.truth)
    judge = Judge(people, metric, skeleton, run.seed, None, targets)

    def again(observer: str, attack: Attack, held: Judged) -> dict[str, Any]:
        poses = store.gathered(attack.folder, people.index, observer)
        judged = judge.perturbed(observer, poses)
        return {part: getattr(judged, part) for part in ("score", "relative", "target")}

    def clean(observer: str) -> dict[str, Any]:
        return {"score": judge.clean(observer, store.gathered(CLEAN, people.index, observer)).score}

    observers = {
        other: held.model_copy(update={"clean": held.clean.model_copy(update=clean(other))})
        for other, held in run.observers.items()
    }
    scores = clean(OWN)
    attacks = []
    for attack in run.attacks:
        observed = {
            other: held.model_copy(update=again(other, attack, held))
            for other, held in attack.observed.items()
        }
        update = again(OWN, attack, attack) | {"observed": observed}
        attacks.append(attack.model_copy(update=update))
    return run.model_copy(
        update={
            "metric": metric_record(metric),
            "clean": run.clean.model_copy(update=scores),
            "observers": observers,
            "attacks": attacks,
        }
    )


def _kept_people(store: Store) -> tuple[People, Skeleton, TargetPoses | None]:
    path = store.folder / PEOPLE
    if not path.is_file():
        raise UserError(
            f"Expected predictions of a run in {store.folder}, for another metric. Got none: run "
            "`attack` or `study` there, or leave --metric out."
        )
    with np.load(path, allow_pickle=False) as file:
        held: dict[str, NDArray[Any]] = dict(file)
    facts = json.loads(str(held["skeleton"]))
    for name in ("joints", "flip_indices", "sigmas"):
        facts[name] = None if facts[name] is None else tuple(facts[name])
    facts["groups"] = {name: tuple(group) for name, group in facts["groups"].items()}
    facts["bones"] = tuple(tuple(bone) for bone in facts["bones"])
    truth = {k.removeprefix("truth/"): v for k, v in held.items() if k.startswith("truth/")}
    width, height = held["size"].tolist()
    people = People(
        dataset=None,
        index=held["index"],
        y=held["y"],
        truth=PeopleTruth(**truth),
        center=held["center"],
        scale=held["scale"],
        size=(width, height),
    )
    targets = TargetPoses(held["targets"], "") if "targets" in held else None
    return people, Skeleton(**facts), targets
