"""The attacks that a command line asks for, and what does not go together."""

import argparse
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hpe_art.commands.arguments import misplaced
from hpe_art.errors import UserError

MAX_GREY = 255.0
OPTIONS = (
    *("eps", "eps_step", "max_iter", "norm", "outputs", "loss", "schedule", "size", "seed"),
    *("methods", "sources", "feedback"),
)


def check_together(args: argparse.Namespace) -> None:
    """Refuses with a `UserError` what can be seen without a model; imports nothing heavy."""
    for flag in ("attack", "defence", "target_joints"):
        for word in getattr(args, flag) or ():
            if why := misplaced(word):
                name = flag.replace("_", "-")
                raise UserError(f"Expected names for --{name}. Got {word}{why}.")
    eps = args.eps or [8.0]
    if args.behind and args.defence:
        raise UserError("Expected --behind or --defence. Got both: leave one out.")
    if args.target not in ("far", "mirror") and not Path(args.target).is_file():
        raise UserError(
            f"Expected --target far, mirror or a JSON file of poses. Got {args.target}."
        )
    if args.norm in (None, math.inf) and max(eps) > MAX_GREY:
        raise UserError(
            f"Expected eps of at most {MAX_GREY:g} grey levels for norm inf. Got {max(eps):g}."
        )
    if args.eps_step is not None and args.eps_step > min(eps):
        raise UserError(
            f"Expected --eps-step of at most eps. Got {args.eps_step:g} for eps {min(eps):g}."
        )
    fits = ("fit_data_root", "fit_samples", "epochs")
    given = [f"--{n.replace('_', '-')}" for n in fits if getattr(args, n) is not None]
    if args.perturbation and given:
        raise UserError(
            f"Expected --perturbation, or {given[0]} to fit one. Got both: leave one out."
        )
    if given and not args.attack:
        raise UserError(
            f"Expected {given[0]} with an attack that is fitted. Got no attack: name it with "
            "--attack."
        )
    for path in args.perturbation or ():
        if not Path(path).is_file():
            raise UserError(f"Expected a file for --perturbation. Got {path}: not there.")
    if args.fit_data_root is not None and not Path(args.fit_data_root).expanduser().is_dir():
        raise UserError(
            f"Expected a folder for --fit-data-root. Got {args.fit_data_root}: not there."
        )


def attacks_asked(args: argparse.Namespace) -> list[Any]:
    """Every attack that the arguments ask for, in the order in which they run.

    UserError names an attack that there is not, or an argument that none of them takes.
    """
    from hpe_art.attacks import Universal, expand

    options = {name: getattr(args, name) for name in OPTIONS}
    options["targeted"] = [False, True] if args.both else args.targeted or None
    saved = _saved(args) if args.perturbation else []
    names = list(args.attack or ())
    if saved and Universal.name in names:
        names.remove(Universal.name)
    elif saved and names:
        raise UserError(
            f"Expected --perturbation with --attack {Universal.name}. Got {' '.join(names)}."
        )
    if saved and not names:
        _refuse_options(args)
        attacks = saved
    else:
        attacks = [*expand(names or None, options), *saved]
    if not any(a.targeted for a in attacks) and (args.target != "far" or args.target_joints):
        raise UserError(
            "Expected --target and --target-joints with a targeted attack. Got none: "
            "add --targeted."
        )
    universal = [a for a in attacks if isinstance(a, Universal)]
    given = (args.fit_data_root, args.fit_samples, args.epochs)
    if any(given) and not any(a.perturbation is None for a in universal):
        raise UserError(
            "Expected --fit-data-root, --fit-samples and --epochs with --attack "
            f"{Universal.name}. Got another attack."
        )
    if any(a.targeted for a in universal) and args.target == "far":
        raise UserError(
            "Expected --target mirror or a JSON file for a targeted universal perturbation, which "
            "moves everybody alike. Got far."
        )
    if any(a.targeted for a in universal) and args.target_joints:
        raise UserError(
            "Expected no --target-joints with a targeted universal perturbation, which is fitted "
            "for all joints."
        )
    return attacks


def _refuse_options(args: argparse.Namespace) -> None:
    """Each file says itself what it is."""
    given = (args.targeted, args.both, args.outputs, args.eps, args.norm, args.max_iter)
    if any(given):
        raise UserError(
            "Expected --perturbation without --targeted, --both, --outputs, --norm and --eps: each "
            "file says what it is. Got one of them: leave it out."
        )


def _saved(args: argparse.Namespace) -> list[Any]:
    """One spec for each file of `--perturbation`; the file says what it is."""
    from hpe_art.attacks import Universal

    files = list(dict.fromkeys(map(str, args.perturbation)))
    return [Universal.from_file(*one) for one in zip(files, _names(files), strict=True)]


def _names(files: Sequence[str]) -> list[str]:
    """What tells perturbations apart: their file names, or as much of their paths as they need."""
    if len(files) < 2:
        return [""] * len(files)
    paths = [Path(file).absolute().with_suffix("") for file in files]
    names = [path.name for path in paths]
    if len(set(names)) == len(names):
        return names
    root = os.path.commonpath(paths)
    return ["-".join(path.relative_to(root).parts) for path in paths]
