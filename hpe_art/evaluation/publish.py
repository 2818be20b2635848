"""Puts trained weights, and perturbations fitted on them, into the bundle, with index entries."""

from __future__ import annotations

import json
import os
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from hpe_art import zoo
from hpe_art.attacks import UniversalPosePerturbation
from hpe_art.data.crops import Crops, load_crops
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.estimators.loading import load_config
from hpe_art.evaluation.results import package_versions
from hpe_art.metrics import pckh, pckh_hits, relative_pckh
from hpe_art.zoo import packing

WEAK = 90.0  # per cent of the clean PCKh: what leaves as much is not worth its place


def publish(
    config: str, checkpoint: str, name: str, command: str, notes: str = "", bits: int = 8
) -> dict[str, Any]:
    """Bundles a checkpoint; the score in the index is that of the bundled file itself.

    Args:
        config: the config that it was trained from, relative to the repository.
        checkpoint: what `tools/train.py` left in its work folder.
        name: of the entry; a config refers to it as `zoo://NAME`.
        command: with which it was trained.
        notes: training time, machine and what else a reader wants to know.
        bits: of each weight on disk, see `zoo.packing.pack`.

    Returns:
        The index entry.

    Raises:
        ModelError: config or checkpoint cannot be used.
        ValueError: `bits` is not 2 to 8, or the entry is that of another config.
    """
    known = zoo.index().get(name, {}).get("config", config)
    if Path(known).resolve() != Path(config).resolve():
        raise ValueError(
            f"Expected a name that no other config has. Got {name}, which {known} has: choose "
            "another --name."
        )
    cfg = load_config(config)
    estimator = PyTorchPoseEstimator.from_config(cfg, checkpoint)
    packed = packing.pack(estimator.model.state_dict(), bits)
    estimator.model.load_state_dict(packing.unpack(packed))
    crops = load_crops(cfg)
    clean = _score(estimator, crops, crops.x[:].astype(np.float32))
    stale = zoo.index().get(name, {}).get("perturbations", {}).values()  # of other weights
    path = zoo.save(name, packed)
    entry = {
        "file": path.name,
        "sha256": zoo.sha256(path),
        "config": config,
        "command": command,
        "seed": cfg.get("randomness", {}).get("seed"),
        "date": date.today().isoformat(),
        "clean_PCKh": None if clean is None else round(clean, 2),
        "people": len(crops),
        "bits": bits,
        "parameters": sum(p.numel() for p in estimator.model.parameters()),
        "versions": package_versions(),
        "notes": notes,
    }
    _write_index({**zoo.index(), name: entry})
    for one in stale:
        (zoo.FOLDER / one["file"]).unlink(missing_ok=True)
    return entry


def publish_perturbation(config: str, path: str, command: str) -> dict[str, Any] | None:
    """Bundles a universal perturbation with the bundled network that it was fitted on.

    Args:
        config: of the network, relative to the repository; its `load_from` names the bundle.
        path: what `UniversalPosePerturbation.save` wrote.
        command: with which it was fitted.

    Returns:
        The entry, which goes under `perturbations` of the network's; None, and nothing is
        bundled, where the perturbation leaves 90 % of the clean PCKh or more.

    Raises:
        ValueError: no such file, one for another network, or the network is not bundled.
    """
    cfg = load_config(config)
    source = cfg.get("load_from") or ""
    estimator = PyTorchPoseEstimator.from_config(cfg)
    attack = UniversalPosePerturbation.load(path, estimator)
    if not source.startswith(zoo.PREFIX) or attack.fitted["source"] != source:
        raise ValueError(
            f"Expected a perturbation fitted on the bundled weights of {config}, {source!r}. "
            f"Got one fitted on {attack.fitted['source']!r}."
        )
    if attack.targeted or attack.fitted["outputs"] != "last":
        raise ValueError(
            "Expected an untargeted perturbation for the last output. "
            f"Got targeted {attack.targeted}, outputs {attack.fitted['outputs']!r}."
        )
    crops = load_crops(cfg)
    x = crops.x[:].astype(np.float32)
    clean, perturbed = (_score(estimator, crops, images) for images in (x, attack.generate(x)))
    left = relative_pckh(perturbed, clean)
    if left is None or left >= WEAK:
        return None
    name = source.removeprefix(zoo.PREFIX)
    file = zoo.FOLDER / f"{name}_uap{attack.eps:g}.npz"
    shutil.copyfile(path, file)
    entry = {
        "file": file.name,
        "sha256": zoo.sha256(file),
        "command": command,
        "date": date.today().isoformat(),
        "fitted": attack.fitted,
        "relative_PCKh": round(left, 2),
        "people": len(crops),
    }
    entries = zoo.index()
    entries[name].setdefault("perturbations", {})[f"{attack.eps:g}"] = entry
    _write_index(entries)
    return entry


def _score(estimator: PyTorchPoseEstimator, crops: Crops, images: np.ndarray) -> float | None:
    poses = crops.to_image(estimator.predict(images, batch_size=32))
    return pckh(pckh_hits(poses, crops.truth, crops.head_size)).PCKh


def _write_index(entries: dict[str, Any]) -> None:
    text = json.dumps(dict(sorted(entries.items())), indent=2)
    partial = zoo.FOLDER / f"index.{os.getpid()}.part"
    partial.write_text(text + "\n", encoding="utf-8")
    os.replace(partial, zoo.FOLDER / "index.json")
