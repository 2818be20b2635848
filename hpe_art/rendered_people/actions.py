"""What people do: a library of poses as ranges of joint angles in degrees.

Angles are those of a clinician. Legs: hip flexion, abduction (`spread`), outward rotation
(`toe_out`), knee flexion, ankle plantar flexion. Arms: `lift` from hanging down (0) through
horizontal (90) to overhead (180), in the direction `front` (0 sideways, 90 forward, beyond 90
across the body, negative backward); `turn_in` turns the plane in which the elbow bends from
forward towards the body. Trunk: `lean` of the whole body, `bend`, `side` and `twist` of the spine,
`nod`, `tilt` and `look` of the head. The suffixes _a and _b are the leading side and the other one,
neither stands for both; which of the two is the left is drawn for each person.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Ranges = dict[str, tuple[float, float]]


@dataclass(frozen=True)
class Action:
    """A way of standing, going or resting, and what the arms may do with it.

    `support` says what carries the body: "both" feet or the "other" foot (that of _b), and the body
    is turned until it stands above them; the "seat", until the feet are on the floor; the "hands",
    until they are as low as the feet or knees. Where it is empty, `lean` and `roll` hold as they
    are.
    """

    weight: float  # how often it is drawn, relative to the others
    arms: str  # names in ARMS that suit it
    ranges: Ranges  # of the angles that are not at rest
    grounded: bool = False  # the soles are flat on the ground
    seat: bool = False  # the person sits on something
    rise: tuple[float, float] = (0.0, 0.0)  # range of the height above the ground in metres
    skirt: bool = False  # a skirt can follow the legs
    support: str = ""


_FREE = (
    "hang hang akimbo up side front wave face back cross throw pocket carry neck reach v clap point"
)
_GAIT = "swing swing swing hang carry face wave pocket point"
_ACTIVE = "swing up throw side reach v front guard carry"
_SIT = "lap lap desk face cross neck front up wave hang clap"

ACTIONS: dict[str, Action] = {
    "stand": Action(17, _FREE, dict(
        hip_a=(-4, 10), hip_b=(-8, 6), knee_a=(2, 14), knee_b=(0, 10), spread=(0, 10),
        toe_out=(0, 20), side=(-8, 8), twist=(-15, 15), bend=(-6, 10)
    ), grounded=True, skirt=True, support="both"),
    "wide": Action(6, _FREE, dict(
        hip_a=(0, 25), hip_b=(0, 15), knee_a=(0, 35), knee_b=(0, 20), spread=(14, 32),
        toe_out=(5, 30), side=(-22, 22), twist=(-30, 30), bend=(-5, 25)
    ), grounded=True, skirt=True, support="both"),
    "walk": Action(14, _GAIT, dict(
        hip_a=(15, 35), hip_b=(-22, -8), knee_a=(3, 20), knee_b=(5, 40), spread=(0, 5),
        toe_out=(0, 10), ankle_a=(-15, 0), ankle_b=(0, 25), lean=(0, 6), twist=(-12, 4)
    ), skirt=True, support="both"),
    "run": Action(10, "run run run run v swing", dict(
        hip_a=(40, 85), hip_b=(-28, 5), knee_a=(60, 115), knee_b=(10, 80), ankle_a=(-10, 20),
        ankle_b=(5, 40), lean=(5, 20), twist=(-25, 0), bend=(0, 12), nod=(-15, 5)
    ), rise=(0, 0.15)),
    "stairs": Action(4, f"{_GAIT} reach", dict(
        hip_a=(45, 85), hip_b=(-8, 8), knee_a=(55, 95), knee_b=(0, 15), ankle_a=(-10, 5),
        lean=(0, 12)
    ), support="other"),
    "lunge": Action(7, f"{_FREE} {_ACTIVE}", dict(
        hip_a=(65, 100), hip_b=(-28, -5), knee_a=(65, 100), knee_b=(10, 60), spread_a=(0, 15),
        spread_b=(0, 10), ankle_a=(-15, 0), ankle_b=(-10, 20), lean=(0, 20), twist=(-25, 25),
        side=(-12, 12)
    ), support="both"),
    "side_lunge": Action(4, f"{_FREE} {_ACTIVE}", dict(
        hip_a=(40, 75), knee_a=(60, 95), knee_b=(0, 12), spread_a=(15, 35), spread_b=(25, 42),
        toe_out_a=(15, 35), lean=(5, 30), side=(-15, 15)
    ), grounded=True, support="both"),
    "squat": Action(6, "front desk lap reach clap side face guard", dict(
        hip=(90, 122), knee=(105, 140), spread=(8, 28), toe_out=(5, 25), lean=(10, 32),
        bend=(0, 30), nod=(-20, 10)
    ), grounded=True, support="both"),
    "crouch": Action(6, "front throw guard side reach swing carry lap", dict(
        hip_a=(40, 80), hip_b=(35, 80), knee=(50, 95), spread=(5, 25), toe_out=(0, 20),
        lean=(5, 35), bend=(0, 25), twist=(-25, 25), nod=(-25, 5)
    ), grounded=True, support="both"),
    "sit": Action(11, _SIT, dict(
        hip=(78, 98), knee=(60, 105), spread=(0, 24), ankle=(-5, 15), lean=(-12, 12), bend=(-5, 28),
        twist=(-25, 25)
    ), grounded=True, seat=True, skirt=True),
    "sit_leg_out": Action(3, _SIT, dict(
        hip_a=(75, 100), hip_b=(70, 90), knee_a=(5, 45), knee_b=(70, 105), spread_a=(0, 15),
        spread_b=(0, 20), lean=(-18, 5), bend=(0, 20)
    ), seat=True),
    "floor": Action(3, _SIT, dict(
        hip=(100, 122), knee=(100, 130), spread=(25, 42), toe_out=(38, 55), ankle=(10, 30),
        bend=(5, 35)
    ), support="seat"),
    "floor_stretched": Action(3, "lap front prop prop reach up face", dict(
        hip_a=(80, 110), hip_b=(80, 120), knee_a=(0, 40), knee_b=(5, 95), spread=(0, 28),
        ankle=(0, 25), lean=(-18, 8), bend=(0, 35)
    ), support="seat"),
    "kneel": Action(4, _FREE, dict(
        hip=(-5, 30), knee=(88, 120), spread=(2, 15), ankle=(25, 45), bend=(0, 20), lean=(-8, 12),
        twist=(-20, 20)
    )),
    "kneel_one": Action(4, f"{_FREE} desk", dict(
        hip_a=(80, 105), hip_b=(-12, 12), knee=(80, 105), ankle_b=(-20, 30), bend=(0, 25),
        lean=(0, 12), twist=(-20, 20)
    )),
    "bend": Action(6, "front front reach desk hang guard carry", dict(
        hip=(35, 80), knee=(2, 35), spread=(0, 15), lean=(35, 70), bend=(20, 60), nod=(-25, 15),
        twist=(-25, 25)
    ), grounded=True, support="both"),
    "lean_on": Action(4, "desk front lap carry", dict(
        hip=(10, 40), knee=(0, 25), lean=(12, 35), bend=(10, 35), twist=(-15, 15), nod=(-20, 10)
    ), grounded=True),
    "kick": Action(5, "swing side v guard front up", dict(
        hip_a=(45, 95), hip_b=(-12, 10), knee_a=(0, 45), knee_b=(0, 25), spread_a=(0, 25),
        ankle_a=(5, 40), lean=(-22, 2), twist=(-30, 10), bend=(0, 25)
    ), support="other"),
    "one_leg": Action(4, _FREE, dict(
        hip_a=(30, 80), knee_a=(80, 135), spread_a=(0, 42), spread_b=(-6, 3), toe_out_a=(0, 50),
        ankle_a=(5, 35), side=(-10, 10)
    ), support="other"),
    "balance": Action(3, "side front up v back", dict(
        hip_b=(30, 75), hip_a=(-28, 5), knee_b=(0, 20), knee_a=(0, 35), ankle_a=(20, 45),
        lean=(30, 75), nod=(-35, -5), bend=(-10, 10)
    ), support="other"),
    "jump": Action(5, "up v side throw front swing", dict(
        hip_a=(-15, 70), hip_b=(-20, 45), knee=(5, 95), spread=(0, 38), ankle=(20, 45),
        bend=(-14, 20), lean=(-8, 12), twist=(-20, 20)
    ), rise=(0.1, 0.5)),
    "throw": Action(6, "throw throw reach point swing up", dict(
        hip_a=(10, 50), hip_b=(-22, 5), knee=(5, 50), spread=(2, 20), twist=(-40, 40),
        bend=(-15, 25), side=(-18, 18), lean=(-8, 15)
    ), support="both"),
    "dance": Action(6, _FREE, dict(
        hip_a=(0, 60), hip_b=(-10, 18), knee_a=(10, 85), knee_b=(0, 35), spread_a=(0, 32),
        toe_out_a=(0, 40), ankle_a=(0, 40), side=(-22, 22), twist=(-30, 30), bend=(-12, 15),
        lean=(-8, 8), tilt=(-18, 18)
    ), support="other"),
    "lie_back": Action(2, "lie lie neck face up cross", dict(
        hip_a=(0, 70), hip_b=(-2, 30), knee_a=(5, 100), knee_b=(0, 45), spread=(2, 20),
        ankle_a=(0, 30), ankle_b=(10, 35), lean=(-92, -84), nod=(0, 20)
    )),
    "lie_front": Action(1, "lie plank", dict(
        hip=(-8, 5), knee_a=(0, 70), knee_b=(0, 40), spread=(2, 18), ankle=(25, 45), lean=(84, 92),
        bend=(-25, 0), nod=(-30, -5)
    )),
    "lie_side": Action(1, "front face carry", dict(
        hip_a=(10, 80), hip_b=(0, 45), knee_a=(20, 100), knee_b=(10, 70), ankle=(10, 30),
        roll=(80, 95), bend=(0, 25)
    )),
    "plank": Action(1, "plank", dict(
        hip=(-6, 8), knee=(0, 8), spread=(0, 12), ankle=(-25, -10), lean=(62, 80), nod=(-30, 0)
    ), support="hands"),
    "crawl": Action(1, "plank", dict(
        hip_a=(70, 105), hip_b=(60, 95), knee=(75, 105), ankle=(25, 45), lean=(70, 92),
        nod=(-40, -5), bend=(-8, 10)
    ), support="hands"),
}  # fmt: skip


def _arm(lift: tuple, front: tuple, turn_in: tuple, elbow: tuple) -> Ranges:
    return {"lift": lift, "front": front, "turn_in": turn_in, "elbow": elbow, "palm": (-30, 30)}


# For each arm gesture the ranges of the leading arm and those of the other; one entry alone means
# that the other arm draws a gesture of its own.
ARMS: dict[str, tuple[Ranges, ...]] = {
    "hang": (_arm((5, 16), (-30, 60), (0, 25), (4, 28)),),
    "akimbo": (_arm((38, 55), (-25, 5), (62, 80), (88, 112)),),
    "up": (_arm((140, 175), (5, 95), (-25, 25), (0, 55)),),
    "side": (_arm((65, 105), (-15, 35), (-40, 40), (0, 45)),),
    "front": (_arm((55, 105), (70, 105), (-20, 30), (0, 45)),),
    "wave": (_arm((65, 110), (-5, 35), (-92, -65), (45, 115)),),
    "face": (_arm((30, 70), (65, 95), (5, 35), (125, 145)),),
    "back": (_arm((18, 32), (-65, -40), (45, 75), (35, 75)),),
    "throw": (_arm((82, 115), (-25, 15), (-92, -55), (60, 110)),),
    "pocket": (_arm((14, 24), (-30, 0), (30, 55), (28, 50)),),
    "carry": (_arm((10, 35), (30, 90), (0, 40), (75, 110)),),
    "neck": (_arm((120, 150), (20, 50), (-75, -40), (115, 140)),),
    "reach": (_arm((95, 150), (50, 100), (-20, 20), (0, 35)),),
    "point": (_arm((75, 105), (10, 90), (-15, 15), (0, 15)),),
    "lap": (_arm((22, 48), (70, 95), (0, 30), (15, 60)),),
    "desk": (_arm((22, 60), (65, 95), (10, 40), (50, 95)),),
    "guard": (_arm((25, 60), (60, 95), (10, 45), (95, 130)),) * 2,
    "prop": (_arm((25, 50), (-85, -45), (-20, 20), (0, 12)),) * 2,
    "lie": (_arm((15, 75), (-5, 20), (-30, 30), (0, 60)),) * 2,
    "v": (_arm((110, 150), (0, 30), (-30, 10), (0, 35)),) * 2,
    "clap": (_arm((38, 58), (62, 80), (38, 52), (70, 92)),) * 2,
    "plank": (_arm((82, 98), (86, 96), (-10, 15), (0, 12)),) * 2,
    "swing": (
        _arm((15, 35), (-95, -75), (0, 15), (5, 25)),
        _arm((18, 45), (75, 95), (5, 25), (15, 45)),
    ),
    "run": (
        _arm((35, 65), (-95, -65), (0, 20), (75, 105)),
        _arm((20, 55), (70, 95), (15, 45), (80, 115)),
    ),
    "cross": (
        _arm((32, 42), (52, 68), (58, 72), (104, 116)),
        _arm((24, 34), (52, 68), (58, 72), (94, 106)),
    ),
}

# Drawn for everyone, in this order, unless the action says otherwise.
_DEFAULTS: Ranges = dict(
    lean=(-3, 5), roll=(-3, 3), bend=(-4, 10), side=(-6, 6), twist=(-10, 10), nod=(-12, 22),
    tilt=(-10, 10), look=(-55, 55), hip=(-4, 6), knee=(0, 12), spread=(0, 8), toe_out=(0, 15),
    ankle=(-5, 5), fingers=(5, 55),
)  # fmt: skip


@dataclass(frozen=True)
class Pose:
    """One drawn pose: the action's name and its angles in degrees, sides called L and R."""

    name: str
    angles: dict[str, float]
    rise: float
    lead: str

    @property
    def action(self) -> Action:
        """What is known of the pose's name."""
        return ACTIONS[self.name]


