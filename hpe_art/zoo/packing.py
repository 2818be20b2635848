"""Weights as a small file: whole numbers of a few bits for matrices, half precision for the rest.

A network of ours has a hundred small tensors; a file entry for each would cost more than they do.
So the values lie in two arrays, one after the other, next to a list of names and shapes.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from hpe_art.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor


def pack(weights: Mapping[str, Tensor], bits: int = 8) -> bytes:
    """A state dict as the bytes of a compressed `.npz` file.

    Tensors of two and more dimensions become whole numbers of 2 to 8 bits, scaled so that the
    largest of each row of the first dimension is met exactly; other floating values are rounded
    to half precision, integers, which must be of a single value, are kept.

    Raises:
        UserError: `bits` is out of range, or a value too large for half precision.
    """
    if bits not in range(2, 9):
        raise UserError(f"Expected 2 to 8 bits. Got {bits}.")
    levels = 2 ** (bits - 1) - 1
    header, codes, values = [], [np.empty(0, np.int8)], [np.empty(0, np.float16)]
    for name, tensor in weights.items():
        value = tensor.detach().cpu().numpy()
        if not tensor.is_floating_point():
            header.append([name, int(value)])
            continue
        header.append([name, list(value.shape)])
        if value.ndim < 2:
            with np.errstate(over="ignore"):  # said below
                values.append(value.astype(np.float16).ravel())
        else:
            rows = value.reshape(len(value), -1)
            scales = (np.abs(rows).max(1) / levels).astype(np.float16)
            divisors = np.where(scales > 0, scales, 1).astype(np.float32)[:, None]
            codes.append((rows / divisors).round().clip(-levels, levels).astype(np.int8).ravel())
            values.append(scales)
        if not np.isfinite(values[-1]).all():
            raise UserError(f"Expected finite values below 65504 in {name}. Got larger ones.")
    arrays = {
        "header": np.frombuffer(json.dumps(header).encode(), np.uint8),
        "codes": np.concatenate(codes),
        "values": np.concatenate(values),
    }
    file = io.BytesIO()
    # A seventh smaller than what NumPy's own `savez_compressed` makes of the codes.
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy")  # without the time of day
            entry.compress_type = zipfile.ZIP_LZMA
            with archive.open(entry, "w") as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
    return file.getvalue()


def unpack(content: bytes) -> dict[str, Tensor]:
    """The state dict that `pack` packed, in float32. Nothing is run: no pickle is involved."""
    import torch

    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        header = json.loads(arrays["header"].tobytes())
        codes, values = _Reader(arrays["codes"]), _Reader(arrays["values"])
    weights: dict[str, Tensor] = {}
    for name, shape in header:
        if isinstance(shape, int):
            weights[name] = torch.tensor(shape)
        elif len(shape) < 2:
            weights[name] = torch.from_numpy(values.next(math.prod(shape)).reshape(shape))
        else:
            scales = values.next(shape[0])[:, None]
            rows = codes.next(math.prod(shape)).reshape(shape[0], -1) * scales
            weights[name] = torch.from_numpy(rows.reshape(shape))
    return weights


class _Reader:
    """Reads an array from the front, in float32."""

    def __init__(self, array: np.ndarray) -> None:
        self.array, self.position = array, 0

    def next(self, count: int) -> np.ndarray:
        part = self.array[self.position : self.position + count]
        self.position += count
        return part.astype(np.float32)
