"""What any metric has to know of the people of a run, beside its predictions in the store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from hpe_art.arrays import read_arrays, write_arrays
from hpe_art.attacks.targets import TargetPoses
from hpe_art.data.people import People
from hpe_art.errors import UserError
from hpe_art.evaluation.store import Store
from hpe_art.metrics import PeopleTruth
from hpe_art.skeleton import Skeleton, skeleton_fault

PEOPLE = "people.npz"
SHAPES: dict[str, tuple[int | str, ...]] = {
    "index": ("N",), "y": ("N", "K", 3), "center": ("N", 2), "scale": ("N", 2), "size": (2,),
    "truth/keypoints": ("N", "K", 3), "truth/head_size": ("N",), "truth/bbox": ("N", 4),
    "truth/area": ("N",), "targets": ("N", "K", 3),
}  # fmt: skip


def keep_people(
    store: Store, people: People, skeleton: Skeleton, targets: TargetPoses | None
) -> None:
    """Writes them; `targets` are those of targeted attacks."""
    arrays = {f"truth/{k}": v for k, v in vars(people.truth).items() if v is not None}
    arrays |= {name: getattr(people, name) for name in ("index", "y", "center", "scale", "size")}
    arrays["skeleton"] = np.array(json.dumps(asdict(skeleton)))
    if targets is not None:
        arrays["targets"] = targets.scored
    write_arrays(store.folder / PEOPLE, arrays)


def kept_people(store: Store) -> tuple[People, Skeleton, TargetPoses | None]:
    """What `keep_people` wrote; the people have no data set.

    Raises:
        UserError: nothing is there, or it is damaged.
    """
    path = store.folder / PEOPLE
    if not path.is_file():
        raise UserError(
            f"Expected predictions of a run in {store.folder}, for another metric. Got none: run "
            "`attack` or `study` there, or leave --metric out."
        )
    try:
        held = read_arrays(path)
        skeleton = TypeAdapter(Skeleton).validate_json(str(held["skeleton"]))
        people, targets = _people(held, skeleton)
    except Exception as error:  # NumPy and zipfile have many words for a damaged file
        fact = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise UserError(
            f"Expected the people of a run in {path}. Got {fact}: run the same command again."
        ) from None
    return people, skeleton, targets


def _people(
    held: Mapping[str, NDArray[Any]], skeleton: Skeleton
) -> tuple[People, TargetPoses | None]:
    if fault := skeleton_fault("the people", skeleton.joints, skeleton.groups, skeleton.bones):
        raise ValueError(fault)
    if skeleton.sigmas is not None and len(skeleton.sigmas) != len(skeleton.joints):
        raise ValueError(f"{len(skeleton.sigmas)} sigmas of {len(skeleton.joints)} joints")
    sizes = {"N": len(held["index"]), "K": len(skeleton.joints)}
    for name, shape in SHAPES.items():
        wanted = tuple(sizes.get(str(side), side) for side in shape)
        if name in held and (held[name].shape != wanted or held[name].dtype.kind not in "iuf"):
            raise ValueError(f"{name} of {held[name].shape}, {held[name].dtype}, for {wanted}")
    own: dict[str, Any] = {name: held[name] for name in ("index", "y", "center", "scale")}
    truth = {k.removeprefix("truth/"): v for k, v in held.items() if k.startswith("truth/")}
    size = tuple(held["size"].tolist())
    people = People(dataset=None, truth=PeopleTruth(**truth), size=size, **own)
    return people, TargetPoses(held["targets"], "") if "targets" in held else None
