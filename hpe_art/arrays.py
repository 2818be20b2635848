"""Arrays in .npz files: written whole, and read if they are not too large."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hpe_art.errors import UserError
from hpe_art.files import write_whole

LARGEST, HEADERS = 128 * 2**20, 2**20
"""Bytes of all arrays of a file, unpacked, and of what says so: whoever reads so many stays within
a GiB, with PyTorch. The record of nine networks on MPII's whole validation set has 89 MB."""


def write_arrays(
    path: Path, arrays: Mapping[str, Any], save: Callable[..., None] = np.savez
) -> None:
    """Writes an .npz that is either complete or as it was before.

    UserError if `read_arrays` would refuse it.
    """
    size = sum(np.asarray(one).nbytes for one in arrays.values())
    if size > LARGEST - HEADERS:
        raise UserError(
            f"Expected at most {LARGEST / 1e6:.0f} MB of arrays for {path}. Got {size / 1e6:.0f} "
            "MB: choose a smaller --batch-size, or fewer --pictures."
        )
    packed = io.BytesIO()
    save(packed, **arrays)
    write_whole(path, packed.getvalue())


def read_arrays(path: str | Path, most: int = LARGEST) -> dict[str, Any]:
    """The arrays of an .npz, by name; nothing in it is run.

    Raises:
        ValueError: they would take more than `most` bytes, which is known before they are read.
        Exception: it is damaged, for which NumPy and zipfile have many words.
    """
    with open(path, "rb") as file:
        with zipfile.ZipFile(file) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > most:
            raise ValueError(f"{size / 1e6:.0f} MB of arrays, more than {most / 1e6:.0f}")
        file.seek(0)
        with np.load(file, allow_pickle=False) as arrays:
            return dict(arrays)
