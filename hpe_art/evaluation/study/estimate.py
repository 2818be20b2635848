"""How long a study will take: passes, times the pace of each network."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hpe_art.evaluation.study.networks import Network
from hpe_art.evaluation.study.plan import Cost


@dataclass(frozen=True)
class Pace:
    """Seconds for one pass of an image, as the estimator counts them (two with flip-test).

    Attributes:
        forward: a prediction.
        gradient: a forward and a backward pass.
    """

    forward: float
    gradient: float


def measured_pace(network: Network, batch_size: int) -> Pace:
    """Times one batch after one to warm up; the counts of passes are left as they were."""
    estimator, crops = network.estimator, network.crops
    counts = estimator.forward_passes, estimator.backward_passes
    x = crops.x[:batch_size].astype(np.float32)
    y = crops.y[:batch_size]
    seconds = []
    for _ in range(2):
        begun = time.perf_counter()
        estimator.predict(x, batch_size)
        between = time.perf_counter()
        estimator.loss_gradient(x, y, batch_size)
        seconds.append((between - begun, time.perf_counter() - between))
    wrapped = estimator._wrapped
    wrapped.forward_passes, wrapped.backward_passes = counts
    passes = len(x) * estimator.passes_per_image
    forward, gradient = (spent / passes for spent in seconds[-1])
    return Pace(forward, gradient)


def seconds_of(network: str, cost: Cost, paces: Mapping[str, Pace]) -> float:
    """What a cell of a network will take."""
    own = paces[network]
    seconds = (cost.forward - cost.backward) * own.forward + cost.backward * own.gradient
    return seconds + sum(count * paces[name].forward for name, count in cost.elsewhere.items())
