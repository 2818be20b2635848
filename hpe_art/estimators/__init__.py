"""The ART side: an estimator around an MMPose model."""

from hpe_art.errors import ModelError as ModelError
from hpe_art.estimators.classifier_view import PoseClassifierView as PoseClassifierView
from hpe_art.estimators.pose_estimator import PyTorchPoseEstimator as PyTorchPoseEstimator
