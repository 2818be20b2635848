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
from numpy.typing import NDArray

from hpe_art.intervals import LEVEL, RESAMPLES, pckh_intervals, relative_intervals
from hpe_art.metrics import PoseScore, pckh, relative_pckh

SCHEMA_VERSION = 1
_DRAWN = {"level": LEVEL, "resamples": RESAMPLES}
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

Hits = NDArray[np.float64]


def attack_name(attack: str, targeted: bool, max_iter: int | None, outputs: str) -> str:
    """The paper's name of an attack: NOISE, FGSM-U, IGSM-T-20, FGSM-U-ALL, UAP-U.

    Args:
        attack: "noise", "fgsm", "uap", or the name of an iterated attack such as "igsm".
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
    if attack not in ("fgsm", "uap"):
        if max_iter is None:
            raise ValueError(f"Expected the number of steps of {attack}. Got None.")
        name += f"-{max_iter}"
    return name + ("-ALL" if outputs == "all" else "")


def clean_entry(hits: Hits, tenth: Hits, seed: int = 0) -> dict[str, Any]:
    """The ``clean`` part.

    Args:
        hits: (N, 16), at threshold 0.5.
        tenth: (N, 16), at threshold 0.1.
        seed: of the intervals.
    """
    half = pckh(hits)
    return {
        "PCKh": half.PCKh,
        "PCKh@0.1": pckh(tenth).PCKh,
        "per_group": half.per_group,
        "per_joint": half.per_joint,
        "ci": {**_DRAWN, "seed": seed, **pckh_intervals(hits, seed)},
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
    hits: Hits,
    target_hits: Hits | None,
    clean_hits: Hits,
    seed: int,
    linf_max: float,
    forward_passes: int,
    backward_passes: int,
    seconds: float,
    label: str = "",
) -> dict[str, Any]:
    """One of the ``attacks``, named, with its scores and their intervals.

    Args:
        attack: "noise", "fgsm", "igsm", "uap".
        eps: bound on the perturbation, in grey levels.
        eps_step: size of one step, in grey levels; None for noise and uap.
        max_iter: number of steps; None for noise and uap.
        targeted: towards the target poses, or away from the truth.
        norm: numpy.inf (written "inf"), 1 or 2.
        outputs: "last" or "all".
        hits: (N, 16), of the perturbed predictions against the truth.
        target_hits: (N, 16), of the perturbed predictions against the target poses, if any.
        clean_hits: (N, 16), of the clean predictions.
        seed: of the intervals.
        linf_max: largest change of any pixel, in grey levels.
        forward_passes: counted in images.
        backward_passes: counted in images.
        seconds: wall clock.
        label: added to the name.
    """
    name = attack_name(attack, targeted, max_iter, outputs)
    return {
        "name": f"{name} {label}".strip(),
        "attack": attack,
        "eps": eps,
        "eps_step": eps_step,
        "max_iter": max_iter,
        "targeted": targeted,
        "norm": "inf" if norm in (np.inf, "inf") else norm,
        "outputs": outputs,
        **attack_scores(hits, target_hits, clean_hits, seed),
        "linf_max": linf_max,
        "forward_passes": forward_passes,
        "backward_passes": backward_passes,
        "seconds": seconds,
    }


def attack_scores(
    hits: Hits, target_hits: Hits | None, clean_hits: Hits, seed: int
) -> dict[str, Any]:
    """PCKh, relative and target PCKh, overall, per group and per joint, with their intervals.

    Args:
        hits: (N, 16), of the perturbed predictions against the truth.
        target_hits: (N, 16), of the same against the target poses, if any.
        clean_hits: (N, 16), of the clean predictions of the same network.
        seed: of the intervals.
    """
    score, clean = pckh(hits), pckh(clean_hits)
    target = None if target_hits is None else pckh(target_hits)
    relative = PoseScore(
        relative_pckh(score.PCKh, clean.PCKh),
        {k: relative_pckh(value, clean.per_joint[k]) for k, value in score.per_joint.items()},
        {k: relative_pckh(value, clean.per_group[k]) for k, value in score.per_group.items()},
    )
    intervals = (
        pckh_intervals(hits, seed),
        relative_intervals(hits, clean_hits, seed),
        None if target_hits is None else pckh_intervals(target_hits, seed),
    )
    return {
        **_flat(score, relative, target),
        "ci": {
            **_DRAWN,
            "seed": seed,
            **_flat(*(None if i is None else PoseScore(**i) for i in intervals)),
        },
    }


def _flat(
    plain: PoseScore | None, relative: PoseScore | None, target: PoseScore | None
) -> dict[str, Any]:
    """Three scores under one roof: PCKh, relative_PCKh, target_PCKh, per_group, ..."""
    flat: dict[str, Any] = {}
    for prefix, score in (("", plain), ("relative_", relative), ("target_", target)):
        flat[f"{prefix}PCKh"] = None if score is None else score.PCKh
        flat[f"{prefix}per_group"] = None if score is None else score.per_group
        flat[f"{prefix}per_joint"] = None if score is None else score.per_joint
    return flat


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
    document = plain(results)
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


def plain(value: Any, key: str = "$") -> Any:
    """The value in JSON's own types."""
    if isinstance(value, Mapping):
        return {str(name): plain(item, f"{key}.{name}") for name, item in value.items()}
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain(item, f"{key}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"Expected a finite number at {key}. Got {value}.")
    return value


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a number")
