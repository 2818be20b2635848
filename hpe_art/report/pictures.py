"""What an attack did to one person: the images side by side, with the predicted skeletons.

Images are (3, H, W), RGB, 0..255. Poses are (K, 3) or (K, 2), pixels of the image, x before y,
pixel centres on whole numbers. A joint that is not finite is left out, one outside is clipped.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hpe_art.evaluation.results import Attack, MetricRecord, Run
from hpe_art.report.skeleton_drawing import add_side_legend, draw_skeleton

FAST_PNG = {"compress_level": 1}
"""An eighth larger than by default, and a third faster to draw and write."""


@dataclass(frozen=True)
class PersonPictures:
    """One person before and after an attack; arrays as the module says.

    Attributes:
        index: place in the data set.
        clean, perturbed: images.
        clean_pose, perturbed_pose: predictions, in pixels of those images.
        target_pose: what a targeted attack aimed at, or None.
        clean_score, perturbed_score: this person's own, by the run's metric, or None.
    """

    index: int
    clean: np.ndarray
    perturbed: np.ndarray
    clean_pose: np.ndarray
    perturbed_pose: np.ndarray
    target_pose: np.ndarray | None = None
    clean_score: float | None = None
    perturbed_score: float | None = None


def person_panel(person: PersonPictures, attack: Attack, run: Run) -> Figure:
    """Clean, perturbed, the perturbation magnified and, where there is one, the target pose.

    Args:
        person: the images and poses.
        attack: of `run`. The perturbation is magnified to fill 0..255 at eps, in another norm than
            inf, or without a bound, at its largest value.
        run: whose skeleton and metric these are.

    Raises:
        ValueError: images that are not (3, H, W) or differ in shape.
    """
    _check_images(person.clean, person.perturbed)
    delta = np.asarray(person.perturbed, np.float64) - np.asarray(person.clean, np.float64)
    bound = attack.eps if attack.norm == "inf" else None
    factor = magnification(float(np.abs(delta).max()) if bound is None else bound)
    faded = 0.4 * np.asarray(person.clean, np.float64) + 0.6 * 128
    panels = [
        ("clean", person.clean, person.clean_pose),
        ("perturbed", person.perturbed, person.perturbed_pose),
        (f"perturbation \N{MULTIPLICATION SIGN} {factor:.3g}", 128 + factor * delta, None),
    ]
    if person.target_pose is not None:
        panels.append(("target pose", faded, person.target_pose))
    height, width = person.clean.shape[1:]
    figure = Figure(figsize=(3 * len(panels), 3 * height / width + 1.15), layout="constrained")
    figure.suptitle(_headline(person, attack, run.metric), fontsize=16)
    for axes, (title, image, pose) in zip(figure.subplots(1, len(panels)), panels, strict=True):
        _show(axes, image)
        axes.set_title(title, fontsize=15)
        if pose is not None:
            draw_skeleton(axes, pose, run.skeleton.bones)
    add_side_legend(figure)
    return figure


def save_pictures(
    folder: str | Path, people: Iterable[PersonPictures], attack: Attack, run: Run
) -> list[Path]:
    """Writes one PNG per person, such as ``igsm-t-20_eps8_0003.png``, and returns the paths."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    bound = "" if attack.eps is None else f"_eps{attack.eps:g}"
    stem = attack.name.lower().replace(" ", "-") + bound
    paths = []
    for person in people:
        path = folder / f"{stem}_{person.index:04d}.png"
        person_panel(person, attack, run).savefig(path, dpi=100, pil_kwargs=FAST_PNG)
        paths.append(path)
    return paths


def magnification(eps: float) -> float:
    """The factor at which a change of eps grey levels fills the range, at least 1."""
    return max(1.0, 128 / eps) if eps > 0 else 1.0


def _show(axes: Axes, image: np.ndarray) -> None:
    pixels = np.clip(np.rint(np.asarray(image, np.float64)), 0, 255).astype(np.uint8)
    axes.imshow(pixels.transpose(1, 2, 0))
    axes.set_xticks([])
    axes.set_yticks([])


def _headline(person: PersonPictures, attack: Attack, metric: MetricRecord) -> str:
    digits = 0 if metric.unit == "%" else 1 if metric.unit else 3
    before, after = (
        "-" if value is None else f"{value:.{digits}f}"
        for value in (person.clean_score, person.perturbed_score)
    )
    change = f"{before} \N{RIGHTWARDS ARROW} {after} {metric.unit}".rstrip()
    bound = "" if attack.eps is None else f", eps {attack.eps:g}"
    if bound and attack.norm == "inf":
        bound += " of 255 grey levels"
    return f"{attack.name}{bound}: {metric.key} of this person {change}"


def _check_images(clean: np.ndarray, perturbed: np.ndarray) -> None:
    if np.ndim(clean) != 3 or np.shape(clean)[0] != 3 or np.shape(clean) != np.shape(perturbed):
        raise ValueError(
            "Expected clean and perturbed images of the same shape (3, H, W). "
            f"Got {np.shape(clean)} and {np.shape(perturbed)}."
        )
