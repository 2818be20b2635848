"""The random squares of the Square attack, for each image its own.

Shapes: N images of (3, H, W); numbers that lie evenly between 0 and 1, drawn for each image.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hpe_art.attacks.steps import clipped

HALVED_AT = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)
"""Shares of the queries after which squares have half the area, as in the paper's code."""
TILES = 5
"""Along the shorter side, of the first perturbation in norm 2."""
SMALLEST = 3
"""Side of a square in norm 2, in pixels."""


@dataclass
class Squares(ABC):
    """What is tried next: a square of the perturbation drawn anew.

    Attributes:
        clean: (N, 3, H, W), the images.
        eps: radius of the ball.
        clip_values: range of pixels.
        start: (N, ...), numbers of the first perturbation.
        uniform: (N, max_iter, 8), numbers of those that follow.
        area: share of the image that the first squares cover.

    Source: Andriushchenko et al. 2020, arXiv:1912.00049, and its code.
    """

    clean: Tensor
    eps: float
    clip_values: Sequence[float] | None
    start: Tensor
    uniform: Tensor
    area: float

    @classmethod
    def drawn(cls, attack: Any, clean: Tensor, places: NDArray[np.int64]) -> Squares:
        """By the seed and the place of each image.

        Args:
            attack: with `estimator`, `eps`, `seed`, `max_iter` and `p_init`.
            clean: (N, 3, H, W), the images.
            places: (N,), in the test set.
        """
        height, width = clean.shape[2:]
        starts, numbers = [], []
        for place in places.tolist():
            random = np.random.default_rng([attack.seed, place])
            starts.append(random.random(cls.start_shape(height, width), np.float32))
            numbers.append(random.random((attack.max_iter, 8), np.float32))
        start, uniform = (torch.as_tensor(np.stack(many)).to(clean) for many in (starts, numbers))
        clip_values = attack.estimator.clip_values
        return cls(clean, float(attack.eps), clip_values, start, uniform, attack.p_init)

    def __getitem__(self, rows: Tensor) -> Squares:
        """Those of some images."""
        clean, start, uniform = self.clean[rows], self.start[rows], self.uniform[rows]
        return replace(self, clean=clean, start=start, uniform=uniform)

    def tried(self, number: int, now: Tensor) -> Tensor:
        """(N, 3, H, W), what query number `number` asks about, given the best images so far."""
        if number == 0:
            return self.clean
        return self.first() if number == 1 else self.next(number, now)

    @staticmethod
    @abstractmethod
    def start_shape(height: int, width: int) -> tuple[int, ...]:
        """How many numbers the first perturbation takes."""

    @abstractmethod
    def first(self) -> Tensor:
        """(N, 3, H, W), where the search begins."""

    @abstractmethod
    def next(self, number: int, now: Tensor) -> Tensor:
        """(N, 3, H, W), the images `now` with a square drawn anew, number `number` of max_iter."""

    def _side(self, number: int) -> int:
        height, width = self.clean.shape[2:]
        past = sum(number / self.uniform.shape[1] > share for share in HALVED_AT)
        return min(max(round((self.area * 0.5**past * height * width) ** 0.5), 1), height, width)

    def _square(self, uniform: Tensor, side: int) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """A square at a random place that is wholly in the image.

        Args:
            uniform: (N, 2), numbers.
            side: in pixels.

        Returns:
            (N, 1, H, W), which pixels are in it; and their rows (N, 1, H, 1) and columns
            (N, 1, 1, W) as counted from its corner, those outside at its nearest edge.
        """
        inside, places = [], []
        for number, length in zip(uniform.unbind(1), self.clean.shape[2:], strict=True):
            first = (number * (length - side + 1)).long().clamp(max=length - side)
            place = torch.arange(length, device=first.device) - first[:, None]
            inside.append((place >= 0) & (place < side))
            places.append(place.clamp(0, side - 1))
        within = inside[0][:, None, :, None] & inside[1][:, None, None, :]
        return within, (places[0][:, None, :, None], places[1][:, None, None, :])


def signs_of(uniform: Tensor) -> Tensor:
    """+1 or -1, as likely."""
    return torch.where(uniform < 0.5, -1.0, 1.0).to(uniform)


