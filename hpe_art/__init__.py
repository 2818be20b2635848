"""Adversarial attacks on 2D human pose models: ART's attacks on MMPose's networks.

The public names; each is imported when it is first used, so `import hpe_art` is quick.
"""

from importlib import import_module
from typing import Any

_NAMES = {
    "attacks": "ATTACKS AttackSpec PoseAPGD PoseAutoAttack PoseFMN PoseFastGradientMethod PoseRayS "
    "PoseProjectedGradientDescent PoseSquare PoseTransfer RandomSignNoise "
    "UniversalPosePerturbation build_spec random_far_poses",
    "configs": "find_config",
    "data.people": "People load_people",
    "estimators": "ModelError PoseClassifierView PyTorchPoseEstimator",
    "estimators.loading": "load_config",
    "evaluation.goals": "goal_of",
    "losses": "LOSSES",
    "metrics": "METRICS pckh pckh_hits relative_pckh",
}
_HOMES = {name: f"hpe_art.{home}" for home, names in _NAMES.items() for name in names.split()}
__all__ = sorted(_HOMES)
__version__ = "0.2.0"


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hpe_art' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
