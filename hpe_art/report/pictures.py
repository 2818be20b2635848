"""What an attack did to each person: the images side by side, with the predicted skeletons.

Images are (3, H, W), RGB, 0..255. Poses are (K, 3) or (K, 2), pixels of the image, x before y,
pixel centres on whole numbers. A joint that is not finite is left out, one outside is clipped.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from hpe_art.evaluation.results import Attack, Run
from hpe_art.report.attack_figures import eps_curve
from hpe_art.report.leading import is_noise
from hpe_art.report.numbers import score_text
from hpe_art.report.skeleton_drawing import Bones, add_side_legend, draw_skeleton
from hpe_art.report.styles import save_figure

FAST_PNG = {"compress_level": 1}
"""An eighth larger than by default, and a third faster to draw and write."""


LINE = 70
"""Letters that fit above three images."""
MARK = {"Software": "hpe_art"}
"""What our PNG files say of themselves."""


@dataclass(frozen=True)
class PersonPictures:
    """One person before and after an attack; arrays as the module says."""

    index: int  # place in the data set
    clean: np.ndarray
    perturbed: np.ndarray
    clean_pose: np.ndarray  # predictions, in pixels of those images
    perturbed_pose: np.ndarray
    target_pose: np.ndarray | None = None  # what a targeted attack aimed at
    clean_score: float | None = None  # this person's own; against the target pose if there is one
    perturbed_score: float | None = None


def pictured_attacks(run: Run) -> dict[str, Attack]:
    """The attacks that are worth a picture, by name: all but noise, each at its largest eps."""
    pictured: dict[str, Attack] = {}
    for attack in run.attacks:
        known = pictured.get(attack.name)
        if not is_noise(run, attack) and (known is None or (attack.eps or 0) > (known.eps or 0)):
            pictured[attack.name] = attack
    return pictured


def remove_pictures(folder: Path) -> int:
    """Removes the pictures that an earlier run drew in a folder, and no others; their number."""
    count = 0
    for path in folder.glob("*.png"):
        with suppress(OSError):
            with Image.open(path) as image:
                drawn = image.info.get("Software") == MARK["Software"]
            if drawn:
                path.unlink()
                count += 1
    return count


def draw_pictures(
    folder: str | Path, people_by_attack: Mapping[str, Sequence[PersonPictures]], run: Run
) -> int:
    """Writes a picture for each attack and person, and the curve if there are several eps.

    People are by the names of `pictured_attacks`, at their eps; others are not drawn. Returns the
    number of pictures.
    """
    folder, count = Path(folder), 0
    for name, attack in pictured_attacks(run).items():
        count += len(save_pictures(folder, people_by_attack.get(name, ()), attack, run))
    if len({attack.eps for attack in run.attacks if attack.eps}) > 1:
        save_figure(folder / "eps_curve.png", eps_curve(run), dpi=150, metadata=MARK)
        count += 1
    return count


def save_pictures(
    folder: str | Path, people: Iterable[PersonPictures], attack: Attack, run: Run
) -> list[Path]:
    """Writes one PNG per person, such as ``igsm-t-20_eps8_0003.png``, and returns the paths."""
    folder = Path(folder)
    bound = "" if attack.eps is None else f"_eps{attack.eps:g}"
    stem = attack.name.lower().replace(" ", "-") + bound
    paths = []
    for person in people:
        path = folder / f"{stem}_{person.index:04d}.png"
        panel = person_panel(person, attack, run)
        save_figure(path, panel, dpi=100, metadata=MARK, pil_kwargs=FAST_PNG)
        paths.append(path)
    return paths


def person_panel(person: PersonPictures, attack: Attack, run: Run) -> Figure:
    """Clean, perturbed, the perturbation magnified and, where there is one, the target pose.

    The perturbation is magnified to fill 0..255 at eps; in another norm than inf, or without a
    bound, at its largest value. `attack` is one of `run`, whose skeleton and metric are used.

    Raises:
        ValueError: images that are not (3, H, W) or differ in shape.
    """
    bound = attack.eps if attack.norm == "inf" else None
    return side_by_side(person, _headline(person, attack, run), run.skeleton.bones, bound)


def side_by_side(
    person: PersonPictures, headline: str, bones: Bones, bound: float | None = None
) -> Figure:
    """As `person_panel`, for any headline.

    Args:
        person: its images, poses and target pose.
        headline: above the images.
        bones: of the skeleton.
        bound: grey levels at which the perturbation fills 0..255; default its largest value.

    Raises:
        ValueError: images that are not (3, H, W) or differ in shape.
    """
    shape = np.shape(person.clean)
    if len(shape) != 3 or shape[0] != 3 or shape != np.shape(person.perturbed):
        raise ValueError(
            "Expected clean and perturbed images of the same shape (3, H, W). "
            f"Got {shape} and {np.shape(person.perturbed)}."
        )
    clean = np.asarray(person.clean, np.float64)
    delta = np.asarray(person.perturbed, np.float64) - clean
    factor = magnification(float(np.abs(delta).max()) if bound is None else bound)
    panels = [
        ("clean", clean, person.clean_pose),
        ("perturbed", person.perturbed, person.perturbed_pose),
        (f"perturbation \N{MULTIPLICATION SIGN} {factor:.3g}", 128 + factor * delta, None),
    ]
    if person.target_pose is not None:
        panels.append(("target pose", 0.4 * clean + 0.6 * 128, person.target_pose))
    height, width = shape[1:]
    figure = Figure(figsize=(3 * len(panels), 3 * height / width + 1.4), layout="constrained")
    figure.suptitle(headline, fontsize=16, parse_math=False)
    for axes, (title, image, pose) in zip(figure.subplots(1, len(panels)), panels, strict=True):
        _show(axes, image)
        axes.set_title(title, fontsize=15)
        if pose is not None:
            draw_skeleton(axes, pose, bones)
    add_side_legend(figure)
    return figure


def magnification(eps: float) -> float:
    """The factor at which a change of eps grey levels fills the range, at least 1."""
    return max(1.0, 128 / eps) if eps > 0 else 1.0


def _show(axes: Axes, image: np.ndarray) -> None:
    pixels = np.clip(np.rint(np.asarray(image, np.float64)), 0, 255).astype(np.uint8)
    axes.imshow(pixels.transpose(1, 2, 0))
    axes.set(xticks=[], yticks=[])


def _headline(person: PersonPictures, attack: Attack, run: Run) -> str:
    metric = run.metric
    digits = 0 if metric.unit == "%" else 1 if metric.unit else 3
    scores = (person.clean_score, person.perturbed_score)
    change = " \N{RIGHTWARDS ARROW} ".join(score_text(one, digits) for one in scores)
    bound = "" if attack.eps is None else f", eps {attack.eps:g}"
    if bound and attack.norm == "inf":
        bound += " of 255 grey levels"
    whose = "this person" if person.target_pose is None else "the target pose"
    said = f"{attack.name}{bound}: {metric.key} of {whose} {change} {metric.unit}"
    called = run.dataset.called(person.index)
    short = called if len(called) <= LINE else f"…{called[1 - LINE :]}"
    return f"{short}\n{said.rstrip()}"
