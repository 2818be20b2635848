"""The one door of every command: what ends it is a line and an exit code."""

from __future__ import annotations

import argparse
import errno
import io
import os
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from hpe_art.commands import COMMANDS, door
from hpe_art.errors import MissingPackageError, UserError, mendable
from hpe_art.files import write_whole

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def ended(monkeypatch, capsys):
    """`ended(raises)`: exit code and stderr of a command that raises this."""
    monkeypatch.setattr(sys, "argv", ["tools/attack.py", "tiny.py"])
    kept = signal.getsignal(signal.SIGTERM)

    def run(raises):
        def command(args):
            raise raises

        code = door.enter("attack", lambda argv: argparse.Namespace(), command, [], "it is kept")
        return code, capsys.readouterr().err

    yield run
    signal.signal(signal.SIGTERM, kept)


@pytest.mark.parametrize(
    ("raises", "code", "line"),
    [
        (UserError("Expected this.\n  Got that."), 2, "error: Expected this. Got that."),
        (MissingPackageError("Expected: pip install a."), 2, "error: Expected: pip install a."),
        (
            OSError(errno.ENOSPC, "No space left on device", "a/b.npz"),
            1,
            "error: Expected to read or write a/b.npz. Got: No space left on device: free some "
            "space; it is kept.",
        ),
        (
            OSError(errno.ENAMETOOLONG, "File name too long", "aaa"),
            2,
            "error: Expected to read or write aaa. Got: File name too long: name another path.",
        ),
        (
            RuntimeError(
                "DataLoader worker (pid 7) is killed by signal: Bus error. It is possible"
            ),
            1,
            "error: Expected batches from the dataloader's worker processes. Got: DataLoader "
            "worker (pid 7) is killed by signal: Bus error. Shared memory (/dev/shm) may be full: "
            "give it more (docker run --shm-size), or set num_workers=0 in the config's "
            "dataloader; it is kept.",
        ),
        (OSError("Expected a place. Got none."), 2, "error: Expected a place. Got none."),
        (KeyboardInterrupt(), 130, "stopped by Ctrl-C: it is kept."),
        (KeyboardInterrupt("SIGTERM"), 143, "stopped by SIGTERM: it is kept."),
        (BrokenPipeError(), 141, "stopped, as nobody reads its output any more: it is kept."),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_one_line_and_an_exit_code(ended, raises, code, line):
    assert ended(raises) == (code, f"attack.py: {line}\n")


def test_code_of_the_user_that_ends_the_process_is_named(ended):
    code, err = ended(SystemExit(0))
    assert code == 2
    assert err.startswith("attack.py: error: Expected code that does not end the process. Got a ")
    assert f"{__file__}, line " in err


def test_what_is_unforeseen_comes_with_all_that_a_report_needs(ended):
    code, err = ended(ZeroDivisionError("division by zero"))
    assert code == 1
    *trace, last = err.splitlines()
    assert trace[0].startswith("Traceback") and trace[-1] == "ZeroDivisionError: division by zero"
    assert last.startswith("attack.py: error: this was not foreseen. Please report it with all of")
    assert "python tools/attack.py tiny.py (python 3." in last and "torch" in last


def test_a_value_error_is_the_users_only_while_input_is_looked_at():
    with pytest.raises(UserError, match="not good"), mendable():
        raise ValueError("not good")
    with pytest.raises(KeyError), mendable():
        raise KeyError("a")


def test_sigterm_stops_like_ctrl_c(ended, capsys):
    def command(args):
        os.kill(os.getpid(), signal.SIGTERM)
        return 0

    assert door.enter("attack", lambda argv: None, command, [], "it is kept") == 143
    assert capsys.readouterr().err == "attack.py: stopped by SIGTERM: it is kept.\n"


def test_ctrl_c_is_told_whatever_was_made_of_it(ended):
    """MMEngine formats a config below a bare `except`, and raises a SyntaxError."""
    interrupted, refused = (
        SyntaxError("Failed to format the config"),
        UserError("Expected a config"),
    )
    interrupted.__context__ = KeyboardInterrupt()
    refused.__cause__ = interrupted
    for error in (interrupted, refused):
        assert ended(error) == (130, "attack.py: stopped by Ctrl-C: it is kept.\n")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_terminal_that_lacks_characters_gets_others(monkeypatch, encoding):
    screen = io.TextIOWrapper(io.BytesIO(), encoding)
    monkeypatch.setattr(sys, "stdout", screen)

    def command(args):
        print("80.0 ±1.5 → \N{SNOWMAN} \udcff")
        return 0

    assert door.enter("attack", lambda argv: None, command, []) == 0
    shown = screen.buffer.getvalue().decode(encoding)
    assert (
        shown
        == {
            "ascii": "80.0 +-1.5 -> ? ?\n",
            "latin-1": "80.0 ±1.5 -> ? ?\n",
            "utf-8": "80.0 ±1.5 → \N{SNOWMAN} ?\n",
        }[encoding]
    )


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize(
    ("words", "flag"),
    [
        ([""], "an argument"),
        (["a", " "], "an argument"),
        (["a", "--x", ""], "--x"),
        (["--x="], "--x"),
    ],
)
def test_every_command_refuses_empty_arguments(name, words, flag, capsys):
    module = import_module(f"hpe_art.commands.{name.replace('-', '_')}")
    with pytest.raises(SystemExit) as stop:
        module.main(words)
    assert stop.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert f"expected a value for {flag}, got an empty one: is a variable unset?" in last


PRINTS = """
from hpe_art.commands import door
{how}
raise SystemExit(door.enter("attack", lambda argv: None, lambda args: print("words") or 0, []))
"""
HOW = {"plain": "", "rich": "from rich import print"}


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("gone", ["reader", "space"])
def test_output_that_cannot_be_written(gone, unbuffered, how):
    """In a process of its own, as Python itself writes to the stream once more at its end."""
    if gone == "space" and not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    reading, writing = os.pipe()
    os.close(reading)
    full = os.open("/dev/full", os.O_WRONLY)
    done = subprocess.run(
        [sys.executable, "-c", PRINTS.format(how=HOW[how])],
        stdout=full if gone == "space" else writing,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
    )
    os.close(writing)
    os.close(full)
    assert done.returncode == (141 if gone == "reader" else 1)
    assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("hpe-art attack: ")


def test_a_file_that_cannot_be_written_is_named_and_what_was_there_stays(tmp_path, monkeypatch):
    path = tmp_path / "results.json"
    write_whole(path, "old")

    def full(number):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("hpe_art.files.os.fsync", full)
    with pytest.raises(OSError, match="No space left on device") as error:
        write_whole(path, "new")
    assert error.value.errno == errno.ENOSPC and error.value.filename == str(path)
    assert [one.name for one in tmp_path.iterdir()] == ["results.json"]
    assert path.read_text() == "old"


WITH_A_RESULT = ("attack", "study", "card", "corruptions", "certify", "demo")


def test_commands_with_a_result_can_be_quiet_or_give_it_as_json():
    for name in COMMANDS:
        module = import_module(f"hpe_art.commands.{name.replace('-', '_')}")
        words = {"demo": ["photo.jpg"], "study": []}.get(name, ["hourglass"])
        if name in WITH_A_RESULT:
            args = module.parse([*words, "--quiet", "--json"])
            assert args.quiet and args.json, name


@pytest.mark.parametrize(
    ("flags", "out", "err"),
    [
        ((), "a table\n", ""),
        (("--quiet",), "", ""),
        (("--json",), '{"a": 1}\n\n', "a table\n"),
        (("--quiet", "--json"), '{"a": 1}\n\n', ""),
    ],
)
def test_the_result_as_json_is_alone_on_standard_output(tmp_path, capsys, flags, out, err):
    path = tmp_path / "results.json"
    path.write_text('{"a": 1}\n')
    parser = argparse.ArgumentParser()
    door.add_output_arguments(parser, path.name)

    def command(args):
        print("a table")
        return path

    kept = signal.getsignal(signal.SIGTERM)
    assert door.enter("card", parser.parse_args, command, flags) == 0
    assert capsys.readouterr() == (out, err)
    assert door.enter("card", parser.parse_args, lambda args: 1, flags) == 1, "no result"
    signal.signal(signal.SIGTERM, kept)
