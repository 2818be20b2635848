"""The perturbed images of the first people, small enough to be looked at in a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hpe_art.attacks import Universal
from hpe_art.evaluation.attacking import pixels, rgb
from hpe_art.evaluation.collecting import pictured_people
from hpe_art.evaluation.observers import Observer
from hpe_art.evaluation.prepared import Prepared
from hpe_art.evaluation.results import Alone, Example, PicturedPerson, Run
from hpe_art.evaluation.store import CLEAN
from hpe_art.studies.jain2019.grid import USUAL

FINE, COARSE = 85, 50
"""WebP qualities, of images and of perturbations."""


def saved_examples(prepared: Prepared, run: Run, folder: Path, name: str) -> list[Example]:
    """Writes the first people, clean and under the usual attacks, as WebP.

    Args:
        prepared: whose store has their images.
        run: its results.
        folder: of the study.
        name: of the network; the pictures are in FOLDER/NAME/pictures.
    """
    people = prepared.people[: prepared.spec.kept]
    images = rgb(prepared.estimator, people.x[:])
    poses = prepared.store.gathered(CLEAN, people.index)
    clean = [
        PicturedPerson(
            person=person,
            pose=_points(pose),
            image=_write(folder, f"{name}/pictures/clean_{i}.webp", image, FINE),
        )
        for i, (person, pose, image) in enumerate(
            zip(people.index.tolist(), poses, images, strict=True)
        )
    ]
    found = [Example(attack=CLEAN, eps=0.0, people=clean)]
    for attack in run.attacks:
        if attack.name in USUAL and attack.eps:
            stem = f"{name}/pictures/{attack.name.lower()}_eps{attack.eps:g}"
            pictured = [
                _pictured(one, attack.eps, folder, f"{stem}_{i}")
                for i, one in enumerate(pictured_people(prepared, attack))
            ]
            found.append(Example(attack=attack.name, eps=attack.eps, people=pictured))
    return found


def saved_alone(prepared: Prepared, folder: Path, name: str) -> list[Alone]:
    """Writes each universal perturbation, and says what every network sees in it alone.

    Args:
        prepared: after its run, when all perturbations are fitted.
        folder: of the study.
        name: of the network.
    """
    found = []
    estimator, bgr = prepared.estimator, prepared.estimator.packs_bgr
    others = [observer for observer in prepared.observers if observer.kind == "transfer"]
    networks = [Observer(name, estimator), *others]
    for attack in prepared.attacks.values():
        if isinstance(attack, Universal):
            noise = attack.build(estimator).resized(*estimator.input_shape[1:]).cpu().numpy()
            image = _scaled(noise, attack.eps)[None]
            path = f"{name}/pictures/alone_{attack.label.lower()}_eps{attack.eps:g}.webp"
            seen = {one.name: one.poses(image, bgr)[0] for one in networks}
            found.append(
                Alone(
                    outputs=attack.outputs,
                    eps=attack.eps,
                    image=_write(folder, path, rgb(estimator, image)[0], FINE),
                    poses={other: np.round(pose, 2).tolist() for other, pose in seen.items()},
                )
            )
    return found


def _pictured(one: dict[str, Any], eps: float, folder: Path, stem: str) -> PicturedPerson:
    moved = _scaled(one["perturbed"] - one["clean"].astype(np.float32), eps)
    return PicturedPerson(
        person=one["index"],
        pose=_points(one["perturbed_pose"]),
        image=_write(folder, f"{stem}.webp", one["perturbed"], FINE),
        perturbation=_write(folder, f"{stem}_delta.webp", moved, COARSE),
    )


def _points(pose: NDArray[Any]) -> list[list[float]]:
    return np.round(pose[:, :2].astype(np.float64), 1).tolist()


def _scaled(delta: NDArray[Any], eps: float) -> NDArray[np.float32]:
    """A perturbation of -eps to eps as an image of 0 to 255."""
    scaled: NDArray[np.float32] = np.clip((delta / eps + 1) * np.float32(127.5), 0, 255)
    return scaled


def _write(folder: Path, name: str, image: NDArray[Any], quality: int) -> str:
    """Writes an image (3, H, W), red first; gives its name."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    written = np.ascontiguousarray(pixels(image)[..., ::-1])
    cv2.imwrite(str(path), written, [cv2.IMWRITE_WEBP_QUALITY, quality])
    return name
