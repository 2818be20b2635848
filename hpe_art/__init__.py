"""Adversarial attacks on 2D human pose models: ART's attacks on MMPose's networks.

The public names; each is imported when it is first used, so `import hpe_art` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "PyTorchPoseEstimator": "hpe_art.estimators",
    "PoseClassifierView": "hpe_art.estimators",
    "ModelError": "hpe_art.estimators",
    "find_config": "hpe_art.configs",
    "load_config": "hpe_art.estimators.loading",
    "load_people": "hpe_art.data.people",
    "People": "hpe_art.data.people",
    "AttackSpec": "hpe_art.attacks",
    "build_spec": "hpe_art.attacks",
    "ATTACKS": "hpe_art.attacks",
    "LOSSES": "hpe_art.losses",
    "METRICS": "hpe_art.metrics",
    "UniversalPosePerturbation": "hpe_art.attacks",
    "RandomSignNoise": "hpe_art.attacks",
    "PoseFastGradientMethod": "hpe_art.attacks",
    "PoseProjectedGradientDescent": "hpe_art.attacks",
    "PoseAPGD": "hpe_art.attacks",
    "PoseAutoAttack": "hpe_art.attacks",
    "PoseTransfer": "hpe_art.attacks",
    "PoseSquare": "hpe_art.attacks",
    "PoseRayS": "hpe_art.attacks",
    "goal_of": "hpe_art.evaluation.goals",
    "random_far_poses": "hpe_art.attacks",
    "pckh": "hpe_art.metrics",
    "pckh_hits": "hpe_art.metrics",
    "relative_pckh": "hpe_art.metrics",
}
__all__ = sorted(_HOMES)
__version__ = "0.2.0"


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hpe_art' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
