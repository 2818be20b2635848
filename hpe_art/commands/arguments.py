"""What the commands share: their parsers, types and groups of arguments, and how they refuse."""

from __future__ import annotations

import argparse
import math
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hpe_art.configs import find_config
from hpe_art.errors import UserError

PRECISIONS = ("auto", "float32", "folded", "bfloat16")


def command_parser(name: str, description: str | None) -> argparse.ArgumentParser:
    """A parser of the command's arguments, which is called what the user called.

    Args:
        name: of the command's module.
        description: its docstring, shown as it is.
    """
    return argparse.ArgumentParser(
        prog=_called(name),
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def guarded(name: str, command: Callable[[], int]) -> int:
    """Runs a command; what a user can mend, or has stopped, becomes a line and an exit code.

    Args:
        name: of the command's module.
        command: gives the exit code.

    Returns:
        The command's own code; 2 for a `UserError`, 130 for Ctrl-C, 143 for SIGTERM.
    """
    signal.signal(signal.SIGTERM, _stop)
    try:
        return command()
    except UserError as error:
        return refuse(name, error)
    except KeyboardInterrupt as stopped:
        reason = str(stopped) or "Ctrl-C"
        kept = "what was done is kept, and the same command goes on from there"
        print(f"{_called(name)}: stopped by {reason}: {kept}.", file=sys.stderr)
        return 130 if reason == "Ctrl-C" else 143


def _stop(number: int, frame: object) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)


def refuse(name: str, error: Exception) -> int:
    """Prints why a command cannot run, on one line; gives the exit code."""
    # Some messages of MMEngine's are several lines.
    print(f"{_called(name)}: error: {' '.join(str(error).split())}", file=sys.stderr)
    return 2


def command_line() -> str:
    """The command that is running, as it goes into a page."""
    program, *words = sys.argv
    tool = Path(program).suffix == ".py" and Path(program).name != "__main__.py"
    return " ".join([f"python tools/{Path(program).name}" if tool else "hpe-art", *words])


def _called(name: str) -> str:
    tool = f"{name}.py"
    return tool if Path(sys.argv[0]).name == tool else f"hpe-art {name.replace('_', '-')}"


def positive_int(text: str) -> int:
    """Argparse type: a whole number of at least 1."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number >= 1, got {text}")
    return value


def seed(text: str) -> int:
    """Argparse type: a whole number of at least 0."""
    if not text.strip().isdecimal():
        raise argparse.ArgumentTypeError(f"expected a whole number >= 0, got {text}")
    return int(text)


def positive_float(text: str) -> float:
    """Argparse type: a finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"expected a finite number > 0, got {text}")
    return value


def norm(text: str) -> float:
    """Argparse type: inf, 1 or 2."""
    if text not in ("inf", "1", "2"):
        raise argparse.ArgumentTypeError(f"expected inf, 1 or 2, got {text}")
    return float(text)


def key_value(text: str) -> str:
    """Argparse type: KEY=VALUE, left as it is for MMEngine's `DictAction`."""
    if not text.partition("=")[0] or "=" not in text:
        raise argparse.ArgumentTypeError(f"expected KEY=VALUE, got {text}")
    return text


def config(text: str) -> str:
    """Argparse type: path of a config, or the name of a shipped one, which becomes its path."""
    try:
        return str(find_config(text))
    except UserError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def add_data_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that name people to attack, for every tool that does."""
    data = parser.add_argument_group("data (relative paths join the root)")
    data.add_argument("--data-root", help="folder in MPII format [the config's test set]")
    data.add_argument("--ann-file", help="annotations [the one *val*.json]")
    data.add_argument("--headbox-file", help="head boxes [the one *gt*val*.mat]")
    data.add_argument("--image-prefix", help="folder of the images [images]")
    data.add_argument("--skip-unreadable", action="store_true", help="leave out broken images")


def add_process_arguments(parser: argparse.ArgumentParser, usual: str) -> None:
    """The arguments of runs that go on where they were stopped, in one process or many.

    Args:
        parser: of the command.
        usual: the usual folder, for the help.
    """
    run = parser.add_argument_group("the run")
    run.add_argument(
        "--work-dir", "--out", dest="work_dir", type=Path, help=f"folder of the results [{usual}]"
    )
    run.add_argument(
        "--overwrite", action="store_true", help="begin anew where the folder has other settings"
    )
    run.add_argument(
        "--launcher",
        choices=["none", "pytorch", "slurm", "mpi"],
        default="none",
        help="what started the processes [none: there is one]",
    )
    run.add_argument("--local_rank", "--local-rank", type=int, default=0, help=argparse.SUPPRESS)


def recorded(args: argparse.Namespace) -> dict[str, Any]:
    """The arguments as they go into the results, in the types of JSON."""
    return {name: _plain(value) for name, value in vars(args).items()}


def settings_of(args: argparse.Namespace) -> dict[str, Any]:
    """The arguments that a `RunSpec` has a setting for under the same name."""
    from hpe_art.evaluation.spec import RunSpec

    return {name: value for name, value in vars(args).items() if name in RunSpec.model_fields}


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, float) and math.isinf(value):
        return "inf"
    return str(value) if isinstance(value, Path) else value


def add_speed_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that say how gradients are computed, for every tool that attacks."""
    speed = parser.add_argument_group("speed (poses are scored in float32 by the model itself)")
    speed.add_argument(
        "--precision",
        choices=PRECISIONS,
        default="auto",
        help="of gradients: float32 takes them through the model itself, folded and bfloat16 "
        "through a faster copy; auto rounds where the device has fast units for it, and in a "
        "folder that is gone on with as before [auto]",
    )
    speed.add_argument("--compile", action="store_true", help="compile the copy: for long runs")
