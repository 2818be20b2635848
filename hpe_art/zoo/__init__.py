"""The bundled weights: `index.json` says of each what it is and how it was made.

Importing this module registers the checkpoint prefix `zoo://` with MMEngine, so that a config
can say `load_from = "zoo://hourglass"`.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmengine.runner.checkpoint import CheckpointLoader

if TYPE_CHECKING:
    from torch import Tensor

FOLDER = Path(__file__).parent
PREFIX = "zoo://"


class ZooError(ValueError):
    """Bundled weights are not there or not whole; the message names the mend."""


def index() -> dict[str, dict[str, Any]]:
    """All entries by name: file, sha256, config, command, seed, date, clean PCKh and so on."""
    return json.loads((FOLDER / "index.json").read_text())


def sha256(path: str | Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def checkpoint_path(name: str) -> Path:
    """The file of an entry, its content checked against the index.

    Args:
        name: entry, with or without the prefix `zoo://`.

    Raises:
        ZooError: no such entry (the message lists those there are), or the file is not the one
            that the index describes.
    """
    name = name.removeprefix(PREFIX)
    entries = index()
    if name not in entries:
        raise ZooError(f"Expected a bundled network out of {sorted(entries)}. Got {name!r}.")
    path = FOLDER / entries[name]["file"]
    if not path.is_file() or sha256(path) != entries[name]["sha256"]:
        raise ZooError(
            f"Expected {path} with SHA-256 {entries[name]['sha256']}. Got another or no file: "
            "install hpe_art again."
        )
    return path


def pack(weights: Mapping[str, Tensor]) -> dict[str, Any]:
    """Weights as one tensor in half precision: a file entry for each would cost a fifth more.

    Args:
        weights: a state dict of floating tensors, and integer ones of a single value.
    """
    import torch

    floating = {name: value for name, value in weights.items() if value.is_floating_point()}
    return {
        "shapes": {name: tuple(value.shape) for name, value in floating.items()},
        "values": torch.cat([value.detach().flatten().half() for value in floating.values()]),
        "integers": {n: int(value) for n, value in weights.items() if n not in floating},
    }


def unpack(packed: Mapping[str, Any]) -> dict[str, Tensor]:
    """The state dict that `pack` packed, in float32."""
    import torch

    weights, begin = {}, 0
    for name, shape in packed["shapes"].items():
        end = begin + math.prod(shape)
        weights[name] = packed["values"][begin:end].reshape(shape).float()
        begin = end
    integers = {name: torch.tensor(value) for name, value in packed["integers"].items()}
    return {**weights, **integers}


def save(name: str, packed: dict[str, Any]) -> Path:
    """Writes packed weights into the bundle; the index is the caller's."""
    import torch

    path = FOLDER / f"{name}.pth"
    torch.save(packed, path)
    return path


@CheckpointLoader.register_scheme(prefixes=PREFIX, force=True)
def load_from_zoo(filename: str, map_location: Any = None) -> dict[str, Any]:
    """Loads bundled weights as MMEngine wants them: `{"state_dict": ...}`."""
    import torch

    packed = torch.load(checkpoint_path(filename), map_location=map_location, weights_only=True)
    return {"state_dict": unpack(packed)}
