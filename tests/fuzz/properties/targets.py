"""What attacks are given beside people: target poses, photographs, saved perturbations."""

from __future__ import annotations

import io
import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import toys
from fuzz.holding import holds, refused
from fuzz.mutations import (
    bombs,
    broken_arrays,
    broken_bytes,
    broken_document,
    broken_json,
    broken_npz,
    broken_picture,
    packed,
)
from hypothesis import strategies as st

from hpe_art.attacks import UniversalPosePerturbation
from hpe_art.attacks.targets import points_from_file, poses_from_file
from hpe_art.data.images import image_fault
from hpe_art.data.photographs import read_photograph


@holds
def target_poses(folder: Path, draw: Any) -> None:
    """Targets lie in the crop."""
    pose = [[0.25, 0.5], None, [1, 0]]
    path = folder / "poses.json"
    path.write_bytes(draw(broken_json(draw(st.sampled_from([pose, [pose, pose]])))))
    with refused():
        found = poses_from_file(path, np.array([0, 1]), (64, 32), 3)
        assert found.poses.shape == (2, 3, 3) and np.isfinite(found.poses).all()
        assert (found.poses[..., :2] >= 0).all() and (found.poses[..., :2] <= (64, 32)).all()


@holds
def marked_points(folder: Path, draw: Any) -> None:
    """Points are finite, and one is there at least."""
    by_name = {"keypoints": {"a": [3, 4], "c": [1.5, 2]}}
    path = folder / "points.json"
    whole = draw(st.sampled_from([by_name, {"keypoints": [[3, 4], None, [1, 2]]}]))
    path.write_bytes(draw(broken_json(whole)))
    with refused():
        found = points_from_file(path, ("a", "b", "c"))
        assert found.shape == (3, 3) and np.isfinite(found).all() and found[:, 2].any()


@holds
def photographs(folder: Path, draw: Any) -> None:
    """What is read has pixels; what the check lets pass is read."""
    kind = draw(st.sampled_from([".png", ".jpg", ".bmp"]))
    pixels = np.arange(40 * 50 * 3, dtype=np.uint8).reshape(40, 50, 3)
    path = folder / f"a{kind}"
    path.write_bytes(draw(broken_picture(cv2.imencode(kind, pixels)[1].tobytes())))
    side = st.floats(-1e4, 1e4) | st.just(math.nan)
    box = draw(st.none() | st.lists(side, min_size=4, max_size=4))
    with refused():
        if image_fault(path) is None:
            assert cv2.imread(str(path)) is not None
    with refused():
        assert read_photograph(path, box).longer_side > 0


@cache
def estimator() -> Any:
    """A small network."""
    return toys.wrap(toys.hourglass())


@cache
def _perturbation() -> bytes:
    path = Path(__file__).parents[3] / "hpe_art/zoo/hourglass_uap8.npz"
    return path.read_bytes()


@holds
def perturbations(folder: Path, draw: Any) -> None:
    """Images stay within eps of a perturbation that can be loaded."""
    path, x = folder / "noise.npz", toys.people(1)[0]
    with np.load(io.BytesIO(_perturbation())) as held:
        levels, fitted = held["noise"], json.loads(str(held["fitted"]))
    act = draw(st.sampled_from(["bytes", "bomb", "arrays", "facts"]))
    if act in ("bytes", "bomb"):
        path.write_bytes(draw((broken_bytes if act == "bytes" else bombs)(_perturbation())))
    else:
        noise = np.full(levels.shape, draw(st.sampled_from([0, 127, -127, -128])), np.int8)
        facts = draw(broken_document(fitted)) if act == "facts" else fitted
        arrays = {"noise": noise, "fitted": np.array(json.dumps(facts, default=str))}
        path.write_bytes(packed(draw(broken_arrays(arrays)) if act == "arrays" else arrays))
    with refused():
        attack = UniversalPosePerturbation.load(path, estimator())
        moved = np.abs(attack.generate(x) - x)
        assert moved.max() <= attack.eps + 1e-3


@holds
def fits(folder: Path, draw: Any) -> None:
    """A fit goes on from a state of its own, and from no other; it ends within its eps."""
    path, (x, y) = folder / "fit.part.npz", toys.people(4)
    attack = UniversalPosePerturbation(estimator(), eps=8.0, epochs=1, batch_size=2, verbose=False)
    attack.fit(x, y, "zoo://x")
    whole = {"noise": attack.noise, "step": np.array(1)}
    facts = draw(st.just(attack.fitted) | broken_document(attack.fitted))
    whole["facts"] = np.array(json.dumps(facts, default=str))
    path.write_bytes(draw(broken_npz(whole)))
    with refused(ValueError):
        attack.fit(x, y, "zoo://x", state=path)
        assert attack.noise.shape == x.shape[1:] and np.abs(attack.noise).max() <= 8.0
