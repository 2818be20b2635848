"""A study from its arguments: everything that can fail on bad input, before long work starts."""

from __future__ import annotations

import argparse
import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hpe_art.commands.paths import config_files
from hpe_art.evaluation.arguments import ArgumentsError
from hpe_art.evaluation.device import check_device, score_in_float32
from hpe_art.evaluation.results import plain
from hpe_art.evaluation.study.cells import write_whole
from hpe_art.evaluation.study.networks import (
    Network,
    identity,
    load_networks,
    with_weights,
)
from hpe_art.evaluation.study.plan import PARTS, QUICK, Grid, Studied, plan
from hpe_art.evaluation.study.run import Study
from hpe_art.evaluation.universal import EPOCHS

ABOUT = "study.json"
FITS = "training people or perturbation"
QUICK_PEOPLE = 64
PEOPLE = 128


@dataclass(frozen=True)
class PreparedStudy:
    """A study whose arguments, networks and people have been found good.

    Attributes:
        study: to run.
        grid: what was asked for.
        left_out: networks that are not studied, and why.
        notes: what will be otherwise than asked for, and why.
    """

    study: Study
    grid: Grid
    left_out: dict[str, str]
    notes: list[str]


def prepare_study(args: argparse.Namespace) -> PreparedStudy:
    """Loads networks and people.

    Args:
        args: as `tools/study.py` parses them.

    Raises:
        ValueError: something cannot be used, or the folder has the study of others.
    """
    check_device(args.device)
    score_in_float32()
    grid = asked_grid(args)
    configs, left_out = with_weights(config_files(args.configs))
    fit = "universal" in grid.parts and not args.quick
    kept = set() if _asks_to_fit(args) else _kept_to_bundled(args.out)
    to_fit = {file.stem for file in configs} - kept if fit else set()
    people = QUICK_PEOPLE if args.quick else PEOPLE
    networks = load_networks(configs, args, people, to_fit, grid.universal_eps)
    study = Study(
        networks,
        plan([_studied(network) for network in networks], grid),
        args.out,
        args.seed,
        args.batch_size,
        args.epochs or EPOCHS,
    )
    notes = _bundled_perturbations(study, args, kept) if fit else []
    _claim_folder(study, write=not args.plan)
    return PreparedStudy(study, grid, left_out, notes)


def asked_grid(args: argparse.Namespace) -> Grid:
    """The grid that the arguments ask for.

    Raises:
        ArgumentsError: a part that there is not.
    """
    grid = QUICK if args.quick else Grid()
    unknown = sorted(set(args.only or ()) - set(PARTS))
    if unknown:
        raise ArgumentsError(f"Expected parts out of {', '.join(PARTS)}. Got {', '.join(unknown)}.")
    return replace(
        grid,
        parts=tuple(part for part in PARTS if part in (args.only or PARTS)),
        eps=tuple(dict.fromkeys(args.eps or grid.eps)),
        seed=args.seed,
        batch_size=args.batch_size,
    )


def _asks_to_fit(args: argparse.Namespace) -> bool:
    return bool(args.epochs or args.fit_samples or args.fit_data_root)


def _kept_to_bundled(folder: Path) -> set[str]:
    """Networks whose universal perturbations in a folder are the bundled ones."""
    # Of a fit, a list is kept: who on, and how often.
    fits = _known(folder).get(FITS, {})
    return {cell.split(" ", 1)[0] for cell, made_of in fits.items() if isinstance(made_of, str)}


def _bundled_perturbations(
    study: Study, args: argparse.Namespace, kept: Collection[str]
) -> list[str]:
    """Which networks have bundled universal perturbations, and why.

    Raises:
        ArgumentsError: arguments ask for a fit that is not possible.
    """
    bundled = []
    going_on = [network.name for network in study.networks if network.name in kept]
    for network in study.networks:
        if network.fit_on is not None or network.name in kept:
            continue
        if args.epochs or args.fit_samples:
            raise ArgumentsError(
                "Expected training people for --epochs and --fit-samples. Got none for "
                f"{network.name}: render them (tools/train.py does), or name a folder with "
                "--fit-data-root."
            )
        sizes = ", ".join(f"{eps:g}" for eps in network.bundled)
        bundled.append(f"{network.name} (eps {sizes})" if sizes else f"none of {network.name}")
    notes = []
    if going_on:
        notes.append(
            f"Universal perturbations are the bundled ones of {', '.join(going_on)}, as before in "
            f"{study.folder}; another --out fits them."
        )
    if bundled:
        notes.append(
            "No training people to fit universal perturbations on: the bundled ones (last output) "
            f"of {', '.join(bundled)}. Render them (tools/train.py does) and name another --out, "
            "or name --fit-data-root."
        )
    return notes


def _studied(network: Network) -> Studied:
    bundled = None if network.fit_on is not None else tuple(network.bundled)
    return Studied(network.name, network.outputs, bundled)


def _claim_folder(study: Study, write: bool) -> None:
    """Sees that the folder is new or holds a study of the same kind.

    Raises:
        ArgumentsError: it holds another, whose cells would be overwritten; the difference is named.
    """
    about, known = _about(study), _known(study.folder)
    for key, value in about.items():
        old = known.get(key, {})
        for name in value.keys() & old.keys():
            if old[name] != value[name]:
                raise ArgumentsError(
                    f"Expected the {key} that {study.folder} was made with, {old[name]}. "
                    f"Got {value[name]}: choose another --out, or remove that folder."
                )
    if write:
        whole = {key: {**known.get(key, {}), **value} for key, value in about.items()}
        write_whole(study.folder / ABOUT, json.dumps(whole, indent=1) + "\n")


def _known(folder: Path) -> dict[str, dict[str, Any]]:
    """What a folder keeps to; nothing if it is new."""
    try:
        known: dict[str, dict[str, Any]] = json.loads((folder / ABOUT).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return known


def _about(study: Study) -> dict[str, dict[str, Any]]:
    """What a folder keeps to, by network: one answer to each, whatever is run later."""
    about: dict[str, dict[str, Any]] = {
        "seed": {"all": study.seed},
        "people": {n.name: identity(n.crops) for n in study.networks},
        "weights": {n.name: n.weights for n in study.networks},
        "model (in the config)": {n.name: n.model_sha256 for n in study.networks},
        "precision": {},
        FITS: {},
    }
    for cell in study.cells:
        made_of = study.made_of(cell)
        if "precision" in made_of:
            about["precision"][cell.network] = made_of["precision"]
        if "fit" in made_of:
            about[FITS][f"{cell.network} {cell.name}"] = made_of["fit"]
    return plain(about)
