from __future__ import annotations

import argparse
import math
import sys

import pytest

from hpe_art.commands.arguments import (
    command_parser,
    key_value,
    norm,
    positive_float,
    positive_int,
    seed,
)
from hpe_art.commands.door import command_line, refuse


def test_good_values():
    assert positive_int("3") == 3
    assert positive_float("0.5") == 0.5
    assert seed("0") == 0
    assert key_value("a.b=c=d") == "a.b=c=d"
    assert [norm("inf"), norm("1"), norm("2")] == [math.inf, 1, 2]


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        *[(positive_int, t, "a whole number >= 1") for t in ("0", "-1", "1.5", "x", "nan", "")],
        *[(positive_float, t, "a finite number > 0") for t in ("0", "-8", "nan", "inf", "x", "")],
        *[(seed, t, "a whole number >= 0") for t in ("-1", "1.5", "x", "")],
        *[(key_value, t, "KEY=VALUE") for t in ("x", "=1", "")],
        *[(norm, t, "inf, 1 or 2") for t in ("3", "-inf", "nan", "l2", "")],
    ],
)
def test_bad_values_name_what_was_expected_and_got(kind, text, expected):
    with pytest.raises(argparse.ArgumentTypeError, match=f"^expected {expected}, got {text}$"):
        kind(text)


@pytest.mark.parametrize(
    ("program", "called", "line"),
    [
        ("tools/attack.py", "attack.py", "python tools/attack.py"),
        ("/usr/bin/hpe-art", "hpe-art attack", "hpe-art"),
        ("/lib/hpe_art/__main__.py", "hpe-art attack", "hpe-art"),
    ],
)
def test_a_command_has_the_name_that_the_user_called(program, called, line, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [program, "attack", "hourglass"])
    assert command_parser("attack", None).prog == called
    assert refuse("attack", ValueError("Expected this.\n  Got that.")) == 2
    assert capsys.readouterr().err == f"{called}: error: Expected this. Got that.\n"
    assert command_line() == f"{line} attack hourglass"
