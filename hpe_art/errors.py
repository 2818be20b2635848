"""Errors that a user can mend: the message names the thing and the mend."""


class UserError(ValueError):
    """What was given cannot be used; no traceback is needed to see why."""


class ModelError(UserError):
    """A config or checkpoint cannot be used."""
