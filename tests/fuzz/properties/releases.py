"""What people are made from: MPII's release, and lists of who is for validation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from fuzz.holding import holds, refused
from fuzz.mutations import TAME_VALUES, broken_arrays, broken_bytes, broken_document
from hypothesis import reject
from hypothesis import strategies as st
from releases import structs
from scipy.io import savemat

from hpe_art.data.annotations import mpii_faults, read_mpii
from hpe_art.data.mpii.release import prepare, read_val_list

JOINT = {"x": 30.0, "y": 40.0, "id": 3}
PERSON = {
    **{"x1": 40.0, "y1": 10.0, "x2": 52.0, "y2": 26.0, "scale": 1.5},
    "annopoints": [{"point": [JOINT, {**JOINT, "x": 35.5, "id": 4}]}],
    "objpos": [{"x": 60.0, "y": 55.0}],
}
NAMES = [f"{i:09d}.jpg" for i in range(6)]
ANNOLIST = [
    {"image": [{"name": name}], "annorect": [PERSON], "vididx": i} for i, name in enumerate(NAMES)
]


def _matlab(part: Any) -> Any:
    """Lists of objects as arrays of structs; what MATLAB's format has not is rejected."""
    if isinstance(part, list) and part and all(isinstance(one, dict) for one in part):
        return structs(*({key: _matlab(value) for key, value in one.items()} for one in part))
    if isinstance(part, dict):
        return structs({key: _matlab(value) for key, value in part.items()})
    if isinstance(part, list):
        return np.array([_matlab(one) for one in part], object)
    return np.empty((0, 0)) if part is None else part


@holds
def releases(folder: Path, draw: Any) -> None:
    """People who are made of a broken release can be used; who is as before is the same."""
    whole = {"annolist": ANNOLIST, "img_train": [1] * len(NAMES)}
    odd = draw(st.just(whole) | broken_document(whole, odd=st.sampled_from(TAME_VALUES)))
    path, listed = folder / "release.mat", folder / "list.txt"
    listed.write_text("\n".join(NAMES[:3]))
    try:
        savemat(path, {"RELEASE": _matlab(odd)})
    except Exception:  # MATLAB's format has no such thing
        reject()
    if odd is whole:
        path.write_bytes(draw(broken_bytes(path.read_bytes())))
    with refused():
        prepare(path, folder, listed)
        people = read_mpii(folder / "annotations/mpii_trainval.json")
        assert people and not mpii_faults(people)
        if odd is not whole:
            same = [
                name for i, name in enumerate(NAMES) if odd["annolist"][i:][:1] == ANNOLIST[i:][:1]
            ]
            for one in (one for one in people if one["image"] in same):
                assert one["center"] == [60, 55] and one["scale"] == 1.5
                assert one["joints"][3:5] == [[30, 40], [35.5, 40]] and sum(one["joints_vis"]) == 2


@holds
def validation_lists(folder: Path, draw: Any) -> None:
    """A list names images, and people from 1 on."""
    if draw(st.booleans()):
        path = folder / "list.txt"
        path.write_bytes(draw(broken_bytes("\n".join(f"{n} 1 # é" for n in NAMES).encode())))
    else:
        path = folder / "list.mat"
        whole = {f"RELEASE_{one}_index": np.array([1, 2, 3]) for one in ("img", "person")}
        try:
            savemat(path, draw(broken_arrays(whole)))
        except Exception:  # MATLAB's format has no such thing
            reject()
    with refused():
        for name, number in read_val_list(path, NAMES):
            assert isinstance(name, str) and name and (number is None or number >= 1)
