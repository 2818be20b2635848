"""Files that are whole or as they were before, their hashes, and the versions that made them."""

import hashlib
import json
import os
import platform
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = (
    "hpe-art", "adversarial-robustness-toolbox", "mmpose", "mmengine", "mmcv", "mmcv-lite", "mmdet",
    "numpy", "torch", "torchvision",
)  # fmt: skip

PART = ".{name}.{process}.part"
"""The name of a file that is being written."""


def write_whole(path: str | Path, content: str | bytes) -> None:
    """Writes a file that is either complete or as it was before, also after a power cut."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(PART.format(name=path.name, process=os.getpid()))
    try:
        with part.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def json_rows(entries: Iterable[Any]) -> str:
    """A list in JSON, an entry on each line."""
    rows = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in entries)
    return f"[\n{rows}\n]"


def sha256(path: str | Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def package_versions() -> dict[str, str]:
    """The versions of Python and of those packages in `PACKAGES` that are installed."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions
