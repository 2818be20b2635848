"""Scores of each person's joints, and of all people together, with intervals."""

from hpe_art.metrics.auc import AUC
from hpe_art.metrics.base import (
    METRICS,
    Metric,
    MetricError,
    PeopleTruth,
)
from hpe_art.metrics.epe import EPE
from hpe_art.metrics.evaluators import metric_for, metric_named
from hpe_art.metrics.nme import NME
from hpe_art.metrics.oks import OKS
from hpe_art.metrics.pck import PCK, PCKh, PoseScore, pckh, pckh_hits
from hpe_art.metrics.scores import Score, people_means, relative, relative_score, score

relative_pckh = relative

__all__ = [
    "AUC",
    "EPE",
    "METRICS",
    "NME",
    "OKS",
    "PCK",
    "Metric",
    "MetricError",
    "PCKh",
    "PeopleTruth",
    "PoseScore",
    "Score",
    "metric_for",
    "metric_named",
    "pckh",
    "pckh_hits",
    "people_means",
    "relative",
    "relative_pckh",
    "relative_score",
    "score",
]
