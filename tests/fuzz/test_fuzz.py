"""Some of the cases of `tests/fuzz/run.py`, the same ones every time."""

import pytest
from fuzz.properties import PROPERTIES
from fuzz.run import checked


@pytest.mark.parametrize("name", PROPERTIES)
def test_what_is_broken_is_refused_or_does_no_harm(name):
    checked(name, number=0, cases=10, shrink=False)()
