"""Puts trained weights into the bundle: packs them, scores them, and writes the index entry."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from hpe_art import zoo
from hpe_art.datasets.crops import load_crops
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.estimators.loader import load_config
from hpe_art.evaluation.results import package_versions
from hpe_art.metrics import pckh, pckh_hits
from hpe_art.zoo import packing


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
        ValueError: `bits` is not 2 to 8.
    """
    cfg = load_config(config)
    estimator = PyTorchPoseEstimator.from_config(cfg, checkpoint)
    packed = packing.pack(estimator.model.state_dict(), bits)
    path = zoo.save(name, packed)
    estimator.model.load_state_dict(packing.unpack(packed))
    crops = load_crops(cfg)
    poses = crops.to_image(estimator.predict(crops.x.astype(np.float32), batch_size=32))
    clean = pckh(pckh_hits(poses, crops.truth, crops.head_size)).PCKh
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
    entries = {**zoo.index(), name: entry}
    text = json.dumps(dict(sorted(entries.items())), indent=2)
    Path(zoo.FOLDER / "index.json").write_text(text + "\n", encoding="utf-8")
    return entry
