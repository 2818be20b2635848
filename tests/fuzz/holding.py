"""What all properties share: where they are kept, and what may end them."""

from __future__ import annotations

import contextlib
import io
import runpy
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hpe_art.errors import UserError

PROPERTIES: dict[str, Callable[[Path, Any], None]] = {}
LONGEST = 2000
"""Characters of an error: it names things, and does not hold them."""


def holds(function: Callable[[Path, Any], None]) -> Callable[[Path, Any], None]:
    """Adds a property, which takes a folder of its own and what draws its input."""
    PROPERTIES[function.__name__] = function
    return function


@contextlib.contextmanager
def refused(kind: type[ValueError] = UserError) -> Iterator[None]:
    """Lets an error pass that a user can mend, if it can be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except kind as error:
        message = str(error)
        assert message.startswith("Expected"), message
        assert len(message) < LONGEST, message[:LONGEST]


@contextlib.contextmanager
def silent() -> Iterator[io.StringIO]:
    """Keeps what is printed."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        yield said


def replayed(path: Path, folder: Path) -> None:
    """Runs a case of the corpus, `PROPERTY__WHAT.py`, with what was drawn in `DRAWN`."""
    drawn = iter(runpy.run_path(str(path))["DRAWN"])
    PROPERTIES[path.stem.partition("__")[0]](folder, lambda strategy: next(drawn))
