"""What each family of MMPose heads puts out: one file for each."""

from hpe_art.estimators.heads.base import HEADS as HEADS
from hpe_art.estimators.heads.base import HeadAdaptor as HeadAdaptor
from hpe_art.estimators.heads.base import Part as Part
from hpe_art.estimators.heads.base import head_adaptor as head_adaptor
from hpe_art.estimators.heads.coordinate import CoordinateAdaptor as CoordinateAdaptor
from hpe_art.estimators.heads.generic import GenericAdaptor as GenericAdaptor
from hpe_art.estimators.heads.heatmap import HeatmapAdaptor as HeatmapAdaptor
from hpe_art.estimators.heads.integral import IntegralAdaptor as IntegralAdaptor
from hpe_art.estimators.heads.offsets import OffsetAdaptor as OffsetAdaptor
from hpe_art.estimators.heads.residual import ResidualAdaptor as ResidualAdaptor
from hpe_art.estimators.heads.simcc import SimccAdaptor as SimccAdaptor
