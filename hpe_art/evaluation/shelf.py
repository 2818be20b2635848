"""One attack of ART's shelf, tried on a few people."""

from __future__ import annotations

import time
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch

from hpe_art.attacks.art.recipes import RECIPES
from hpe_art.data.crops import Crops
from hpe_art.estimators import PoseClassifierView, PyTorchPoseEstimator
from hpe_art.metrics import pckh, pckh_hits


def try_attack(name: str, estimator: PyTorchPoseEstimator, crops: Crops, seed: int = 0) -> dict:
    """Runs an attack as its recipe says.

    Args:
        name: a class of `art.attacks.evasion` that is in `RECIPES`.
        estimator: what is attacked.
        crops: the people.
        seed: of NumPy's and PyTorch's global generators, which ART's attacks draw from.

    Returns:
        `name`, `through`, `note`, `eps`, and either `error`, or `before` and `after` (PCKh),
        `moved` (mean distance in crop pixels that the joints were moved by), `linf` and `seconds`.
    """
    recipe = RECIPES[name]
    row: dict[str, Any] = {
        "name": name,
        "through": recipe.through,
        "note": recipe.note,
        "eps": recipe.eps,
    }
    if recipe.needs and find_spec(recipe.needs) is None:
        return {**row, "error": f"needs the package {recipe.needs}"}
    x = crops.x[:].astype(np.float32)
    np.random.seed(seed)
    torch.manual_seed(seed)
    begun = time.perf_counter()
    try:
        of_poses = recipe.through == "estimator"
        target = estimator if of_poses else PoseClassifierView(estimator, x)
        x_adv = np.asarray(recipe.generate(target, x.copy(), crops.y), np.float32)
    except Exception as error:  # whatever ART raises is the result
        return {**row, "error": f"{type(error).__name__}: {error}"}
    clean, found = (estimator.predict(images) for images in (x, np.clip(x_adv, 0, 255)))
    return {
        **row,
        "before": _score(crops, clean),
        "after": _score(crops, found),
        "moved": float(np.linalg.norm((found - clean)[..., :2], axis=-1).mean()),
        "linf": float(np.abs(x_adv - x).max()),
        "seconds": time.perf_counter() - begun,
    }


def _score(crops: Crops, poses: np.ndarray) -> float | None:
    return pckh(pckh_hits(crops.to_image(poses), crops.truth, crops.head_size)).PCKh
