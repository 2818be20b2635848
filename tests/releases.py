"""A small file in the layout of MPII's release, with its missing and empty fields."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import savemat

HEAD_BOX = (40.0, 10.0, 52.0, 26.0)


def structs(*records: dict[str, Any]) -> np.ndarray:
    """MATLAB's 1 x n struct array: a field that a record lacks is `[]`, as in MATLAB."""
    names = dict.fromkeys(name for record in records for name in record)
    array = np.empty((1, len(records)), [(name, object) for name in names])
    for i, record in enumerate(records):
        for name in names:
            array[name][0, i] = record.get(name, np.empty((0, 0)))
    return array


def joints(seed: int) -> np.ndarray:
    """Places of the 16 joints, (16, 2), with a fraction as the neck's and the head's have."""
    return np.random.default_rng(seed).uniform(20, 100, (16, 2)).round(3)


def person(seed: int, labelled: Iterable[int] = range(16), visible: Any = 1, **other: Any) -> dict:
    """A person's fields; `visible` is the content of `is_visible`, None to have no such field."""
    mark = {} if visible is None else {"is_visible": visible}
    points = [{"x": x, "y": y, "id": k, **mark} for k, (x, y) in enumerate(joints(seed))]
    x1, y1, x2, y2 = HEAD_BOX
    fields = {
        **dict(x1=x1, y1=y1, x2=x2, y2=y2, scale=0.4 + seed / 7),
        "annopoints": structs({"point": structs(*(points[k] for k in labelled))}),
        "objpos": structs({"x": 60 + seed, "y": 55}),
        **other,
    }
    return {name: value for name, value in fields.items() if value is not None}


EMPTY = np.empty((0, 0))

#: name, img_train, vididx, people. Usable are 1 and 2 of image 1, 1 of 2, 3 of 5, and from 6 on.
IMAGES: list[tuple[str, int, int, list[dict]]] = [
    ("000000000.jpg", 0, 1, [{"scale": 1.0, "objpos": structs({"x": 5, "y": 6})}]),
    ("000000001.jpg", 1, 2, [person(1, visible="0"), person(2, range(6, 16), visible=EMPTY)]),
    ("000000002.jpg", 1, 3, [person(3, visible=None)]),
    ("000000003.jpg", 1, 4, []),
    ("000000004.jpg", 1, 5, [dict(zip(("x1", "y1", "x2", "y2"), HEAD_BOX))]),
    (
        "000000005.jpg",
        1,
        6,
        [
            person(4, annopoints=None),
            person(5, scale=None),
            person(6, visible=0),
            person(7, x1=None),
            person(8, objpos=None),
        ],
    ),
    *((f"{10 + n:09d}.jpg", 1, 10 + n // 2, [person(10 + n)]) for n in range(40)),
]


def write_release(path: Path, images: list[tuple[str, int, int, list[dict]]] = IMAGES) -> Path:
    """Write `RELEASE` over these images and return the path."""
    annolist = structs(
        *(
            {
                "image": structs({"name": name}),
                "annorect": structs(*people) if people else EMPTY,
                "frame_sec": 7,
                "vididx": video,
            }
            for name, _, video, people in images
        )
    )
    single = np.empty((len(images), 1), object)
    for i, (*_, people) in enumerate(images):
        single[i, 0] = np.arange(1, len(people) + 1, dtype=float)[:, None]
    release = {
        "annolist": annolist,
        "img_train": np.array([[train for _, train, _, _ in images]]),
        "version": "12",
        "single_person": single,
        "act": structs(*({"act_id": -1, "act_name": EMPTY} for _ in images)).T,
        "video_list": np.array([["a"]], object),
    }
    savemat(path, {"RELEASE": release}, do_compression=True)
    return path
