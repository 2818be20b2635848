"""Command lines: what is parsed, and the attacks, grids and smoothings that they ask for."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from fuzz.holding import holds, refused, silent
from fuzz.mutations import ODD_TEXTS
from hypothesis import strategies as st

from hpe_art.attacks import ATTACKS
from hpe_art.commands import COMMANDS, demo, study
from hpe_art.commands.attacks_asked import attacks_asked, check_together
from hpe_art.data.corruptions import CORRUPTIONS, corruptions_named
from hpe_art.losses import LOSSES
from hpe_art.metrics.certificates import Smoothing

WORDS = ["hourglass", "no.py", "a=1", "8", "0", "-1", "0.5", "1e400", "inf", "nan", "all", "no"]


def _module(name: str) -> Any:
    return import_module(f"hpe_art.commands.{name.replace('-', '_')}")


@cache
def _options(name: str) -> list[str]:
    """Those that a command's help names."""
    with silent() as said, contextlib.suppress(SystemExit):
        _module(name).parse(["--help"])
    return sorted(set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", said.getvalue())))


def _parsed(name: str, words: list[str]) -> Any:
    """The arguments; None where the process ends, with 0 (help) or 2."""
    with silent():
        try:
            return _module(name).parse(words)
        except SystemExit as stop:
            assert stop.code in (0, 2)
            return None


@holds
def arguments(folder: Path, draw: Any) -> None:
    """A command line is one, or its process ends with 0 (help) or 2."""
    name = draw(st.sampled_from(sorted(COMMANDS)))
    word = st.sampled_from([*_options(name), *WORDS, *map(str, ODD_TEXTS)])
    words = draw(st.lists(word, max_size=6))
    with refused(), contextlib.chdir(folder):
        _parsed(name, words)


def _attacks(args: Any) -> None:
    check_together(args)
    assert all(spec.label for spec in attacks_asked(args))


def _certificates(args: Any) -> None:
    found = Smoothing(args.sigma, args.copies, args.confidence).reach()
    assert len(found) and (found > 0).all()


def _corruptions(args: Any) -> None:
    assert corruptions_named(args.corruptions or ())


ASKED: dict[str, tuple[list[str], Callable[[Any], object]]] = {
    "attack": (["hourglass"], _attacks),
    "demo": (["a.jpg"], demo.spec_of),
    "study": ([], study._grid),
    "certify": (["hourglass"], _certificates),
    "corruptions": (["hourglass"], _corruptions),
}


@holds
def asked(folder: Path, draw: Any) -> None:
    """What a command line asks for can be had, or is refused before a network is built."""
    name = draw(st.sampled_from(sorted(ASKED)))
    usual, find = ASKED[name]
    names = [*ATTACKS.module_dict, *LOSSES.module_dict, *list(CORRUPTIONS)[:3], "mirror", "both"]
    word = st.sampled_from([*_options(name)] * 3 + names + WORDS + ["2", "1", "count", "linear"])
    args = _parsed(name, [*usual, *draw(st.lists(word, max_size=6))])
    with refused(ValueError), contextlib.chdir(folder):
        if args is not None:
            find(args)
