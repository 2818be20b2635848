"""What becomes of an error that something else raises."""

import errno

import pytest

from hpe_art.errors import MissingPackageError, ModelError, UserError, usable


def raising(error):
    with usable("a network", ModelError, passing=(FileNotFoundError,)):
        raise error


def test_whatever_is_raised_becomes_a_sentence():
    with pytest.raises(ModelError, match=r"^Expected a network\. Got KeyError: 'depth'\.$"):
        raising(KeyError("depth"))
    with pytest.raises(ModelError, match="Got OSError: strange"):
        raising(OSError("strange"))


@pytest.mark.parametrize(
    "error",
    [
        UserError("said already"),
        FileNotFoundError("said already"),
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EFBIG, "File too large"),
    ],
)
def test_what_is_said_already_or_no_fault_of_what_was_given_passes(error):
    with pytest.raises(type(error)) as raised:
        raising(error)
    assert raised.value is error


def test_of_a_message_that_is_too_long_both_ends_are_said():
    assert str(UserError("short")) == "short"
    said = str(MissingPackageError(f"Expected a. Got {'x' * 10_000}: the mend."))
    assert len(said) < 2000
    assert said.startswith("Expected a. Got xxx") and said.endswith("xxx: the mend.")
