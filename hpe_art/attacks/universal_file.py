"""The file of a universal perturbation: what it holds, and whether it can be one.

A byte for each value, (3, H, W) int8, in 127ths of eps; and what it was fitted with, as JSON.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hpe_art.arrays import read_arrays, write_arrays
from hpe_art.errors import UserError, first_fault
from hpe_art.losses import TRAINING

FORMAT = 1
LEVELS = 127
MOST_BYTES = 64 * 2**20
"""Of what a file unpacks to: more is no perturbation."""


class Facts(BaseModel):
    """What a perturbation was fitted with; there may be more."""

    model_config = ConfigDict(extra="allow", strict=True)

    format: Literal[1]
    eps: float = Field(gt=0, le=1000)
    delta: float | None = Field(gt=0, le=1000)
    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    targeted: bool
    loss: str = TRAINING  # files of 0.1 do not say
    outputs: Literal["last", "all"] | None
    seed: int = Field(ge=0)
    bgr: bool


def write_perturbation(path: Path, noise: NDArray[np.float32], facts: dict[str, Any]) -> None:
    """Writes a perturbation (3, H, W) in grey levels; the file is whole or as it was."""
    levels = np.rint(noise / facts["eps"] * LEVELS).astype(np.int8)
    arrays = {"noise": levels, "fitted": np.array(json.dumps(facts))}
    write_arrays(path, arrays, np.savez_compressed)


def read_perturbation(path: str | Path) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """A perturbation (3, H, W) in grey levels, within its eps, and what it was fitted with.

    Raises:
        UserError: not such a file; the message says what is wrong with it.
    """
    wanted = f"Expected a universal perturbation as `save` writes it in {path}."
    try:
        held = read_arrays(path, MOST_BYTES)
        levels, fitted = held["noise"], json.loads(str(held["fitted"]))
        facts = Facts.model_validate_json(json.dumps(fitted)).model_dump()
    except ValidationError as error:
        fault = first_fault(error, "what it was fitted with")
        raise UserError(f"{wanted} Got in {fault}.") from None
    except Exception as error:  # NumPy and zipfile have many words for a damaged file
        raise UserError(f"{wanted} Got: {error}.") from error
    if levels.dtype != np.int8 or levels.ndim != 3 or len(levels) != 3 or not levels.size:
        raise UserError(f"{wanted} Got {levels.dtype} {levels.shape}, not int8 (3, H, W).")
    if levels.min() < -LEVELS:
        raise UserError(f"{wanted} Got a level of {levels.min()}, which is beyond eps.")
    return np.float32(facts["eps"] / LEVELS) * levels.astype(np.float32), facts
