"""How far joints are certified to stay in their circles, by medians over noisy copies of an image.

The smoothed network puts each coordinate of a joint where its median lies over images with Gaussian
noise. A perturbation of less than eps in l2 moves that median at most to the quantiles
Phi(-eps / sigma) and Phi(eps / sigma) of the coordinate, and order statistics of some copies bound
these from outside with a confidence (Chiang et al. 2020, arXiv:2007.03730, lemma 1 and section 4).

Shapes: N people, K joints, C copies.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, norm

from hpe_art.errors import UserError
from hpe_art.metrics.base import Numbers

SIDES = 4
"""Of the box that a joint is bound to, each with its share of what the confidence leaves."""


@dataclass(frozen=True)
class Smoothing:
    """A smoothed network, and how sure its certificates are.

    Attributes:
        sigma: standard deviation of the noise in grey levels.
        copies: of each image.
        confidence: with which the certificate of each joint holds, over the noise that is drawn.

    Raises:
        UserError: one is out of range, or no number of agreeing copies would certify anything.
    """

    sigma: float = 16.0
    copies: int = 200
    confidence: float = 0.999

    def __post_init__(self) -> None:
        if not 0 < self.sigma < math.inf:
            raise UserError(
                f"Expected noise of a finite sigma > 0, in grey levels. Got {self.sigma:g}: "
                "without noise nothing is certified."
            )
        if not 0 < self.confidence < 1:
            raise UserError(
                f"Expected a confidence between 0 and 1, such as 0.999. Got {self.confidence:g}."
            )
        if self.copies < self.fewest:
            raise UserError(
                f"Expected at least {self.fewest} copies of each image for a confidence of "
                f"{self.confidence:g}. Got {self.copies}: even copies that all agree would certify "
                "nothing."
            )

    @property
    def fewest(self) -> int:
        """Copies without which nothing is certified."""
        return math.floor(math.log((1 - self.confidence) / SIDES) / math.log(0.5)) + 1

    def reach(self) -> Numbers:
        """The eps in l2 for each number of copies that are left out on either side, from 0.

        With m copies left out on either side the others hold the quantiles Phi(-eps / sigma) and
        Phi(eps / sigma): the largest eps for which each side of each axis fails with a chance of at
        most a quarter of what the confidence leaves (Clopper and Pearson's bound).

        Returns:
            (C // 2,) or fewer, in grey levels; falling, all above 0.
        """
        left_out = np.arange((self.copies + 1) // 2)
        share = beta.ppf((1 - self.confidence) / SIDES, self.copies - left_out, left_out + 1)
        eps: Numbers = self.sigma * norm.ppf(share)
        return eps[eps > 0]

    def certified_eps(
        self, points: NDArray[np.floating], centres: Numbers, radii: Numbers
    ) -> Numbers:
        """The largest eps in l2 within which each smoothed joint stays in its circle.

        For each joint: with the confidence, over the noise that is drawn, no perturbation of less
        than this puts the smoothed joint (the medians over all noise, not over some copies) on the
        circle or beyond it. Boxes of a larger eps hold those of smaller ones, so that this is true
        of the largest eps too, though it is chosen by what was drawn.

        Args:
            points: (N, C, K, 2), where the network puts the joints in each copy; what is not finite
                lies beyond every circle.
            centres: (N, K, 2), of the circles, in the same pixels.
            radii: (N, K), of the circles; 0 where a joint does not count.

        Returns:
            (N, K), in grey levels of l2; 0 where nothing is certified, NaN where a joint does not
            count.

        Raises:
            ValueError: shapes that do not agree.
        """
        n, k = radii.shape
        if points.shape != (n, self.copies, k, 2) or centres.shape != (n, k, 2):
            raise ValueError(
                f"Expected points {(n, self.copies, k, 2)} and centres {(n, k, 2)}. "
                f"Got {points.shape} and {centres.shape}."
            )
        reach = self.reach()
        ordered = np.sort(points.astype(np.float64), axis=1)
        boxes = np.arange(len(reach))
        ends = np.stack([ordered[:, boxes], ordered[:, self.copies - 1 - boxes]])
        corners = np.abs(ends - centres[:, None]).max(0)  # the farthest one, (N, boxes, K, 2)
        inside = np.hypot(corners[..., 0], corners[..., 1]) < radii[:, None]
        found = np.where(inside.any(1), reach[inside.argmax(1)], 0.0)
        return np.where(radii > 0, found, np.nan)


def smoothed_poses(points: NDArray[np.floating]) -> NDArray[np.float32]:
    """The median of each coordinate over copies: (N, C, K, D) to (N, K, D)."""
    return np.median(points, axis=1).astype(np.float32)
