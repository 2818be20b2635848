"""The score of all people together: averages of joints' scores, in the unit of the metric.

Shapes: N people, K joints.
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from hpe_art.metrics.base import Metric, Numbers
from hpe_art.skeleton import Skeleton

Value = TypeVar("Value")


@dataclass(frozen=True)
class Score(Generic[Value]):
    """The score of all people together, or an interval of each number."""

    value: Value | None  # of the joints that the metric scores; None where none is labelled
    groups: dict[str, Value | None]  # by the name of the group, the mean of its joints
    joints: dict[str, Value | None]  # by the name of the joint


def score(joint_scores: ArrayLike, metric: Metric, skeleton: Skeleton) -> Score[float]:
    """The score of all people together, in the unit of the metric.

    A group's score weights left and right alike. For one person pass the row alone. ValueError if
    ``joint_scores``, from `Metric.joint_scores`, is not (N, K).
    """
    scores = check_joint_scores(joint_scores, skeleton)
    shown = scale(metric)
    joints = [_mean(column, shown) for column in scores.T]
    if metric.per == "people":
        value = _mean(people_means(scores, metric), shown)
    elif metric.per == "joint_means":
        value = _mean_of_known([joints[k] for k in metric.scored])
    else:
        value = _mean(scores[:, metric.scored], shown)
    groups = {n: _mean_of_known([joints[k] for k in ks]) for n, ks in skeleton.groups.items()}
    return Score(value, groups, dict(zip(skeleton.joints, joints, strict=True)))


def people_means(joint_scores: Numbers, metric: Metric) -> Numbers:
    """(N,), each person's mean over the scored joints that are labelled; NaN where none is."""
    scored = joint_scores[:, metric.scored]
    labelled = ~np.isnan(scored)
    total = np.where(labelled, scored, 0).sum(1)
    count = labelled.sum(1)
    return np.divide(total, count, out=np.full(len(scored), np.nan), where=count > 0)


def relative(perturbed: float | None, clean: float | None) -> float | None:
    """Perturbed score in percent of the clean one; None where that is 0 or either is None.

    Below 100 is a loss where higher is better, above 100 of errors. Source: Jain et al. 2019.
    """
    if perturbed is None or not clean:
        return None
    return 100.0 * perturbed / clean


def relative_score(perturbed: Score[float], clean: Score[float]) -> Score[float]:
    """`relative` of every number."""
    return Score(
        relative(perturbed.value, clean.value),
        {name: relative(perturbed.groups[name], clean.groups[name]) for name in clean.groups},
        {name: relative(perturbed.joints[name], clean.joints[name]) for name in clean.joints},
    )


def scale(metric: Metric) -> float:
    """What joint scores are multiplied by to be shown in the metric's unit."""
    return 100.0 if metric.unit == "%" else 1.0


def check_joint_scores(joint_scores: ArrayLike, skeleton: Skeleton) -> Numbers:
    """The scores as float64; ValueError if they are not (N, K)."""
    scores = np.asarray(joint_scores, np.float64)
    if scores.ndim != 2 or scores.shape[1] != len(skeleton.joints):
        raise ValueError(
            f"Expected joint scores of shape (N, {len(skeleton.joints)}). Got {scores.shape}."
        )
    return scores


def _mean(values: Numbers, shown: float) -> float | None:
    labelled = values[~np.isnan(values)]
    return shown * float(labelled.mean()) if labelled.size else None


def _mean_of_known(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
