"""Errors that a user can mend: the message names the thing and the mend."""

from collections.abc import Iterator
from contextlib import contextmanager


class UserError(ValueError):
    """What was given cannot be used; no traceback is needed to see why."""


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
