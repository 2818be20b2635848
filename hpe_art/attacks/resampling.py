"""Linear maps of images, as a product with a matrix of rows and one of columns.

Their adjoints are the transposed matrices, so a gradient comes back without a graph, and the same
way on every device.

Shapes: N images of (3, H, W), K joints.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from hpe_art.losses import Goal

SMALLEST = 0.9
"""To which a picture shrinks at most; in the paper from 330 pixels to 299."""
DEVIATIONS = 3.0
"""After how many standard deviations the Gaussian of `smoothed` ends, as in the paper's code."""


@dataclass(frozen=True)
class Placement:
    """Pictures that are shrunk a little and put somewhere on black; poses and circles go along.

    Attributes:
        rates: (N,), by which each shrinks; 1 leaves it as it is, bit for bit.
        corners: (N, 2), x and y of its upper left corner, in pixels.
        size: (H, W) of the images.

    Source: Xie et al. 2019, arXiv:1803.06978, section 3.3, where the label is a class, which stays.
    """

    rates: Tensor
    corners: Tensor
    size: tuple[int, int]

    @classmethod
    def drawn(cls, uniform: Tensor, share: float, size: tuple[int, int]) -> Placement:
        """Of random numbers.

        Args:
            uniform: (N, 4), between 0 and 1: whether a picture shrinks, by how much, and where to.
            share: of the pictures that shrink.
            size: (H, W) of the images.
        """
        shrunk = SMALLEST + (1 - SMALLEST) * uniform[:, 1]
        rates = torch.where(uniform[:, 0] < share, shrunk, torch.ones_like(shrunk))
        height, width = size
        room = 1 - rates
        corners = torch.stack([uniform[:, 2] * room * width, uniform[:, 3] * room * height], dim=1)
        return cls(rates, corners, size)

    def of(self, images: Tensor) -> Tensor:
        """The images (N, 3, H, W) so placed, bilinear."""
        rows, columns = self._matrices
        return rows @ images @ columns.mT

    def back(self, gradients: Tensor) -> Tensor:
        """From gradients (N, 3, H, W) of the placed images to those of the images."""
        rows, columns = self._matrices
        return rows.mT @ gradients @ columns

    def of_poses(self, y: Tensor) -> Tensor:
        """Where the joints (N, K, 3) are then, in pixels."""
        return torch.cat([self._points(y[..., :2]), y[..., 2:]], dim=-1)

    def of_goal(self, goal: Goal) -> Goal:
        """Where the circles are then, and how large."""
        radii = goal.radii * self.rates[:, None]
        return replace(goal, centres=self._points(goal.centres), radii=radii)

    def _points(self, points: Tensor) -> Tensor:
        # Centres of pixels lie at whole numbers, their edges at halves.
        rates = self.rates[:, None]
        shift = self.corners - 0.5 * (1 - rates)
        return (points * rates[:, None] + shift[:, None]).to(points)

    @cached_property
    def _matrices(self) -> tuple[Tensor, Tensor]:
        height, width = self.size
        return self._matrix(height, self.corners[:, 1]), self._matrix(width, self.corners[:, 0])

    def _matrix(self, length: int, first: Tensor) -> Tensor:
        """(N, 1, length, length), the weights of old pixels in new ones."""
        places = torch.arange(length, device=first.device, dtype=first.dtype)
        seen = (places + 0.5 - first[:, None]) / self.rates[:, None] - 0.5
        return (1 - (seen[:, None, :, None] - places).abs()).clamp(min=0)


def smoothed(gradients: Tensor, kernel: int) -> Tensor:
    """Gradients averaged over a Gaussian window, which stands for shifts of the image.

    Args:
        gradients: (N, 3, H, W); 0 around them.
        kernel: side of the window in pixels, odd; 1 leaves them as they are.

    Source: Dong et al. 2019, arXiv:1904.02884, equations 7 and 8.
    """
    rows, columns = (_window(length, kernel, gradients) for length in gradients.shape[2:])
    return rows @ gradients @ columns


def _window(length: int, kernel: int, like: Tensor) -> Tensor:
    """(length, length), symmetric: weights of pixels for each other by their distance."""
    half = kernel // 2

    def weight(apart: Tensor) -> Tensor:
        return torch.exp(-0.5 * (apart * DEVIATIONS / max(half, 1)).square())

    places = torch.arange(length, device=like.device, dtype=like.dtype)
    apart = (places[:, None] - places).abs()
    whole = weight(torch.arange(-half, half + 1, device=like.device, dtype=like.dtype)).sum()
    return weight(apart).masked_fill(apart > half, 0.0) / whole
