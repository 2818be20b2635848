"""How a pose is drawn: each side of the body with its colour, outline and dash."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import Normal, Stroke

Bones = Sequence[tuple[int, int, str]]

# Light against dark survives grey print, yellow against blue all common forms of colour blindness
# (Okabe and Ito 2008).
FILLS = {"right": "#F0E442", "left": "#0072B2", "centre": "#B8B8B8"}
OUTLINES = {"right": "black", "left": "white", "centre": "black"}


def draw_skeleton(axes: Axes, pose: np.ndarray, bones: Bones, linewidth: float = 3) -> list[Line2D]:
    """Draws a pose on an image, whose view stays as it is; gives a line for each bone.

    Args:
        axes: of the image.
        pose: (K, 2) or (K, 3), pixels. Bones of joints that are not finite are left out.
        bones: joint, joint, and side.
        linewidth: in points.
    """
    pose = np.asarray(pose)
    lines = []
    for first, second, side in bones:
        x, y = pose[[first, second], :2].T
        (line,) = axes.plot(x, y, color=FILLS[side], scalex=False, scaley=False)
        line.set(linewidth=linewidth, solid_capstyle="round")
        line.set(marker="o", markersize=1.5 * linewidth, markeredgewidth=0)
        outline = Stroke(linewidth=linewidth + 1.6, foreground=OUTLINES[side])
        line.set_path_effects([outline, Normal()])
        lines.append(line)
    return lines


def add_side_legend(figure: Figure) -> None:
    """Says below a figure which colour is which side."""
    handles = []
    for side in ("right", "left"):
        handle = Line2D([], [], color=FILLS[side], linewidth=5, label=f"the person's {side}")
        handle.set_path_effects([Stroke(linewidth=7, foreground=OUTLINES[side]), Normal()])
        handles.append(handle)
    figure.legend(
        handles=handles, loc="outside lower center", ncols=2, fontsize=14, facecolor="#888888"
    )
