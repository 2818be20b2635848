"""Networks that MMPose lacks, registered in its MODELS."""

from hpe_art.models.attention_hourglass import AttentionHourglass as AttentionHourglass
from hpe_art.models.chained_predictions import ChainedPredictionsHead as ChainedPredictionsHead
from hpe_art.models.dlcm import DLCM as DLCM
from hpe_art.models.dlcm import DLCMHead as DLCMHead
from hpe_art.models.dlcm import PartHeatmap as PartHeatmap
from hpe_art.models.efficientnet_lite import EfficientNetLite0 as EfficientNetLite0
from hpe_art.models.growing import GrownInit as GrownInit
from hpe_art.models.hinted import HintedPoseEstimator as HintedPoseEstimator
from hpe_art.models.hourglass import StackedHourglass as StackedHourglass
