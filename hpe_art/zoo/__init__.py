"""The bundled weights: `index.json` says of each what it is and how it was made.

Importing this module registers the checkpoint prefix `zoo://` with MMEngine, so that a config
can say `load_from = "zoo://hourglass"`.
"""

import json
import re
from pathlib import Path
from typing import Any

from mmengine.runner.checkpoint import CheckpointLoader

from hpe_art.errors import UserError
from hpe_art.files import sha256 as sha256
from hpe_art.files import write_whole
from hpe_art.zoo.packing import unpack

FOLDER = Path(__file__).parent
PREFIX = "zoo://"


class ZooError(UserError):
    """Bundled weights are not there or not whole; the message names the mend."""


def index() -> dict[str, dict[str, Any]]:
    """All entries by name: file, sha256, config, command, seed, date, clean PCKh and so on."""
    return json.loads((FOLDER / "index.json").read_text("utf-8"))


def checkpoint_path(name: str) -> Path:
    """The file of an entry, with `zoo://` or without; ZooError if it is not that of the index."""
    name = name.removeprefix(PREFIX)
    entries = index()
    if name not in entries:
        raise ZooError(f"Expected a bundled network out of {sorted(entries)}. Got {name!r}.")
    return _checked(entries[name])


def _checked(entry: dict[str, Any]) -> Path:
    path = FOLDER / entry["file"]
    if not path.is_file() or sha256(path) != entry["sha256"]:
        raise ZooError(
            f"Expected {path} with SHA-256 {entry['sha256']}. Got another or no file: "
            "install hpe_art again."
        )
    return path


def perturbation_path(name: str, eps: float) -> Path | None:
    """The file of a network's perturbation of eps grey levels, if any; ZooError likewise."""
    network = index().get(name.removeprefix(PREFIX), {})
    entry = network.get("perturbations", {}).get(f"{eps:g}")
    return None if entry is None else _checked(entry)


def free_path(network: str, suffix: str = "") -> Path:
    """Where the weights of a network go in the bundle; with a suffix, one of its perturbations.

    Raises:
        ZooError: not the name of a file in that folder, or one that is another's.
    """
    name, entries = f"{network}{suffix}", index()
    if not re.fullmatch(r"\w[\w.-]*", name, re.ASCII):
        raise ZooError(f"Expected a name of letters, digits, '_', '-' and '.'. Got {name!r}.")
    others = [entry["file"] for one, entry in entries.items() if suffix or one != network]
    for one, entry in entries.items():
        others += files_of_perturbations(entry) if not suffix or one != network else []
    if f"{name}.npz" in others:
        raise ZooError(
            f"Expected a name whose file is not taken. Got {name}, whose file is bundled already: "
            "choose another --name."
        )
    return FOLDER / f"{name}.npz"


def files_of_perturbations(entry: dict[str, Any]) -> list[str]:
    """Names of the files of an entry's perturbations."""
    return [one["file"] for one in entry.get("perturbations", {}).values()]


def save(name: str, content: bytes) -> Path:
    """Writes packed weights into the bundle; the index, and a free name, are the caller's."""
    path = FOLDER / f"{name}.npz"
    write_whole(path, content)
    return path


@CheckpointLoader.register_scheme(prefixes=PREFIX, force=True)
def load_from_zoo(filename: str, map_location: Any = None) -> dict[str, Any]:
    """Loads bundled weights as MMEngine wants them: `{"state_dict": ...}`, on the CPU."""
    return {"state_dict": unpack(checkpoint_path(filename).read_bytes())}
