"""An attacked photograph side by side, from its result and the two files."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hpe_art.evaluation.photograph.results import PhotographResult, Pose
from hpe_art.report.pictures import PersonPictures, side_by_side


def photograph_panel(
    result: PhotographResult, clean: NDArray[np.uint8], perturbed: NDArray[np.uint8]
) -> Figure:
    """The part that the crop shows: clean, perturbed, and the perturbation magnified.

    The poses are those that the network sees in the two files; the target pose, where there is
    one, is a fourth picture.

    Args:
        result: of the attack.
        clean: (H, W, 3), the photograph, blue first.
        perturbed: (H, W, 3), the written one.
    """
    x1, y1, x2, y2 = result.window
    joints = result.skeleton.joints

    def part(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return pixels[y1:y2, x1:x2, ::-1].transpose(2, 0, 1)

    def drawn(pose: Pose) -> NDArray[np.float64]:
        free = (np.nan, np.nan, 0.0)  # of the target: such joints are not drawn
        return np.array([pose.get(joint, free) for joint in joints], float) - (x1, y1, 0.0)

    person = PersonPictures(
        index=0,
        clean=part(clean),
        perturbed=part(perturbed),
        clean_pose=drawn(result.clean),
        perturbed_pose=drawn(result.written.pose),
        target_pose=None if result.target is None else drawn(result.target),
    )
    moved = result.written.moved.mean_percent
    headline = (
        f"{result.attack}, eps {result.eps:g} of 255 grey levels: joints moved by {moved:.0f} % "
        "of the box"
    )
    return side_by_side(person, headline, result.skeleton.bones, result.eps)
