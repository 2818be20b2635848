"""People as their annotations say: joints, box and head box, drawn on the photograph."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from hpe_art.data.folder_checks import Annotated
from hpe_art.report.pictures import FAST_PNG, MARK
from hpe_art.report.skeleton_drawing import add_side_legend, draw_skeleton
from hpe_art.report.styles import save_figure

PADDING = 1.25
"""Of MMPose's `GetBBoxCenterScale`, unless a config says otherwise."""
MPII_UNIT = 200
"""Pixels of a box whose scale is 1."""
OUTLINE = [withStroke(linewidth=2.5, foreground="black")]


def draw_annotated(folder: Path, stem: str, people: Iterable[Annotated]) -> int:
    """Writes a picture of each person, such as ``mpii_val_0003.png``; gives their number."""
    drawn = 0
    for person in people:
        path = folder / f"{stem}_{person.number:04d}.png"
        panel = annotated_panel(person)
        save_figure(path, panel, dpi=100, metadata=MARK, pil_kwargs=FAST_PNG)
        drawn += 1
    return drawn


def annotated_panel(person: Annotated) -> Figure:
    """The part of the photograph around a person, with all that is said of the person."""
    pixels = cv2.imread(str(person.image), cv2.IMREAD_COLOR)
    if pixels is None:
        raise OSError(f"Expected an image. Got {person.image}, which cannot be read any more.")
    figure = Figure(figsize=(6.5, 7.5), layout="constrained")
    axes = figure.subplots()
    axes.imshow(pixels[..., ::-1])
    axes.set(xticks=[], yticks=[])
    axes.set_title(described(person), fontsize=11)
    x1, y1, x2, y2 = person.box
    middle, size = np.array([x1 + x2, y1 + y2]) / 2, np.array([x2 - x1, y2 - y1])
    _rectangle(axes, person.box, "the person's box", "-")
    crop = np.concatenate([middle - PADDING * size / 2, middle + PADDING * size / 2])
    _rectangle(axes, crop, f"the crop, if it is padded by {PADDING:g}", ":")
    if person.head_box is not None:
        _rectangle(axes, person.head_box, "head box", "--")
    labelled = person.pose[:, 2] > 0
    points = np.where(labelled[:, None], person.pose[:, :2], np.nan)
    if person.skeleton is not None:
        draw_skeleton(axes, points, person.skeleton.bones, linewidth=2)
        add_side_legend(figure)
    left, top = np.fmin(crop[:2], np.nanmin(points, axis=0)) - 0.05 * size
    right, bottom = np.fmax(crop[2:], np.nanmax(points, axis=0)) + 0.05 * size
    axes.set(xlim=(left, right), ylim=(bottom, top))
    known = np.flatnonzero(labelled)
    skeleton = person.skeleton
    names = [str(one) if skeleton is None else skeleton.joints[one] for one in known]
    _name_joints(axes, points[known], names)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 0), ncols=3, fontsize=8)
    return figure


def described(person: Annotated) -> str:
    """Who it is, and what was read, in words."""
    width, height = person.box[2:] - person.box[:2]
    lengths = [f"box {width:.0f} x {height:.0f} pixels"]
    if person.head_box is not None:
        diagonal = np.linalg.norm(person.head_box[2:] - person.head_box[:2])
        lengths = [f"scale {width / MPII_UNIT:.3g} (box of {width:.0f} pixels)"]
        lengths.append(f"head_size {0.6 * diagonal:.1f} pixels")
    labelled = int((person.pose[:, 2] > 0).sum())
    who = f"person {person.number}, {person.image.name}: {labelled} of {len(person.pose)} joints"
    return "\n".join([who, ", ".join(lengths)])


def _rectangle(axes: Axes, box: np.ndarray, label: str, dash: str) -> None:
    x1, y1, x2, y2 = box
    drawn = Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, label=label)
    drawn.set(edgecolor="white", linewidth=1.5, linestyle=dash, path_effects=OUTLINE)
    axes.add_patch(drawn)


def _name_joints(axes: Axes, places: np.ndarray, names: Sequence[str]) -> None:
    """Writes the names in two columns beside the person, each with a line to its joint."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    by_side = np.argsort(places[:, 0], kind="stable")
    half = len(by_side) // 2
    for column, edge, side in ((by_side[:half], left, "left"), (by_side[half:], right, "right")):
        column = column[np.argsort(places[column, 1], kind="stable")]
        heights = _spread(places[column, 1], (bottom - top) / max(28, len(column) + 2))
        inwards = 0.01 * (right - left) * (1 if side == "left" else -1)
        for joint, height in zip(column, heights, strict=True):
            text = axes.annotate(
                names[joint],
                places[joint],
                xytext=(edge + inwards, height),
                ha=side,
                va="center",
                fontsize=7,
                color="white",
                arrowprops=dict(arrowstyle="-", color="white", linewidth=0.5),
            )
            text.set(path_effects=OUTLINE)


def _spread(heights: np.ndarray, apart: float) -> np.ndarray:
    """Sorted heights, moved downwards where two are less than `apart`; the whole stays centred."""
    steps = apart * np.arange(len(heights))
    spread = np.maximum.accumulate(heights - steps) + steps
    return spread - (spread - heights).mean() if len(heights) else spread
