"""What the commands share: their parsers, and types and groups of arguments."""

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hpe_art.commands.door import add_output_arguments, called
from hpe_art.configs import find_config
from hpe_art.errors import UserError

LAUNCHERS = ("none", "pytorch", "slurm", "mpi")
PRECISIONS = ("auto", "float32", "folded", "bfloat16")


class Parser(argparse.ArgumentParser):
    """Refuses empty arguments, which are what is left of a shell variable that is not set."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse does."""
        words: Sequence[str] = sys.argv[1:] if args is None else args
        for before, word in zip(("", *words), words, strict=False):
            option, equals, value = word.partition("=")
            given = option.startswith("--") and equals
            if not (value if given else word).strip():
                flag = option if given else before if before.startswith("-") else "an argument"
                self.error(f"expected a value for {flag}, got an empty one: is a variable unset?")
        return super().parse_known_args(args, namespace)


def command_parser(name: str, description: str | None) -> argparse.ArgumentParser:
    """A parser of the arguments of a command's module, called what the user called."""
    return Parser(
        prog=called(name),
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


CHECKPOINTS = (".pth", ".pt", ".ckpt", ".tar", ".safetensors", ".bin")


def misplaced(text: str) -> str:
    """What is to be said of a word that an option with several values took, if it is a file."""
    if Path(text).suffix in CHECKPOINTS:
        return ": a checkpoint stands right after the config"
    return ""


def _number(
    expected: str, convert: Callable[[str], Any], is_good: Callable[[Any], bool]
) -> Callable[[str], Any]:
    """An argparse type: what `convert` makes of the text, if that is good."""

    def parse(text: str) -> Any:
        try:
            value = convert(text)
        except (KeyError, ValueError):
            value = math.nan
        if not is_good(value):
            raise argparse.ArgumentTypeError(f"expected {expected}, got {text}{misplaced(text)}")
        return value

    return parse


positive_int = _number("a whole number >= 1", int, lambda value: value >= 1)
# No sign, and no underscore: str.isdecimal is stricter than int.
seed = whole_number = _number(
    "a whole number >= 0",
    lambda text: int(text) if text.strip().isdecimal() else -1,
    lambda value: value >= 0,
)
positive_float = _number("a finite number > 0", float, lambda value: 0 < value < math.inf)
norm = _number(
    "inf, 1 or 2", {"inf": math.inf, "1": 1.0, "2": 2.0}.__getitem__, lambda value: value > 0
)


def key_value(text: str) -> str:
    """Argparse type: KEY=VALUE, left as it is for MMEngine's `DictAction`."""
    if text.find("=") < 1:
        raise argparse.ArgumentTypeError(f"expected KEY=VALUE, got {text}{misplaced(text)}")
    return text


def config(text: str) -> str:
    """Argparse type: path or name of a config (`find_config`), which becomes its path."""
    try:
        return str(find_config(text))
    except UserError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def add_network_arguments(parser: argparse.ArgumentParser) -> None:
    """The config of a network and its weights."""
    known = "config of a top-down MMPose model, mmpose::NAME, or a shipped name"
    parser.add_argument("config", type=config, help=known)
    weights = "weights [those that the config names in load_from]"
    parser.add_argument("checkpoint", nargs="?", help=weights)


def add_config_options(parser: argparse.ArgumentParser, dest: str = "cfg_options") -> None:
    """`--cfg-options` as MMEngine has it."""
    from mmengine.config import DictAction

    parser.add_argument(
        "--cfg-options",
        dest=dest,
        nargs="+",
        type=key_value,
        action=DictAction,
        help="KEY=VALUE overrides of the config",
    )


def add_attack_options(parser: argparse.ArgumentParser) -> None:
    """The options of attacks that take one value, as `attacks_asked.OPTIONS` names them."""
    add = parser.add_argument
    add("--eps-step", type=positive_float, help="step [the attack's own]")
    add("--outputs", choices=["last", "all"], help="outputs in the loss [last]")
    add("--loss", metavar="NAME", help="registered loss [training: the network's own]")
    add("--schedule", choices=["halving", "linear"], help="how apgd's steps fall [halving]")
    add("--methods", metavar="NAMES", help="of transferable, such as mi-di [ni-di-ti-si]")
    add("--sources", metavar="NAMES", help="of transferable: further configs, joined by commas")
    add("--feedback", choices=["loss", "count"], help="what an answer of square says [loss]")
    add("--size", choices=["fast", "standard"], help="of auto: 100 or 1,000 gradients [fast]")


def add_people_arguments(
    parser: argparse.ArgumentParser, batch_size: int | None, people: int = 128
) -> None:
    """How many people are attacked at once and in all, and on what."""
    add, usual = parser.add_argument, batch_size or "the dataloader's"
    add("--num-samples", type=positive_int, help=f"people [{people}, or all if fewer]")
    add("--batch-size", type=positive_int, default=batch_size, help=f"images per pass [{usual}]")
    add("--seed", type=seed, default=0, help="of noise, target poses and intervals [0]")
    add("--device", choices=["auto", "cpu", "cuda"], default="auto", help="[auto]")


def add_picture_argument(parser: argparse.ArgumentParser, usual: int) -> None:
    """How many people are pictured."""
    what = f"how many of the first people are pictured, in the report too [{usual}]"
    parser.add_argument(
        "--pictures", dest="kept", metavar="N", type=whole_number, default=usual, help=what
    )


def add_fit_arguments(parser: argparse.ArgumentParser, usual: str) -> Any:
    """The arguments of fitting universal perturbations; `usual` is the usual folder."""
    fit = parser.add_argument_group("universal perturbations")
    add = fit.add_argument
    add("--fit-data-root", metavar="DIR", help=f"folder in MPII format to fit on [{usual}]")
    add("--fit-ann-file", metavar="FILE", help="its annotations [the one *train*.json]")
    add("--fit-samples", type=positive_int, help="people to fit on [4096, or all]")
    add("--epochs", type=positive_int, help="passes over them [2]")
    return fit


def add_data_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that name people to attack, for every tool that does."""
    data = parser.add_argument_group("data (relative paths join the root)")
    data.add_argument("--data-root", help="folder in MPII format [the config's test set]")
    data.add_argument("--ann-file", help="annotations [the one *val*.json]")
    data.add_argument("--headbox-file", help="head boxes [the one *gt*val*.mat]")
    data.add_argument("--image-prefix", help="folder of the images [images]")
    data.add_argument(
        "--skip-bad",
        "--skip-unreadable",
        dest="skip_unreadable",
        action="store_true",
        help="leave out who cannot be used: a broken image or annotation",
    )


def check_data_arguments(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Ends the process where files are named in a folder that is not."""
    if (args.ann_file or args.headbox_file or args.image_prefix) and not args.data_root:
        parser.error("--ann-file, --headbox-file and --image-prefix need --data-root")


def add_single_run_arguments(parser: argparse.ArgumentParser, usual: str, result: str) -> None:
    """The arguments of a run over people in one process, but for its own.

    Those are what is measured of whom, where its `result` goes, and what is printed.
    """
    metric = "registered metric per person [the evaluator's twin]"
    parser.add_argument("--metric", metavar="NAME", help=metric)
    add_config_options(parser)
    add_data_arguments(parser)
    _run_arguments(parser, usual)
    add_output_arguments(parser, result)


def parsed(
    parser: argparse.ArgumentParser, argv: Sequence[str] | None, results: str
) -> argparse.Namespace:
    """The arguments about one network; its folder is in that of `results` if none is named."""
    args = parser.parse_args(argv)
    args.work_dir = args.work_dir or Path(results) / Path(args.config).stem
    check_data_arguments(parser, args)
    return args


def _run_arguments(parser: argparse.ArgumentParser, usual: str) -> Any:
    """Where results go, in a group of their own, which is returned."""
    run = parser.add_argument_group("the run")
    out = f"folder of the results [{usual}]"
    run.add_argument("--work-dir", "--out", dest="work_dir", type=Path, help=out)
    anew = "begin anew where the folder has other settings"
    run.add_argument("--overwrite", action="store_true", help=anew)
    return run


def add_process_arguments(parser: argparse.ArgumentParser, usual: str) -> None:
    """The arguments of runs that go on where they were stopped; `usual` is the usual folder."""
    add = _run_arguments(parser, usual).add_argument
    add("--plan", action="store_true", help="print what it costs in passes and time, and stop")
    started = "what started the processes [none: there is one]"
    add("--launcher", choices=LAUNCHERS, default="none", help=started)
    add("--local_rank", "--local-rank", type=int, default=0, help=argparse.SUPPRESS)


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


def settings_of(args: argparse.Namespace) -> dict[str, Any]:
    """The arguments that a `RunSpec` has a setting for under the same name."""
    from hpe_art.evaluation.spec import RunSpec

    return {name: value for name, value in vars(args).items() if name in RunSpec.model_fields}


def recorded(args: argparse.Namespace) -> dict[str, Any]:
    """The arguments as they go into the results, in the types of JSON."""
    return {name: _plain(value) for name, value in vars(args).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, float) and math.isinf(value):
        return "inf"
    return str(value) if isinstance(value, Path) else value
