"""Errors that a user can mend: the message names the thing and the mend."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError

LONGEST, END = 1800, 300
"""Characters of a message, and of its end where it is longer."""
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Numbers of errors that are mended by free space."""


def is_full_disk(error: BaseException) -> bool:
    """Whether free space mends it, whoever meant to write: MMEngine, for one, copies configs."""
    return isinstance(error, OSError) and error.errno in FULL


def is_lost_worker(error: BaseException) -> bool:
    """Whether a worker process of PyTorch's dataloader has died, or has given no batch in time."""
    return isinstance(error, RuntimeError) and str(error).startswith("DataLoader ")


def first_fault(error: ValidationError, whole: str = "") -> str:
    """Where the first thing is that pydantic found not to fit, or the whole, and what is wrong."""
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"])) or whole
    return f"{where}: {first['msg']}" if where else str(first["msg"])


class UserError(ValueError):
    """What was given cannot be used; no traceback is needed to see why.

    Of a message that is too long to be read, as where another library's holds a file, the middle
    is left out.
    """

    def __init__(self, message: object = "") -> None:
        text = str(message)
        if len(text) > LONGEST:
            text = f"{text[: LONGEST - END]} [...] {text[-END:]}"
        super().__init__(text)


class ModelError(UserError):
    """A config or checkpoint cannot be used."""


class MissingPackageError(UserError, ImportError):
    """A package that is not always needed is not installed; the message says how to."""


@contextmanager
def mendable() -> Iterator[None]:
    """For what only looks at input: a ValueError of it, whoever raises it, is a `UserError`."""
    try:
        yield
    except UserError:
        raise
    except ValueError as error:
        raise UserError(str(error)) from error


@contextmanager
def usable(
    expected: str,
    refusal: type[UserError] = UserError,
    passing: tuple[type[Exception], ...] = (),
    mend: str = "",
) -> Iterator[None]:
    """For what may raise anything, such as a config or the constructors of a user's network.

    Whatever is raised becomes "Expected {expected}. Got ...{mend}", but for a `UserError`, those of
    `passing`, and a disk that is full, for which nothing that was given is to blame.
    """
    try:
        yield
    except Exception as error:
        if is_full_disk(error) or isinstance(error, (UserError, *passing)):
            raise
        fact = f"{type(error).__name__}: {error}."
        raise refusal(f"Expected {expected}. Got {fact}{mend}") from error
