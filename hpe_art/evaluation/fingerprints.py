"""All that the predictions of a run depend on, in a form that is written down."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from torch import nn

from hpe_art.attacks import AttackSpec
from hpe_art.attacks.targets import RULES
from hpe_art.data.test_sets import parts_of
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.evaluation.observers import Observer
from hpe_art.evaluation.perturbations import Fit, is_unfitted
from hpe_art.evaluation.spec import RunSpec
from hpe_art.evaluation.store import key_of
from hpe_art.files import sha256
from hpe_art.metrics import Metric


def fingerprint_of(
    spec: RunSpec,
    cfg: Config,
    estimator: PyTorchPoseEstimator,
    dataset: Any,
    observers: Iterable[Observer],
) -> dict[str, Any]:
    """All that every prediction depends on, beside the attack."""
    names = ("ann_file", "headbox_file", "bbox_file")
    files = [getattr(part, name, None) for part in parts_of(dataset) for name in names]
    known = [Path(str(file)) for file in files if file and Path(str(file)).is_file()]
    target = spec.target if spec.target in RULES else sha256(spec.target)
    pipeline = cfg.get("test_dataloader", {}).get("dataset", {}).get("pipeline")
    model = repr(_without_start([cfg.model, pipeline]))
    others = [observer for observer in observers if observer.kind == "transfer"]
    return {
        "weights": _weights_sha256(estimator.model),
        "model": hashlib.sha256(model.encode()).hexdigest(),
        "people": [type(dataset).__name__, *([file.name, sha256(file)[:16]] for file in known)],
        "flip_test": spec.flip_test,
        "behind": spec.behind,
        "precision": spec.precision,
        "seed": spec.seed,
        "target": [target, list(spec.target_joints or ())],
        "observers": {one.name: _weights_sha256(one.estimator.model)[:16] for one in others},
    }


def attack_key(attack: AttackSpec, spec: RunSpec, metric: Metric, fit: Fit | None) -> str:
    """The folder of an attack: readable, with a hash of all that its outcome depends on."""
    identity = attack.settings()
    if fit is not None and is_unfitted(attack):
        identity |= fit.identity
    if attack.needs_goal or (attack.targeted and spec.target == RULES[0]):
        identity["metric"] = metric.label  # says which joints are found, and what is far
    return key_of(f"{attack.label}_eps{attack.eps:g}", identity)


def _weights_sha256(model: nn.Module) -> str:
    """Of all weights and buffers, wherever they were loaded from."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode())
        plain = value.detach().cpu()
        plain = plain.float() if plain.dtype == torch.bfloat16 else plain  # NumPy has none
        digest.update(plain.numpy().tobytes())
    return digest.hexdigest()


def _without_start(value: Any) -> Any:
    """What a config says about a trained model: not of how its training began.

    Functions have their names, without where they lie in memory.
    """
    if isinstance(value, dict):
        return {k: _without_start(v) for k, v in value.items() if k != "init_cfg"}
    if isinstance(value, (list, tuple)):
        return [_without_start(v) for v in value]
    named = callable(value) and not isinstance(value, type)
    return getattr(value, "__qualname__", type(value).__qualname__) if named else value
