"""The ART side: an estimator around an MMPose model."""

from hpe_art.estimators.loader import ModelError as ModelError
from hpe_art.estimators.pose import PyTorchPoseEstimator as PyTorchPoseEstimator
