"""Every evasion attack of ART 1.20, and how it is put to poses.

`RECIPES` says how to run those that apply to images, with few queries; `NOT_FOR_POSES` says of the
others why not. Eps and steps are in grey levels. The labels of a view's classes are its own
predictions: intact for all.
"""

from __future__ import annotations

from hpe_art.attacks.art.gradient_recipes import GRADIENT_RECIPES
from hpe_art.attacks.art.other_recipes import OTHER_RECIPES
from hpe_art.attacks.art.recipe import Recipe

RECIPES: dict[str, Recipe] = {**GRADIENT_RECIPES, **OTHER_RECIPES}

_AUDIO = "attacks speech recognisers"
_DETECTION = "attacks the boxes of object detectors"
_TABLES = "attacks models of tables, not of images"
_TENSORFLOW = "attacks TensorFlow models; the PyTorch version of the same attack runs"
NOT_FOR_POSES: dict[str, str] = {
    "AdversarialPatchTensorFlowV2": _TENSORFLOW,
    "AdversarialTexturePyTorch": "attacks object trackers in videos",
    "CarliniWagnerASR": _AUDIO,
    "DPatch": _DETECTION,
    "DecisionTreeAttack": _TABLES,
    "FeatureAdversariesTensorFlowV2": _TENSORFLOW,
    "FrameSaliencyAttack": "picks frames of a video",
    "HighConfidenceLowUncertainty": "attacks Gaussian processes",
    "ImperceptibleASR": _AUDIO,
    "ImperceptibleASRPyTorch": _AUDIO,
    "LowProFool": _TABLES,
    "MalwareGDTensorFlow": "attacks detectors of malware",
    "OverTheAirFlickeringPyTorch": "flickers over the frames of a video",
    "OverloadPyTorch": _DETECTION,
    "ProjectedGradientDescentTensorFlowV2": _TENSORFLOW,
    "RobustDPatch": _DETECTION,
    "SNAL": _DETECTION,
}
