"""A package, so that the `tests` which a dependency leaves behind is not taken for this one."""
