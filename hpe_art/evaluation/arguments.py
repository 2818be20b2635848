"""The arguments of an attack run: checked one by one, then turned into attack settings.

Nothing heavy is imported before the checks are through.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpe_art.mpii import joint_numbers

if TYPE_CHECKING:
    from hpe_art.attacks import AttackSetting

ATTACK_NAMES = ("noise", "fgsm", "igsm", "uap")
DEFENCE_NAMES = ("smoothing", "jpeg", "squeezing", "gaussian", "total-variation")
PRECISION_NAMES = ("auto", "float32", "bfloat16")
FLIP = "flip-perturbation"
DEFAULT_ATTACKS = ("noise", "fgsm", "igsm")
MAX_GREY = 255.0


class ArgumentsError(ValueError):
    """Arguments that do not go together; the message names them and the mend."""


def check_together(args: argparse.Namespace) -> None:
    """Refuses arguments that the chosen attacks would silently ignore, and steps beyond eps.

    Raises:
        ArgumentsError: names the arguments.
        ValueError: a joint that MPII does not have.
    """
    chosen = list(dict.fromkeys(name for name, _ in _kinds(args)))
    given = {"--eps-step": args.eps_step, "--max-iter": args.max_iter}
    for flag, value in given.items():
        if value is not None and "igsm" not in chosen:
            raise ArgumentsError(f"Expected {flag} with --attack igsm. Got {' '.join(chosen)}.")
    if chosen == ["noise"] and (args.targeted or args.both):
        raise ArgumentsError("Expected --targeted or --both with fgsm or igsm. Got noise alone.")
    _check_universal(args)
    asked = targets_asked(args) or args.perturbation  # a file may be targeted
    if not asked and (args.target != "far" or args.target_joints):
        raise ArgumentsError(
            "Expected --target and --target-joints with a targeted attack. Got none: "
            "add --targeted."
        )
    if args.target_joints:
        joint_numbers(args.target_joints)
    if args.behind and args.defence:
        raise ArgumentsError("Expected --behind or --defence. Got both: leave one out.")
    if args.target not in ("far", "mirror") and not Path(args.target).is_file():
        raise ArgumentsError(
            f"Expected --target far, mirror or a JSON file of poses. Got {args.target}."
        )
    if args.norm == math.inf and max(args.eps) > MAX_GREY:
        raise ArgumentsError(
            f"Expected eps of at most {MAX_GREY:g} grey levels for norm inf. Got {max(args.eps):g}."
        )
    if args.eps_step is not None and args.eps_step > min(args.eps):
        raise ArgumentsError(
            f"Expected --eps-step of at most eps. Got {args.eps_step:g} for eps {min(args.eps):g}."
        )


def _check_universal(args: argparse.Namespace) -> None:
    fits = {
        "--fit-data-root": args.fit_data_root,
        "--fit-ann-file": args.fit_ann_file,
        "--fit-samples": args.fit_samples,
        "--epochs": args.epochs,
    }
    given = [flag for flag, value in fits.items() if value is not None]
    universal = "uap" in (args.attack or ())
    if args.fit_ann_file is not None and args.fit_data_root is None:
        raise ArgumentsError("Expected --fit-ann-file with --fit-data-root. Got it alone.")
    if (universal or args.perturbation) and args.norm != math.inf:
        raise ArgumentsError(
            f"Expected --norm inf with universal perturbations. Got {args.norm:g}."
        )
    if args.perturbation:
        if given:
            raise ArgumentsError(
                f"Expected --perturbation, or {given[0]} to fit one. Got both: leave one out."
            )
        if args.attack and not universal:
            raise ArgumentsError(
                f"Expected --perturbation with --attack uap. Got {' '.join(args.attack)}."
            )
        for path in args.perturbation:
            if not Path(path).is_file():
                raise ArgumentsError(f"Expected a file for --perturbation. Got {path}: not there.")
        alone = args.attack in (None, ["uap"])
        if alone and (args.targeted or args.both or args.outputs != "last" or args.eps != [8.0]):
            raise ArgumentsError(
                "Expected --perturbation without --targeted, --both, --outputs and --eps: each "
                "file says what it is. Got one of them: leave it out."
            )
        return
    if given and not universal:
        raise ArgumentsError(f"Expected {given[0]} with --attack uap. Got another attack.")
    if args.fit_data_root is not None and not Path(args.fit_data_root).expanduser().is_dir():
        raise ArgumentsError(
            f"Expected a folder for --fit-data-root. Got {args.fit_data_root}: not there."
        )
    if universal and (args.targeted or args.both) and args.target == "far":
        raise ArgumentsError(
            "Expected --target mirror or a JSON file for a targeted universal perturbation, which "
            "moves everybody alike. Got far."
        )
    if universal and (args.targeted or args.both) and args.target_joints:
        raise ArgumentsError(
            "Expected no --target-joints with a targeted universal perturbation, which is fitted "
            "for all joints."
        )


def targets_asked(args: argparse.Namespace) -> bool:
    """Whether one of the attacks is targeted."""
    return any(targeted for _, targeted in _kinds(args))


def attack_settings(args: argparse.Namespace) -> list[AttackSetting]:
    """Every attack that the arguments ask for, in the order in which they run.

    Without `--attack`, `--targeted` and `--both`: noise, FGSM-U, IGSM-U and IGSM-T.
    """
    from hpe_art.attacks import AttackSetting

    settings = []
    for name, targeted in _kinds(args):
        if name == "uap" and args.perturbation:
            continue  # their files say what they are
        iterations = args.max_iter if name == "igsm" and args.max_iter else [None]
        for max_iter in iterations:
            for eps in args.eps:
                setting = AttackSetting(
                    attack=name,
                    eps=eps,
                    targeted=targeted,
                    eps_step=args.eps_step if name == "igsm" else None,
                    max_iter=max_iter,
                    norm=args.norm,
                    outputs=args.outputs,
                    seed=args.seed,
                    batch_size=args.batch_size,
                )
                if setting not in settings:
                    settings.append(setting)
    return settings


def _kinds(args: argparse.Namespace) -> list[tuple[str, bool]]:
    if args.perturbation and not args.attack:
        return [("uap", False)]
    if not args.attack and not args.targeted and not args.both:
        return [("noise", False), ("fgsm", False), ("igsm", False), ("igsm", True)]
    directions = (False, True) if args.both else (args.targeted,)
    kinds: list[tuple[str, bool]] = []
    for name in args.attack or DEFAULT_ATTACKS:
        once = name == "noise" or (name == "uap" and args.perturbation)
        kinds += [(name, False)] if once else [(name, d) for d in directions]
    return kinds


def recorded(args: argparse.Namespace) -> dict[str, Any]:
    """The arguments as they go into the result file."""
    plain = {key: str(v) if isinstance(v, Path) else v for key, v in vars(args).items()}
    return {key: "inf" if value == math.inf else value for key, value in plain.items()}
