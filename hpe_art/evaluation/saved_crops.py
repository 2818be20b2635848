"""Perturbed crops as PNG: where they lie, whose they are, and what stands beside them.

    WORK_DIR/perturbed/ATTACK/00000.png   `save_images`; annotations of all in WORK_DIR/perturbed
    DIR/ATTACK-HASH/images/00000.png      `save_dataset`: each attack is a data set of its own

ATTACK-HASH is the folder of the attack in the store, by all that its outcome depends on.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import cv2
from numpy.typing import NDArray

from hpe_art.attacks import AttackSpec
from hpe_art.data.crops import crop_name, write_annotations
from hpe_art.errors import UserError
from hpe_art.evaluation.prepared import Prepared
from hpe_art.evaluation.store import file_name
from hpe_art.files import read_object, write_whole

PERTURBED, IMAGES = "perturbed", "images"
MADE_FROM = "made_from.json"
"""Beside the crops of an attack: what they were made from."""


class CropFolder(NamedTuple):
    """Where the crops of an attack are, and the folder that says what they were made from."""

    images: Path
    root: Path


def perturbed_folder(run: Prepared, attack: AttackSpec) -> Path:
    """Where `save_images` writes the crops of an attack."""
    names = {key: _name(one) for key, one in run.attacks.items()}
    (key,) = (key for key, one in run.attacks.items() if one == attack)
    alone = list(names.values()).count(names[key]) == 1
    return run.store.folder.parent / PERTURBED / (names[key] if alone else key)


def crop_folders(run: Prepared, key: str) -> list[CropFolder]:
    """Those of an attack, by its folder in the store."""
    found = []
    if run.spec.save_images:
        folder = perturbed_folder(run, run.attacks[key])
        found.append(CropFolder(folder, folder))
    if run.spec.save_dataset:
        folder = Path(run.spec.save_dataset) / key
        found.append(CropFolder(folder / IMAGES, folder))
    return found


def check_dataset(run: Prepared, overwrite: bool = False) -> list[Path]:
    """What lies in the folder of `save_dataset` and is not of this network, people and settings.

    Raises:
        UserError: there is something, which is not to be removed.
    """
    folder = Path(run.spec.save_dataset or "")
    found = sorted(folder.iterdir()) if run.spec.save_dataset and folder.exists() else []
    others = [path for path in found if _read(path).get("made_from") != _made_from(run)]
    if others and not overwrite:
        raise UserError(
            "Expected an empty folder for --save-dataset, or one of the same network, people and "
            f"settings. Got {folder} with {others[0].name}: name another, or --overwrite."
        )
    return others


def claim_crops(run: Prepared, overwrite: bool = False) -> None:
    """Removes crops of other runs, and says of whose those of this one are.

    Raises:
        UserError: as from `check_dataset`.
    """
    saved = (run.store.folder.parent / PERTURBED).glob("*")
    stale = [path for path in saved if _read(path).get("made_from") != _made_from(run)]
    for path in [*check_dataset(run, overwrite), *stale]:
        if _read(path):  # nothing but what a run has saved
            shutil.rmtree(path)
    for key in run.attacks:
        for folder in crop_folders(run, key):
            wanted = {"attack": key, "made_from": _made_from(run)}
            if _read(folder.root) != wanted:
                for crop in folder.images.glob("*.png"):
                    crop.unlink()
                write_whole(folder.root / MADE_FROM, json.dumps(wanted, indent=1) + "\n")


def held_crops(run: Prepared, key: str) -> set[int] | None:
    """People whose crops under an attack are there; None where none are to be saved."""
    held = [
        {int(path.stem) for path in folder.images.glob("*.png") if path.stem.isdecimal()}
        for folder in crop_folders(run, key)
    ]
    return set.intersection(*held) if held else None


def write_crops(
    run: Prepared, key: str, people: Iterable[int], images: Iterable[NDArray[Any]]
) -> None:
    """Writes crops (H, W, 3), whole grey levels and red first, each file whole or not at all."""
    folders = crop_folders(run, key)
    for person, image in zip(people, images, strict=True) if folders else ():
        _, png = cv2.imencode(".png", image[..., ::-1])
        for folder in folders:
            write_whole(folder.images / crop_name(person), png.tobytes())


def write_labels(run: Prepared) -> None:
    """Writes the annotations of all that was saved."""
    if run.spec.save_images:
        write_annotations(run.people, run.store.folder.parent / PERTURBED)
    if run.spec.save_dataset:
        for key in run.attacks:
            write_annotations(run.people, Path(run.spec.save_dataset) / key)


def _made_from(run: Prepared) -> dict[str, Any]:
    """All that crops depend on beside the attack, as it is read again."""
    known = {name: value for name, value in run.fingerprint.items() if name != "observers"}
    found: dict[str, Any] = json.loads(json.dumps(known))
    return found


def _read(folder: Path) -> dict[str, Any]:
    """What crops in a folder were made from; empty where it does not say."""
    return read_object(folder / MADE_FROM)


def _name(attack: AttackSpec) -> str:
    return file_name(f"{attack.label}_eps{attack.eps:g}")
