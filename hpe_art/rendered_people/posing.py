"""From joint angles to the rotation of every bone, and whether limbs run into each other."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from hpe_art.rendered_people.actions import Pose
from hpe_art.rendered_people.body_model import Model

SPINE = ("spine05", "spine04", "spine03", "spine02", "spine01")
_NECK = ("neck01", "neck02", "neck03", "head")
_MIRROR = np.diag([-1.0, 1.0, 1.0])
# Shares of the body's mass, enough to stand it above its feet.
_MASS = {
    "root": 0.2, "spine02": 0.33, "head": 0.08, "lowerarm01.L": 0.05, "lowerarm01.R": 0.05,
    "lowerleg01.L": 0.145, "lowerleg01.R": 0.145,
}  # fmt: skip

Own = dict[str, tuple[str, np.ndarray]]
"""Rotation of a bone relative to another, or to its "parent"."""


def _turn(axes: str, *degrees: float) -> np.ndarray:
    """Rotation about fixed body axes, applied to a vector from the last to the first."""
    return Rotation.from_euler(axes.upper(), degrees, degrees=True).as_matrix()


def _align(axis: np.ndarray, side: np.ndarray) -> np.ndarray:
    """Rotation that takes `axis` to -z and, as far as may be, `side` to -x."""
    third = -axis / np.linalg.norm(axis)
    first = side - third * (side @ third)
    first = -first / np.linalg.norm(first)
    return np.stack([first, np.cross(third, first), third])


def world_rotations(pose: Pose, rig: Model, heads: np.ndarray) -> np.ndarray:
    """Rotation of each bone from the reference pose to the drawn one, (bones, 3, 3)."""
    a = pose.angles
    own = _limb_rotations(a, "L", rig, heads) | _limb_rotations(a, "R", rig, heads)
    spine = _turn("zyx", a["twist"] / 5, a["side"] / 5, a["bend"] / 5)
    neck = _turn("zyx", a["look"] / 4, a["tilt"] / 4, a["nod"] / 4)
    own |= dict.fromkeys(SPINE, ("parent", spine)) | dict.fromkeys(_NECK, ("parent", neck))
    turns = np.empty((len(rig.bones), 3, 3))
    turns[0] = _turn("yx", a["roll"], a["lean"])
    for name, i in list(rig.bones.items())[1:]:
        base, turn = own.get(name, ("parent", np.eye(3)))
        turns[i] = turns[rig.parents[i] if base == "parent" else rig.bones[base]] @ turn
    if pose.action.support:
        turns = _stand_up(pose, turns, rig, heads) @ turns
    if pose.action.grounded:
        for side in "LR":
            _flatten_foot(turns, side, rig)
    return turns


def _limb_rotations(a: dict[str, float], side: str, rig: Model, heads: np.ndarray) -> Own:
    """Of one side: worked out for the left and mirrored for the right."""

    def at(name: str) -> np.ndarray:
        return heads[rig.bones[f"{name}.L"]]

    def angle(name: str) -> float:
        return a[f"{name}_{side}"]

    upper, fore = at("lowerarm01") - at("upperarm01"), at("wrist") - at("lowerarm01")
    hinge = np.cross(upper, fore)
    front, lift = angle("front"), angle("lift")
    arm = _turn("zyz", -front, -lift, front) @ _turn("z", -angle("turn_in"))
    forearm = arm @ _turn("x", -angle("elbow"))
    hand = forearm @ _turn("z", -angle("palm"))
    raised = max(0.0, lift - 50) * 0.3
    forward = 0.12 * lift * np.sin(np.radians(front))
    across = np.array([-1.0, 0, 0])
    thigh_bone, shin_bone = at("lowerleg01") - at("upperleg01"), at("foot") - at("lowerleg01")
    thigh = _turn("xyz", -angle("hip"), -angle("spread"), angle("toe_out"))
    shin = thigh @ _turn("x", angle("knee"))
    foot = shin @ _turn("x", angle("ankle"))
    half = forearm @ _turn("z", -angle("palm") / 2)
    to_upper, to_fore = _align(upper, hinge), _align(fore, hinge)
    to_thigh, to_shin = _align(thigh_bone, across), _align(shin_bone, across)
    limbs = {
        "clavicle": ("spine01", _turn("zy", -forward, -raised * 0.6)),
        "shoulder01": ("spine01", _turn("zy", -forward, -raised)),
        "upperarm01": ("spine01", arm @ to_upper),
        "upperarm02": ("spine01", arm @ to_upper),
        "lowerarm01": ("spine01", forearm @ to_fore),
        "lowerarm02": ("spine01", half @ to_fore),
        "wrist": ("spine01", hand @ to_fore),
        "upperleg01": ("root", thigh @ to_thigh),
        "upperleg02": ("root", thigh @ to_thigh),
        "lowerleg01": ("root", shin @ to_shin),
        "lowerleg02": ("root", shin @ to_shin),
        "foot": ("root", foot),
    }
    for k in range(2, 6):
        first = at(f"finger{k}-2") - at(f"finger{k}-1")
        axis = np.cross(first, at(f"finger{k}-3") - at(f"finger{k}-2"))
        curl = Rotation.from_rotvec(np.radians(a["fingers"]) * axis / np.linalg.norm(axis))
        limbs |= {f"finger{k}-{j}": ("parent", curl.as_matrix()) for j in (1, 2, 3)}
    if side == "R":
        limbs = {k: (base, _MIRROR @ turn @ _MIRROR) for k, (base, turn) in limbs.items()}
    return {f"{k}.{side}": v for k, v in limbs.items()}


def _positions(turns: np.ndarray, rig: Model, heads: np.ndarray) -> dict[str, np.ndarray]:
    """Where the bones begin, from their rotations."""
    place = np.zeros_like(heads)
    for i in range(1, len(heads)):
        p = rig.parents[i]
        place[i] = place[p] + turns[p] @ (heads[i] - heads[p])
    return {name: place[i] for name, i in rig.bones.items()}


def _stand_up(pose: Pose, turns: np.ndarray, rig: Model, heads: np.ndarray) -> np.ndarray:
    """The rotation that puts the centre of mass above the feet that carry it."""
    at = _positions(turns, rig, heads)
    if pose.action.support == "seat":
        return _sit_down(at, turns[0])
    if pose.action.support == "hands":
        return _lean_on_hands(at)
    mass = sum(share * at[name] for name, share in _MASS.items())
    if pose.action.support == "both":
        base = (at["foot.L"] + at["foot.R"]) / 2
        line = at["foot.L"] - at["foot.R"]
        line /= np.linalg.norm(line)
    else:
        base = at["foot.R" if pose.lead == "L" else "foot.L"]
        line = np.zeros(3)
    forward = turns[0] @ np.array([0, -0.04, 0])  # the foot's middle is before the ankle
    up = mass - base - forward
    up = up - line * (up @ line)
    return Rotation.align_vectors([[0, 0, 1.0]], [up / np.linalg.norm(up)])[0].as_matrix()


def _sit_down(at: dict[str, np.ndarray], root: np.ndarray) -> np.ndarray:
    """The rotation about the pelvis that puts seat and heels on one level."""
    heel = (at["foot.L"] + at["foot.R"]) / 2 - at["root"]
    forward, down = -(root.T @ heel)[1], -heel[2]
    drop = np.degrees(np.arctan2(down - 0.05, max(forward, 0.15)))
    return _turn("x", -float(np.clip(drop, -30, 30)))


def _lean_on_hands(at: dict[str, np.ndarray]) -> np.ndarray:
    """The rotation that puts the hands on the ground on which the toes or the knees are."""
    hands = (at["wrist.L"] + at["wrist.R"]) / 2 - [0, 0, 0.08]
    left, right = (
        min(at[f"toe3-1.{side}"], at[f"lowerleg01.{side}"], key=lambda p: float(p[2]))
        for side in "LR"
    )
    line = hands - ((left + right) / 2 - [0, 0, 0.05])
    return _turn("x", np.degrees(np.arctan2(line[2], -line[1])))


def _flatten_foot(turns: np.ndarray, side: str, rig: Model) -> None:
    shin, foot = turns[rig.bones[f"lowerleg01.{side}"]], rig.bones[f"foot.{side}"]
    angle = np.degrees(np.arctan2(-shin[2, 1], shin[2, 2]))
    flat = shin @ _turn("x", np.clip(angle, -35, 45))
    for name, i in rig.bones.items():
        if i == foot or (name.startswith("toe") and name.endswith(side)):
            turns[i] = flat


def overlap(turns: np.ndarray, rig: Model, heads: np.ndarray, rest: np.ndarray) -> float:
    """How deep, roughly and in metres, limbs run into the trunk, the head or each other."""
    at = _positions(turns, rig, heads)
    chest = turns[rig.bones["spine03"]]
    low, high = at["root"], at["neck01"]
    trunk = rig.weights[:, [rig.bones[b] for b in SPINE]].sum(axis=1) > 0.7
    half_width = np.percentile(np.abs(rest[trunk, 0]), 85) + 0.01
    half_depth = np.ptp(np.percentile(rest[trunk, 1], [8, 92])) / 2 + 0.01
    scale = np.linalg.norm(heads[rig.bones["head"]] - heads[0]) / 0.6

    def in_trunk(p: np.ndarray) -> float:
        local = chest.T @ _off_line(p, low, high)
        radius = np.linalg.norm(local / [half_width, half_depth, 0.1 * scale])
        return float(max(0.0, 1 - radius) * half_depth)

    def in_capsule(p: np.ndarray, start: np.ndarray, end: np.ndarray, radius: float) -> float:
        return max(0.0, radius * float(scale) - float(np.linalg.norm(_off_line(p, start, end))))

    crown = at["head"] + turns[rig.bones["head"]] @ np.array([0, 0.01, 0.09 * scale])
    total = 0.0
    for side, far in ("LR", "RL"):
        wrist, elbow = at[f"wrist.{side}"], at[f"lowerarm01.{side}"]
        knee, far_knee = at[f"lowerleg01.{side}"], at[f"lowerleg01.{far}"]
        for p in (wrist, (wrist + elbow) / 2, at[f"finger3-1.{side}"]):
            total += in_trunk(p)
            total += in_capsule(p, at["neck03"], crown, 0.105)
            for leg in "LR":
                total += in_capsule(p, at[f"upperleg02.{leg}"], at[f"lowerleg01.{leg}"], 0.075)
            total += in_capsule(p, at[f"lowerarm01.{far}"], at[f"wrist.{far}"], 0.045)
        total += in_trunk(knee) + in_trunk(elbow)
        for p in (at[f"foot.{side}"], knee, at[f"toe3-1.{side}"]):
            total += in_capsule(p, far_knee, at[f"foot.{far}"], 0.09)
            total += in_capsule(p, at[f"upperleg02.{far}"], far_knee, 0.11)
    return total


def _off_line(p: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """From the nearest point of the line between two others to p."""
    line = end - start
    return p - start - np.clip((p - start) @ line / (line @ line), 0, 1) * line
