"""One run's results: entries built from scores, checked against the schema, one JSON file.

``schema.json`` beside this file says what every key holds.
"""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Mapping
from functools import lru_cache
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np

from hpe_art.metrics import PoseScore, relative_pckh

SCHEMA_VERSION = 1
PACKAGES = (
    "hpe-art",
    "adversarial-robustness-toolbox",
    "mmpose",
    "mmengine",
    "mmcv",
    "mmcv-lite",
    "mmdet",
    "numpy",
    "torch",
    "torchvision",
)


def attack_name(attack: str, targeted: bool, max_iter: int | None, outputs: str) -> str:
    """The paper's name of an attack: NOISE, FGSM-U, IGSM-T-20, FGSM-U-ALL.

    Args:
        attack: "noise", "fgsm", or the name of an iterated attack such as "igsm".
        targeted: T or U.
        max_iter: number of steps; named for iterated attacks only.
        outputs: "last", or "all" for the loss summed over all outputs.
    Raises:
        ValueError: other ``outputs``, or an iterated attack without ``max_iter``.
    """
    if outputs not in ("last", "all"):
        raise ValueError(f'Expected outputs "last" or "all". Got {outputs!r}.')
    if attack == "noise":
        return "NOISE"
    name = f"{attack.upper()}-{'T' if targeted else 'U'}"
    if attack != "fgsm":
        if max_iter is None:
            raise ValueError(f"Expected the number of steps of {attack}. Got None.")
        name += f"-{max_iter}"
    return name + ("-ALL" if outputs == "all" else "")


def clean_entry(half: PoseScore, tenth: PoseScore) -> dict[str, Any]:
    """The ``clean`` part from the scores at thresholds 0.5 and 0.1."""
    return {
        "PCKh": half.PCKh,
        "PCKh@0.1": tenth.PCKh,
        "per_group": half.per_group,
        "per_joint": half.per_joint,
    }


def attack_entry(
    *,
    attack: str,
    eps: float,
    eps_step: float | None,
    max_iter: int | None,
    targeted: bool,
    norm: float | str,
    outputs: str,
    clean: PoseScore,
    perturbed: PoseScore,
    target: PoseScore | None,
    linf_max: float,
    forward_passes: int,
    backward_passes: int,
    seconds: float,
) -> dict[str, Any]:
    """One of the ``attacks``, named, with its relative PCKh.

    Args:
        attack: "noise", "fgsm", "igsm".
        eps: bound on the perturbation, in grey levels.
        eps_step: size of one step, in grey levels; None for noise.
        max_iter: number of steps; None for noise.
        targeted: towards the target poses, or away from the truth.
        norm: numpy.inf (written "inf"), 1 or 2.
        outputs: "last" or "all".
        clean: score against the truth before the attack.
        perturbed: score against the truth after it.
        target: score of the perturbed prediction against the target poses; None without targets.
        linf_max: largest change of any pixel, in grey levels.
        forward_passes: counted in images.
        backward_passes: counted in images.
        seconds: wall clock.
    """
    return {
        "name": attack_name(attack, targeted, max_iter, outputs),
        "attack": attack,
        "eps": eps,
        "eps_step": eps_step,
        "max_iter": max_iter,
        "targeted": targeted,
        "norm": "inf" if norm in (np.inf, "inf") else norm,
        "outputs": outputs,
        "PCKh": perturbed.PCKh,
        "relative_PCKh": relative_pckh(perturbed.PCKh, clean.PCKh),
        "target_PCKh": target.PCKh if target else None,
        "per_group": perturbed.per_group,
        "per_joint": perturbed.per_joint,
        "linf_max": linf_max,
        "forward_passes": forward_passes,
        "backward_passes": backward_passes,
        "seconds": seconds,
    }


def package_versions() -> dict[str, str]:
    """The versions of Python and of those packages in ``PACKAGES`` that are installed."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions


def write_results(path: str | Path, results: Mapping[str, Any]) -> None:
    """Checks the results and writes them; the file is either complete or as it was before.

    NumPy numbers and arrays and paths are written as JSON's own.

    Raises:
        ValueError: the results do not fit the schema, or hold NaN or infinity; the key is named.
    """
    path = Path(path)
    document = _plain(results)
    _validate(document, "The results")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(json.dumps(document, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def read_results(path: str | Path) -> dict[str, Any]:
    """Reads results that ``write_results`` has written.

    Raises:
        ValueError: not JSON, another schema version, or results that do not fit the schema.
        FileNotFoundError: no such file.
    """
    text = Path(path).read_text(encoding="utf-8")
    try:
        document: dict[str, Any] = json.loads(text, parse_constant=_refuse)
    except ValueError as error:
        raise ValueError(f"Expected JSON in {path}. Got: {error}.") from error
    _validate(document, str(path))
    return document


@lru_cache
def schema() -> dict[str, Any]:
    """The JSON Schema of the results (draft 2020-12)."""
    text = resources.files("hpe_art.evaluation").joinpath("schema.json").read_text("utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


def _validate(document: Any, where: str) -> None:
    version = document.get("schema_version") if isinstance(document, dict) else None
    if version != SCHEMA_VERSION:
        raise ValueError(f"{where}: expected schema_version {SCHEMA_VERSION}. Got {version!r}.")
    validator = jsonschema.Draft202012Validator(schema())
    error = jsonschema.exceptions.best_match(validator.iter_errors(document))
    if error is not None:
        raise ValueError(f"{where} do not fit the schema at {error.json_path}: {error.message}.")


def _plain(value: Any, key: str = "$") -> Any:
    """The value in JSON's own types."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item, f"{key}.{name}") for name, item in value.items()}
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [_plain(item, f"{key}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"Expected a finite number at {key}. Got {value}.")
    return value


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a number")
