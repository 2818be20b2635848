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
from matplotlib.lines import Line2D
from matplotlib.patheffects import Normal, Stroke

from hpe_art.mpii import SKELETON

# Fill and outline. Light against dark survives grey print, yellow against blue all
# common forms of colour blindness (Okabe and Ito 2008).
COLOURS = {
    "right": ("#F0E442", "black"),
    "left": ("#0072B2", "white"),
    "centre": ("#B8B8B8", "black"),
}

FAST_PNG = {"compress_level": 1}
"""An eighth larger than by default, and a third faster to draw and write."""


@dataclass(frozen=True)
class Person:
    """One person before and after an attack; arrays as the module says.

    Attributes:
        index: place in the data set.
        clean, perturbed: images.
        clean_pose, perturbed_pose: predictions, in pixels of those images.
        target_pose: what a targeted attack aimed at, or None.
        clean_pckh, perturbed_pckh: this person's own PCKh in percent, or None.
    """

    index: int
    clean: np.ndarray
    perturbed: np.ndarray
    clean_pose: np.ndarray
    perturbed_pose: np.ndarray
    target_pose: np.ndarray | None = None
    clean_pckh: float | None = None
    perturbed_pckh: float | None = None


def person_panel(person: Person, name: str, eps: float, norm: float = np.inf) -> Figure:
    """Clean, perturbed, the perturbation magnified and, where there is one, the target pose.

    Args:
        person: the images and poses.
        name: of the attack, such as IGSM-T-20.
        eps: in grey levels, or in its norm.
        norm: numpy.inf, 1 or 2. The perturbation is magnified to fill 0..255 at eps, in another
            norm at its largest value.

    Raises:
        ValueError: images that are not (3, H, W) or differ in shape.
    """
    _check_images(person.clean, person.perturbed)
    delta = np.asarray(person.perturbed, np.float64) - np.asarray(person.clean, np.float64)
    factor = magnification(eps if norm == np.inf else float(np.abs(delta).max()))
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
    figure.suptitle(_headline(person, name, eps, norm), fontsize=16)
    for axes, (title, image, pose) in zip(figure.subplots(1, len(panels)), panels, strict=True):
        _show(axes, image)
        axes.set_title(title, fontsize=15)
        if pose is not None:
            draw_skeleton(axes, pose)
    _add_legend(figure)
    return figure


def draw_skeleton(axes: Axes, pose: np.ndarray, linewidth: float = 3) -> list[Line2D]:
    """Draws the 15 lines of ``mpii.SKELETON``, coloured by side, and returns them in its order."""
    pose = np.asarray(pose)
    lines = []
    for first, second, side in SKELETON:
        fill, outline = COLOURS[side]
        x, y = pose[[first, second], :2].T
        (line,) = axes.plot(
            x,
            y,
            color=fill,
            linewidth=linewidth,
            marker="o",
            markersize=1.5 * linewidth,
            markeredgewidth=0,
            solid_capstyle="round",
            scalex=False,
            scaley=False,
        )
        line.set_path_effects([Stroke(linewidth=linewidth + 1.6, foreground=outline), Normal()])
        lines.append(line)
    return lines


def save_pictures(
    folder: str | Path, people: Iterable[Person], name: str, eps: float, norm: float = np.inf
) -> list[Path]:
    """Writes one PNG per person, such as ``igsm-t-20_eps8_0003.png``, and returns the paths."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for person in people:
        stem = name.lower().replace(" ", "-")
        path = folder / f"{stem}_eps{eps:g}_{person.index:04d}.png"
        person_panel(person, name, eps, norm).savefig(path, dpi=100, pil_kwargs=FAST_PNG)
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


def _headline(person: Person, name: str, eps: float, norm: float) -> str:
    before, after = (
        "-" if value is None else f"{value:.0f}"
        for value in (person.clean_pckh, person.perturbed_pckh)
    )
    change = f"{before} \N{RIGHTWARDS ARROW} {after} %"
    size = f"eps {eps:g} of 255 grey levels" if norm == np.inf else f"eps {eps:g}"
    return f"{name}, {size}: PCKh of this person {change}"


def _add_legend(figure: Figure) -> None:
    handles = []
    for side in ("right", "left"):
        fill, outline = COLOURS[side]
        handle = Line2D([], [], color=fill, linewidth=5, label=f"the person's {side}")
        handle.set_path_effects([Stroke(linewidth=7, foreground=outline), Normal()])
        handles.append(handle)
    figure.legend(
        handles=handles, loc="outside lower center", ncols=2, fontsize=14, facecolor="#888888"
    )


def _check_images(clean: np.ndarray, perturbed: np.ndarray) -> None:
    if np.ndim(clean) != 3 or np.shape(clean)[0] != 3 or np.shape(clean) != np.shape(perturbed):
        raise ValueError(
            "Expected clean and perturbed images of the same shape (3, H, W). "
            f"Got {np.shape(clean)} and {np.shape(perturbed)}."
        )
