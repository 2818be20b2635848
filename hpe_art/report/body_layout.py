"""Where the joints of a drawn person are, who stands and is seen from the front."""

import numpy as np

from hpe_art.evaluation.results import Run

WIDTH, HEIGHT = 200, 320
"""Of the box that the person is in."""
MIDDLE = WIDTH / 2
MARGIN = 14
PLACES: dict[str, tuple[float, float]] = {
    "head_top": (0, 16),
    "head": (0, 40),
    "nose": (0, 46),
    "eye": (14, 28),
    "ear": (33, 38),
    "neck": (0, 74),
    "upper_neck": (0, 68),
    "thorax": (0, 94),
    "spine": (0, 132),
    "shoulder": (38, 84),
    "elbow": (56, 132),
    "wrist": (70, 180),
    "pelvis": (0, 172),
    "root": (0, 172),
    "hip": (22, 178),
    "knee": (28, 238),
    "ankle": (32, 296),
}
"""To the side of the middle, where there are two of them, and from the top."""
Layout = list[tuple[float, float]]


def body_layout(run: Run) -> Layout | None:
    """The place (x, y) of each joint, or None where it is not known.

    Joints of a body are known by their names; of other skeletons, such as faces and animals, the
    pose that is seen in the first clean picture stands for all, where there is one.
    """
    places = [_place(joint) for joint in run.skeleton.joints]
    named = [place for place in places if place is not None]
    return named if len(named) == len(places) else _pictured(run)


def _place(joint: str) -> tuple[float, float] | None:
    side, _, kind = joint.lower().partition("_")
    if side not in ("left", "right"):
        side, kind = "", joint.lower()
    if kind not in PLACES:
        return None
    x, y = PLACES[kind]
    # The person's right is on the left of who looks at them.
    return MIDDLE + (-x if side == "right" else x), y


def _pictured(run: Run) -> Layout | None:
    clean = (one for example in run.examples if example.attack == "clean" for one in example.people)
    first = next(clean, None)
    if first is None:
        return None
    pose = np.array(first.pose)
    low, size = pose.min(0), np.ptp(pose, axis=0).max() or 1.0
    fitted = (pose - low) * (WIDTH - 2 * MARGIN) / size + MARGIN
    return [(round(float(x), 1), round(float(y), 1)) for x, y in fitted]
