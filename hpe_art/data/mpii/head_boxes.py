"""MPII's head boxes, from which PCKh has its unit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from hpe_art.data.annotations import DataError, read_mpii
from hpe_art.data.mpii.matlab import check_matlab

NAME = "headboxes_src"
NUMBERS = ("double", "single", "int", "uint")
"""How MATLAB's classes of them begin."""


def read_head_boxes(path: str | Path, annotations: str | Path) -> NDArray[Any]:
    """The head boxes (2, 2, N) of a file: corners, coordinates, people.

    DataError if it holds none, or not one for each of the N people of the annotations.
    """
    from scipy.io import loadmat, whosmat

    # Before they are read, since a small file may unpack to much.
    with _understood(path):
        check_matlab(path)
        held = {name: (shape, kind) for name, shape, kind in whosmat(path)}
        if NAME not in held:
            raise ValueError(f"no {NAME}")
        shape, kind = held[NAME]
        if len(shape) != 3 or shape[:2] != (2, 2) or not kind.startswith(NUMBERS):
            raise ValueError(f"{NAME} of shape {shape}, {kind}, for numbers (2, 2, N)")
    if shape[2] != (people := len(read_mpii(annotations))):
        raise DataError(
            f"Expected as many head boxes as people. Got {shape[2]} in {Path(path).name} and "
            f"{people} in {Path(annotations).name}: name the matching pair with --ann-file and "
            "--headbox-file."
        )
    with _understood(path):
        boxes: NDArray[Any] = loadmat(path, variable_names=[NAME])[NAME]
        if boxes.dtype.kind == "c":
            raise ValueError("complex numbers")
    return boxes


@contextmanager
def _understood(path: str | Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # SciPy has many ways to stumble over a damaged file
        fact = str(error) or type(error).__name__
        raise DataError(f"Expected MPII head boxes in {path}. Got: {fact}.") from None