class InfSquares(Squares):
    """Norm inf: stripes, then squares of one colour, each channel at one end of the ball."""

    @staticmethod
    def start_shape(height: int, width: int) -> tuple[int, ...]:
        """A sign for each channel and column."""
        return 3, 1, width

    def first(self) -> Tensor:
        """Vertical stripes."""
        return clipped(self.clean + self.eps * signs_of(self.start), self.clip_values, self.clean)

    def next(self, number: int, now: Tensor) -> Tensor:
        """A square of random signs; where it is there already, of the opposite ones."""
        side, uniform = self._side(number), self.uniform[:, number]
        inside, _ = self._square(uniform[:, :2], side)
        moved = self.eps * signs_of(uniform[:, 2:5])[:, :, None, None]
        one, other = (
            torch.where(inside, clipped(self.clean + step, self.clip_values, self.clean), now)
            for step in (moved, -moved)
        )
        same = (one == now).flatten(1).all(1)
        return torch.where(same[:, None, None, None], other, one)


class TwoSquares(Squares):
    """Norm 2: bumps on a grid, then what one square holds of the norm goes into another."""

    @staticmethod
    def start_shape(height: int, width: int) -> tuple[int, ...]:
        """Three signs and a direction for each tile."""
        side = min(height, width) // TILES
        return height // side, width // side, 4

    def first(self) -> Tensor:
        """A bump in each tile."""
        height, width = self.clean.shape[2:]
        side = min(height, width) // TILES
        bump = bump_of(side, self.clean.device)
        lying = (self.start[..., 3] < 0.5)[..., None, None, None]
        tiles = torch.where(lying, bump.mT, bump) * signs_of(self.start[..., :3])[..., None, None]
        many = tiles.permute(0, 3, 1, 4, 2, 5).flatten(4, 5).flatten(2, 3)
        moved = torch.zeros_like(self.clean)
        top, left = (height - many.shape[2]) // 2, (width - many.shape[3]) // 2
        moved[:, :, top : top + many.shape[2], left : left + many.shape[3]] = many
        return self._at_eps(moved)

    def next(self, number: int, now: Tensor) -> Tensor:
        """A bump is added in one square, and another is emptied."""
        side = max(self._side(number) // 2 * 2 + 1, SMALLEST)
        side = min(side, *self.clean.shape[2:])
        uniform, moved = self.uniform[:, number], now - self.clean
        here, (row, column) = self._square(uniform[:, :2], side)
        there, _ = self._square(uniform[:, 2:4], side)
        bump = bump_of(side, self.clean.device)
        lying = (uniform[:, 7] < 0.5)[:, None, None, None]
        placed = torch.where(lying, bump[column, row], bump[row, column]) * here
        length = _length(moved * here)
        added = placed * signs_of(uniform[:, 4:7])[:, :, None, None]
        added = added + moved * here / length.clamp(min=1e-10)
        left = (self.eps**2 - moved.flatten(1).square().sum(1)).clamp(min=0)[:, None, None, None]
        budget = (left / moved.shape[1] + _length(moved * (here | there)).square()).sqrt()
        new = added / _length(added).clamp(min=1e-10) * budget
        return self._at_eps(torch.where(here, new, moved.masked_fill(there, 0.0)))

    def _at_eps(self, moved: Tensor) -> Tensor:
        lengths = torch.linalg.vector_norm(moved.flatten(1), dim=1).clamp(min=1e-10)
        scaled = moved * (self.eps / lengths)[:, None, None, None]
        return clipped(self.clean + scaled, self.clip_values, self.clean)


def _length(moved: Tensor) -> Tensor:
    """(N, 3, 1, 1), of each channel."""
    return moved.square().sum((2, 3), keepdim=True).sqrt()


@lru_cache(maxsize=32)
def bump_of(side: int, device: torch.device) -> Tensor:
    """(side, side) of norm 2 equal to 1: a hill of nested rectangles above its negative."""
    upper, lower = _hill(side // 2, side), _hill(side - side // 2, side)
    both = np.concatenate([upper, -lower])
    return torch.as_tensor(both / np.linalg.norm(both), dtype=torch.float32, device=device)


def _hill(height: int, width: int) -> NDArray[np.float64]:
    hill = np.zeros((height, width))
    top, left = height // 2, width // 2
    for ring in range(max(top, left) + 1):
        rows = slice(max(top - ring, 0), min(top + ring + 1, height))
        columns = slice(max(left - ring, 0), min(left + ring + 1, width))
        hill[rows, columns] += 1 / (ring + 1) ** 2
    return hill / np.linalg.norm(hill)
