"""Files that are whole or as they were before, their hashes, locks, and what made them."""

import hashlib
import json
import os
import platform
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from glob import escape
from importlib import metadata
from pathlib import Path
from typing import Any

from hpe_art.errors import UserError

PACKAGES = (
    "hpe-art", "adversarial-robustness-toolbox", "mmpose", "mmengine", "mmcv", "mmcv-lite", "mmdet",
    "numpy", "torch", "torchvision",
)  # fmt: skip

LONGEST_NAME = 200
"""Of what a page or a table shows."""

PART = ".{name}.{process}.part"
"""The name of a file that is being written."""


def write_whole(path: str | Path, content: str | bytes) -> None:
    """Writes a file that is either complete or as it was before, also after a power cut.

    What processes that were killed have left of it is removed.
    """
    path = Path(path)
    part = path.with_name(PART.format(name=path.name, process=os.getpid()))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        for left in path.parent.glob(PART.format(name=escape(path.name), process="*")):
            process = left.name.split(".")[-2]
            if process.isdecimal() and not is_running(int(process)):
                left.unlink(missing_ok=True)
    except OSError as error:
        if error.errno is None:
            raise
        # Of a full disk Python does not name the file.
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def is_running(process: int) -> bool:
    """Whether there is such a process on this machine."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # of another user
        pass
    return True


def read_object(path: Path) -> dict[str, Any]:
    """What a JSON file says of a folder; nothing where it is missing, damaged or no object."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def shown_name(path: str | Path, roots: Iterable[str | Path] = ()) -> str:
    """A file's path in the first of some folders that holds it, else its name: as it can be shown.

    A character that cannot be printed is a question mark; of a long one the end is kept.
    """
    path = Path(path)
    known = (path.relative_to(root).as_posix() for root in roots if path.is_relative_to(root))
    name = "".join(one if one.isprintable() else "?" for one in next(known, path.name))
    return name if len(name) <= LONGEST_NAME else f"…{name[1 - LONGEST_NAME :]}"


@contextmanager
def locked(folder: Path, refusal: type[UserError] = UserError) -> Iterator[None]:
    """Keeps other runs out of a folder, which is made; a UserError if one is there."""
    import fcntl  # not on every system

    folder.mkdir(parents=True, exist_ok=True)
    # The lock goes with the process, however that ends.
    with (folder / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise refusal(
                f"Expected a folder that no other run is writing to. Got {folder}, held by "
                f"{file.read().strip()}: wait for it, or choose another --work-dir."
            ) from None
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
        yield


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
