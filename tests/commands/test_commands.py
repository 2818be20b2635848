"""`hpe-art` passes the rest of the line to the command that is named first."""

from __future__ import annotations

import sys
from importlib import import_module

import pytest

from hpe_art import __version__
from hpe_art.commands import COMMANDS, main


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help_of_its_own(name, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["hpe-art"])
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: hpe-art {name} ")


def test_the_exit_code_is_that_of_the_command(monkeypatch):
    given = []
    module = import_module("hpe_art.commands.report")
    monkeypatch.setattr(module, "main", lambda argv: given.extend(argv) or 7)
    assert main(["report", "study", "-o", "page.html"]) == 7
    assert given == ["study", "-o", "page.html"]


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        ([], 2, "the following arguments are required: COMMAND"),
        (["atack"], 2, "invalid choice: 'atack'"),
        (["--help"], 0, "attack a pose model and score it"),
        (["--version"], 0, f"hpe-art {__version__}"),
    ],
)
def test_without_a_command(words, code, text, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == code
    assert text in "".join(capsys.readouterr())
