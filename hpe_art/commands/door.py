"""The one door of every command: whatever ends it becomes words and an exit code."""

from __future__ import annotations

import argparse
import codecs
import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from pathlib import Path

from hpe_art.errors import UserError, is_full_disk, is_lost_worker
from hpe_art.files import package_versions

RESUMES = "what was done is kept, and the same command goes on from there"
STARTS_AGAIN = "files that were finished are whole; run the same command again"
"""What is kept of a command that was stopped, and how to go on."""

ASCII = {"±": "+-", "→": "->", "×": "x", "–": "-", "−": "-", "…": "...", "━": "-", "─": "-"}
PLAIN = "hpe_art.plain"
REFUSED, FAILED, CTRL_C, NO_READER, TERMINATED = 2, 1, 130, 141, 143

Parse = Callable[[Sequence[str] | None], argparse.Namespace]
Command = Callable[[argparse.Namespace], int | Path]


def enter(
    name: str, parse: Parse, command: Command, argv: Sequence[str] | None, kept: str = RESUMES
) -> int:
    """Parses the arguments and runs a command.

    Args:
        name: of the command's module.
        parse: gives the arguments; argparse ends the process where they are wrong.
        command: gives the exit code, or the JSON file of its result: then the code is 0.
        argv: the arguments; None: those of the process.
        kept: what is said of a command that is stopped.

    Returns:
        The command's exit code; 2 for what a user can mend (`UserError`, a path that cannot be
        used), 1 for a full disk, lost worker processes or what is unforeseen, 130 for Ctrl-C, 143
        for SIGTERM, 141 where nobody reads the output any more.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _stop)
    logging.raiseExceptions = False  # a log that cannot be written must not bury the one line
    _speak_any_encoding()
    try:
        try:
            args = parse(argv)
        finally:
            _flush()
        code = _ran(command, args)
        _flush()
        return code
    except (Exception, KeyboardInterrupt) as error:
        words, code = _ending(_interruption(error) or error, kept)
    return _said(name, words, code)


def _interruption(error: BaseException | None) -> KeyboardInterrupt | None:
    """The Ctrl-C or SIGTERM that an error comes from: MMEngine, for one, makes others of it."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error


def _ending(error: BaseException, kept: str) -> tuple[str, int]:
    """What is said of an error, and the exit code."""
    if isinstance(error, UserError):
        return f"error: {_on_one_line(error)}", REFUSED
    if isinstance(error, BrokenPipeError):
        return f"stopped, as nobody reads its output any more: {kept}.", NO_READER
    if isinstance(error, OSError):
        return f"error: {_told(error, kept)}", FAILED if is_full_disk(error) else REFUSED
    if isinstance(error, KeyboardInterrupt):
        reason = str(error) or "Ctrl-C"
        return f"stopped by {reason}: {kept}.", CTRL_C if reason == "Ctrl-C" else TERMINATED
    return _lost(error, kept) if is_lost_worker(error) else _unforeseen(), FAILED


def refuse(name: str, error: Exception) -> int:
    """Prints why a command cannot run, on one line; gives the exit code."""
    return _said(name, f"error: {_on_one_line(error)}", REFUSED)


def _on_one_line(error: Exception) -> str:
    """The message: some of MMEngine's are several lines."""
    return " ".join(str(error).split())


def called(name: str) -> str:
    """The name by which the user called a command, by that of its module."""
    tool = f"{name}.py"
    return tool if Path(sys.argv[0]).name == tool else f"hpe-art {name.replace('_', '-')}"


def command_line() -> str:
    """The command that is running, as it goes into a page."""
    name, *words = sys.argv
    return " ".join([f"python tools/{Path(name).name}" if _is_tool() else "hpe-art", *words])


def program(name: str) -> str:
    """What to type for a command, by its module's name: as the running one was called."""
    return f"python tools/{name}.py" if _is_tool() else f"hpe-art {name.replace('_', '-')}"


def _is_tool() -> bool:
    path = Path(sys.argv[0])
    return path.suffix == ".py" and path.name != "__main__.py"


def add_output_arguments(parser: argparse.ArgumentParser, result: str) -> None:
    """The arguments that say what is printed by a command that gives the file of its result."""
    add = parser.add_argument
    add("--quiet", action="store_true", help="print errors only")
    add("--json", action="store_true", help=f"print {result}, and all else to standard error")


@contextmanager
def _printed_where(quiet: bool, as_json: bool) -> Iterator[None]:
    """Inside, standard output is that of people: nowhere if quiet, standard error beside JSON."""
    with ExitStack() as held:
        stream = sys.stderr if as_json else sys.stdout
        if quiet:
            stream = held.enter_context(open(os.devnull, "w", encoding="utf-8"))
        held.enter_context(redirect_stdout(stream))
        yield


def _ran(command: Command, args: argparse.Namespace) -> int:
    as_json = getattr(args, "json", False)
    try:
        with _printed_where(getattr(args, "quiet", False), as_json):
            done = command(args)
        if isinstance(done, int):
            return done
        if as_json:
            print(done.read_text("utf-8"))
        return 0
    except SystemExit as ended:
        if isinstance(ended.__context__, BrokenPipeError):  # rich makes that of it
            raise ended.__context__ from None
        frames = traceback.extract_tb(ended.__traceback__)
        *_, last = (frame for frame in frames if not frame.filename.startswith("<"))
        raise UserError(
            f"Expected code that does not end the process. Got a call of exit in {last.filename}, "
            f"line {last.lineno}: remove it."
        ) from None


def _told(error: OSError, kept: str) -> str:
    """What could not be read or written, why, and the mend."""
    if error.strerror is None:  # one of ours, which says it all
        return _on_one_line(error)
    path = error.filename2 or error.filename
    what = f"Expected to read or write {'files' if path is None else path}. Got: {error.strerror}"
    mend = f"free some space; {kept}" if is_full_disk(error) else "name another path"
    return f"{what}: {mend}."


def _lost(error: BaseException, kept: str) -> str:
    """Why no batch has come, which is nearly always too little shared memory, and the mend."""
    what, *_ = str(error).split(". ")
    return (
        f"error: Expected batches from the dataloader's worker processes. Got: {what.rstrip('.')}. "
        "Shared memory (/dev/shm) may be full: give it more (docker run --shm-size), or set "
        f"num_workers=0 in the config's dataloader; {kept}."
    )


def _unforeseen() -> str:
    traceback.print_exc()
    versions = ", ".join(f"{name} {version}" for name, version in package_versions().items())
    return (
        "error: this was not foreseen. Please report it with all of the above and this: "
        f"{command_line()} ({versions})."
    )


def _said(name: str, words: str, code: int) -> int:
    try:
        _flush()
    except OSError:  # nobody reads it, or its disk is full; Python would try again at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    print(f"{called(name)}: {words}", file=sys.stderr)
    return code


def _flush() -> None:
    sys.stdout.flush()


def _stop(number: int, frame: object) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)


def _speak_any_encoding() -> None:
    """Has a terminal that lacks a character print another one instead of ending the run."""
    codecs.register_error(PLAIN, _plain)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=PLAIN)


def _plain(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    lacking = error.object[error.start : error.end]
    return "".join(ASCII.get(one, "?") for one in lacking), error.end
