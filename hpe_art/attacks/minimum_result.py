"""What the search for the smallest perturbation says of each joint, and numbers made of it.

Shapes: N people, K joints, G values of eps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from hpe_art.losses import Goal

Numbers = NDArray[np.float32]


@dataclass
class Minimum:
    """The smallest perturbation that was found for each joint, an upper bound of the true one.

    Attributes:
        eps: (N, K) float32, its norm, in grey levels for norm inf; 0 where the joint is lost on
            the clean image, NaN where it does not count, infinite where nothing was found.
        poses: (N, K, 3) float32, where `estimator.predict` sees that joint on the image that was
            made for it, in crop pixels; NaN where there is no such image.
    """

    eps: Numbers
    poses: Numbers

    @classmethod
    def unknown(cls, goal: Goal) -> Minimum:
        """Before anything is found: infinite where joints count."""
        counts = goal.counts.cpu().numpy()
        eps = np.where(counts, np.inf, np.nan).astype(np.float32)
        return cls(eps, np.full((*counts.shape, 3), np.nan, np.float32))

    def note_lost(self, first: int, lost: Tensor, clean: Tensor) -> None:
        """Takes in which joints of some people are lost on clean images.

        Args:
            first: row of the first of n people.
            lost: (n, K), which are.
            clean: (n, K, 3), poses on clean images.
        """
        rows, joints = lost.cpu().numpy().nonzero()
        self.eps[first + rows, joints] = 0.0
        self.poses[first + rows, joints] = clean.cpu().numpy()[rows, joints]

    def note(self, people: Tensor, joints: Tensor, eps: Tensor, points: Tensor) -> None:
        """Takes in what was found for R pairs.

        Args:
            people: (R,), rows.
            joints: (R,), the joint of each pair.
            eps: (R,), norms.
            points: (R, 3), where the joints were seen.
        """
        at = people.cpu().numpy(), joints.cpu().numpy()
        self.eps[at] = eps.cpu().numpy()
        self.poses[at] = points.cpu().numpy()


def median_eps(eps: ArrayLike) -> NDArray[np.float64]:
    """The median of the smallest eps over people, for each joint.

    Args:
        eps: (N, K), as in `Minimum`.

    Returns:
        (K,). Joints that are lost without a perturbation count with 0, those that nothing was found
        for with infinity; NaN where a joint counts for nobody.
    """
    columns = np.asarray(eps, np.float64).T
    counted = [column[~np.isnan(column)] for column in columns]
    return np.array([np.median(column) if len(column) else np.nan for column in counted])


def share_broken(eps: ArrayLike, grid: ArrayLike) -> NDArray[np.float64]:
    """The share of the joints that count which are lost at each eps, all from one run.

    Each joint has an image of its own: this is what an attacker of single joints gets, not what one
    image does to all joints.

    Args:
        eps: as in `Minimum`, of any shape: (N, K), or the column (N,) of one joint.
        grid: (G,), bounds on the perturbation, in the norm of eps.

    Returns:
        (G,), 0 to 1; NaN where no joint counts.
    """
    values: Any = np.asarray(eps, np.float64)
    counted = np.sort(values[~np.isnan(values)])
    bounds = np.asarray(grid, np.float64)
    if not len(counted):
        return np.full(bounds.shape, np.nan)
    broken = np.searchsorted(counted, bounds, side="right")
    return np.asarray(broken / len(counted), np.float64)
