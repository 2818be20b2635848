"""The one base of errors that a user can mend: the message names the thing and the mend."""


class UserError(ValueError):
    """What was given cannot be used; no traceback is needed to see why."""
