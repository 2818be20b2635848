"""PCKh, the percentage of joints found to within a share of the head size.

Shapes: N people, K joints (16 in ``pckh``). Poses are in pixels of the image, x before y.
The numbers equal those of MMPose's ``MpiiPCKAccuracy``, its +1 and its ``<`` included.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hpe_art.mpii import GROUPS, JOINTS, SCORED


@dataclass(frozen=True)
class PoseScore:
    """PCKh in percent, 0..100. None where no sample is labelled.

    Attributes:
        PCKh: over the labelled joints of all people, without pelvis and thorax.
        per_joint: for each of the 16 names in ``mpii.JOINTS``.
        per_group: for each of the eight names in ``mpii.GROUPS``, the mean of its joints.
    """

    PCKh: float | None
    per_joint: dict[str, float | None]
    per_group: dict[str, float | None]


def pckh_hits(
    pred: ArrayLike, truth: ArrayLike, head_size: ArrayLike, threshold: float = 0.5
) -> NDArray[np.float64]:
    """Which joints lie nearer to the truth than ``threshold`` head sizes.

    The truth is 1-based, as MPII's annotations are and as MMPose's ``MpiiDataset`` leaves them, the
    prediction 0-based: it is moved by one pixel first. A target pose is another person's
    annotation, 1-based as well, so the target PCKh is this function with the target as truth.

    Args:
        pred: (N, K, 2), in image pixels; a third column (the score) is ignored.
        truth: (N, K, 3), x and y in image pixels and a weight; labelled where the weight is > 0.
        head_size: (N,), in image pixels: 0.6 of the diagonal of the head box, which is the
            ``head_size`` that ``MpiiDataset`` gives.
        threshold: in head sizes.
    Returns:
        (N, K): 1 for a hit, 0 for a miss (also where the prediction is not finite), NaN where the
        joint is not labelled.
    Raises:
        ValueError: shapes that do not agree, or a head size that is not positive.

    Source: ``MpiiPCKAccuracy`` and ``keypoint_pck_accuracy`` of MMPose 1.3.2.
    """
    pred, truth = np.asarray(pred), np.asarray(truth)
    head_size = np.asarray(head_size, np.float64)
    _check_shapes(pred, truth, head_size)
    if not (head_size > 0).all():
        first = int(np.argmin(head_size > 0))
        raise ValueError(
            f"Expected positive head sizes. Got {head_size[first]} for person {first}."
        )
    # float32 as in MMPose, so that a distance on the threshold falls to the same side
    offset = (pred[..., :2] + 1.0 - truth[..., :2]) / head_size[:, None, None]
    distance = np.linalg.norm(offset, axis=-1).astype(np.float32)
    return np.where(truth[..., 2] > 0, (distance < threshold).astype(np.float64), np.nan)


def pckh(hits: ArrayLike) -> PoseScore:
    """The score of all people together.

    The mean PCKh weights each joint by how often it is labelled, a group's PCKh weights left and
    right alike; both as in MMPose. For one person's score pass its row alone, ``hits[i:i + 1]``.

    Args:
        hits: (N, 16), from ``pckh_hits``.
    Raises:
        ValueError: ``hits`` is not (N, 16).

    Source: ``MpiiPCKAccuracy`` of MMPose 1.3.2.
    """
    hits = np.asarray(hits, np.float64)
    if hits.ndim != 2 or hits.shape[1] != len(JOINTS):
        raise ValueError(f"Expected hits of shape (N, {len(JOINTS)}). Got {hits.shape}.")
    joints = [_percent(hits[:, k]) for k in range(len(JOINTS))]
    return PoseScore(
        PCKh=_percent(hits[:, SCORED]),
        per_joint=dict(zip(JOINTS, joints, strict=True)),
        per_group={name: _mean([joints[k] for k in group]) for name, group in GROUPS.items()},
    )


def relative_pckh(perturbed: float | None, clean: float | None) -> float | None:
    """PCKh that is left, in percent of the clean one; None where there was none to lose.

    Source: Jain et al. 2019, "On the Robustness of Human Pose Estimation".
    """
    if perturbed is None or not clean:
        return None
    return 100.0 * perturbed / clean


def _check_shapes(pred: np.ndarray, truth: np.ndarray, head_size: np.ndarray) -> None:
    if truth.ndim != 3 or truth.shape[2] != 3:
        raise ValueError(f"Expected truth of shape (N, K, 3). Got {truth.shape}.")
    n, k, _ = truth.shape
    if pred.shape not in ((n, k, 2), (n, k, 3)):
        raise ValueError(f"Expected pred of shape {(n, k, 2)} or {(n, k, 3)}. Got {pred.shape}.")
    if head_size.shape != (n,):
        raise ValueError(f"Expected head_size of shape {(n,)}. Got {head_size.shape}.")


def _percent(hits: NDArray[np.float64]) -> float | None:
    labelled = hits[~np.isnan(hits)]
    return 100.0 * float(labelled.mean()) if labelled.size else None


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
