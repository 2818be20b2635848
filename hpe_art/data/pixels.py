"""Pixels of many crops, kept in a file rather than in memory.

Shapes: N crops of (3, H, W) uint8.
"""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


class PixelFile:
    """Crops in a temporary file without a name; reads those that are asked for.

    Reads with slices, numbers and arrays of them as a NumPy array (N, 3, H, W) does, and holds
    none in memory. The file is in the folder for temporary files (TMPDIR) and goes with the object.

    Args:
        crops: (3, H, W) each; at least one.

    Raises:
        ValueError: no crops, or crops of different sizes.
        OSError: the disk is full.
    """

    dtype = np.dtype(np.uint8)
    ndim = 4

    def __init__(self, crops: Iterable[Pixels]) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the object)
        weakref.finalize(self, self._file.close)
        self.shape: tuple[int, ...] = (0,)
        for crop in crops:
            shape = (self.shape[0] + 1, *crop.shape)
            if self.shape[0] and shape[1:] != self.shape[1:]:
                raise ValueError(f"Expected crops of {self.shape[1:]}. Got {crop.shape}.")
            self._file.write(np.ascontiguousarray(crop, self.dtype).tobytes())
            self.shape = shape
        if not self.shape[0]:
            raise ValueError("Expected at least one crop. Got none.")
        self._file.flush()

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self[:] if dtype is None else self[:].astype(dtype)

    def __getitem__(self, chosen: Any) -> Pixels:
        numbers = np.arange(len(self))[chosen]
        found = np.empty((numbers.size, *self.shape[1:]), self.dtype)
        size = int(np.prod(self.shape[1:]))
        for row, number in zip(found, numbers.flat, strict=True):
            # Reads at a place, so that threads do not disturb each other.
            read = os.pread(self._file.fileno(), size, int(number) * size)
            row[...] = np.frombuffer(read, self.dtype).reshape(row.shape)
        return found.reshape(*numbers.shape, *self.shape[1:])
