"""Scores of each person's joints, and of all people together, with intervals."""

from hpe_art.metrics.base import METRICS as METRICS
from hpe_art.metrics.base import Metric as Metric
from hpe_art.metrics.base import MetricError as MetricError
from hpe_art.metrics.base import PeopleTruth as PeopleTruth
from hpe_art.metrics.evaluators import metric_for as metric_for
from hpe_art.metrics.evaluators import metric_named as metric_named
from hpe_art.metrics.nme import EPE as EPE
from hpe_art.metrics.nme import NME as NME
from hpe_art.metrics.oks import OKS as OKS
from hpe_art.metrics.pck import AUC as AUC
from hpe_art.metrics.pck import PCK as PCK
from hpe_art.metrics.pck import PCKh as PCKh
from hpe_art.metrics.pck import PoseScore as PoseScore
from hpe_art.metrics.pck import pckh as pckh
from hpe_art.metrics.pck import pckh_hits as pckh_hits
from hpe_art.metrics.scores import Score as Score
from hpe_art.metrics.scores import people_means as people_means
from hpe_art.metrics.scores import relative as relative
from hpe_art.metrics.scores import relative_score as relative_score
from hpe_art.metrics.scores import score as score

relative_pckh = relative