def draw_pose(rng: np.random.Generator) -> Pose:
    """Draw an action, the angles within its ranges, and which side leads."""
    names = list(ACTIONS)
    weights = np.array([action.weight for action in ACTIONS.values()])
    name = names[rng.choice(len(names), p=weights / weights.sum())]
    action = ACTIONS[name]
    ranges = _by_side(_DEFAULTS) | _by_side(action.ranges)
    angles = {k: rng.uniform(*r) for k, r in ranges.items()}
    for side, arm in zip("ab", _draw_arms(action.arms.split(), rng), strict=True):
        angles.update({f"{k}_{side}": rng.uniform(*r) for k, r in arm.items()})
    lead, other = ("L", "R") if rng.random() < 0.5 else ("R", "L")
    sides = {"a": lead, "b": other}
    named = {(k[:-1] + sides[k[-1]] if k[-2:] in ("_a", "_b") else k): v for k, v in angles.items()}
    if lead == "R":
        named.update({k: -named[k] for k in ("roll", "side", "twist", "tilt", "look")})
    return Pose(name, named, rng.uniform(*action.rise), lead)


def _by_side(ranges: Ranges) -> Ranges:
    named: Ranges = {}
    for name, its in ranges.items():
        both = name in ("hip", "knee", "spread", "toe_out", "ankle")
        named |= {f"{name}_a": its, f"{name}_b": its} if both else {name: its}
    return named


def _draw_arms(names: list[str], rng: np.random.Generator) -> tuple[Ranges, Ranges]:
    arms = ARMS[names[rng.integers(len(names))]]
    if len(arms) == 2:
        return arms[0], arms[1]
    # People often do the same with both arms, or leave the other one hanging.
    u = rng.random()
    other = ARMS[names[rng.integers(len(names))]]
    return arms[0], arms[0] if u < 0.35 else other[0]
