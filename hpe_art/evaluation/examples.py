"""Pictures of a run for its report: the first people, clean and under each attack, as WebP."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hpe_art.evaluation.attacking import pixels, rgb
from hpe_art.evaluation.collecting import pictured_people
from hpe_art.evaluation.prepared import Prepared
from hpe_art.evaluation.results import Attack, Example, PicturedPerson, Run
from hpe_art.evaluation.store import CLEAN
from hpe_art.files import write_whole

FINE, COARSE = 85, 50
"""WebP qualities, of images and of perturbations."""


def saved_examples(
    prepared: Prepared, run: Run, folder: Path, under: str, attacks: Collection[str]
) -> list[Example]:
    """Writes the people whose images were kept, clean and under the attacks of these names.

    Args:
        prepared: what the run was made with.
        run: its results.
        folder: of the result file, to which pictures are named relative.
        under: folder of the pictures in it.
        attacks: names; those without an eps are left out.
    """
    if not prepared.spec.kept:
        return []
    people = prepared.people[: prepared.spec.kept]
    images = rgb(prepared.estimator, people.x[:])
    poses = prepared.store.gathered(CLEAN, people.index)
    clean = [
        PicturedPerson(
            person=person,
            pose=_points(pose),
            image=write_picture(folder, f"{under}/clean_{i}.webp", image, FINE),
        )
        for i, (person, pose, image) in enumerate(
            zip(people.index.tolist(), poses, images, strict=True)
        )
    ]
    found = [Example(attack=CLEAN, eps=0.0, people=clean)]
    for attack in run.attacks:
        if attack.name in attacks and attack.eps:
            stem = f"{under}/{attack.name.lower().replace(' ', '-')}_eps{attack.eps:g}"
            pictured = [
                _pictured(one, attack, folder, f"{stem}_{i}")
                for i, one in enumerate(pictured_people(prepared, attack))
            ]
            found.append(Example(attack=attack.name, eps=attack.eps, people=pictured))
    return found


def _pictured(one: dict[str, Any], attack: Attack, folder: Path, stem: str) -> PicturedPerson:
    delta = one["perturbed"] - one["clean"].astype(np.float32)
    # In other norms eps bounds no single pixel.
    bound = attack.eps if attack.norm == "inf" and attack.eps else float(np.abs(delta).max()) or 1.0
    return PicturedPerson(
        person=one["index"],
        pose=_points(one["perturbed_pose"]),
        target=_aims(one["target_pose"]),
        image=write_picture(folder, f"{stem}.webp", one["perturbed"], FINE),
        perturbation=write_picture(folder, f"{stem}_delta.webp", scaled(delta, bound), COARSE),
    )


def _points(pose: NDArray[Any]) -> list[list[float]]:
    return np.round(pose[:, :2].astype(np.float64), 1).tolist()


def _aims(pose: NDArray[Any] | None) -> list[Any] | None:
    if pose is None:
        return None
    return [None if np.isnan(point).any() else point for point in _points(pose)]


def scaled(delta: NDArray[Any], bound: float) -> NDArray[np.float32]:
    """A perturbation of -bound to bound as an image of 0 to 255."""
    found: NDArray[np.float32] = np.clip((delta / bound + 1) * np.float32(127.5), 0, 255)
    return found


def write_picture(folder: Path, name: str, image: NDArray[Any], quality: int) -> str:
    """Writes an image (3, H, W), red first; gives its name."""
    written = np.ascontiguousarray(pixels(image)[..., ::-1])
    _, webp = cv2.imencode(".webp", written, [cv2.IMWRITE_WEBP_QUALITY, quality])
    write_whole(folder / name, webp.tobytes())
    return name
