"""The halved signs of RayS, inside a ball of a given radius.

Shapes: N images of (3, H, W).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hpe_art.attacks.squares import signs_of
from hpe_art.attacks.steps import clipped


@dataclass
class SignFlips:
    """Every pixel value at an end of the ball, in stripes at first; then blocks change ends.

    Blocks are stretches of the flattened image: all of it, its halves, their halves, and so on, the
    same for every image.

    Attributes:
        clean: (N, 3, H, W), the images.
        eps: radius of the ball in norm inf.
        clip_values: range of pixels.
        start: (N, 3, H, W), vertical stripes at random, as Square begins.

    Source: Chen and Gu 2020, arXiv:2006.12792, algorithm 3. There the radius is searched for too,
    an image is broken or not, and all values are up at first. Here the radius is given, and a
    change stays where no joint comes back.
    """

    clean: Tensor
    eps: float
    clip_values: Sequence[float] | None
    start: Tensor

    @classmethod
    def drawn(cls, attack: Any, clean: Tensor, places: NDArray[Any]) -> SignFlips:
        """For images (N, 3, H, W), by the seed and their places (N,)."""
        width = clean.shape[3]
        numbers = [
            np.random.default_rng([attack.seed, place]).random((3, 1, width), np.float32)
            for place in places.tolist()
        ]
        stripes = attack.eps * signs_of(torch.as_tensor(np.stack(numbers)).to(clean))
        clip_values = attack.estimator.clip_values
        start = clipped(clean + stripes, clip_values, clean)
        return cls(clean, float(attack.eps), clip_values, start)

    def __getitem__(self, rows: Tensor) -> SignFlips:
        """Those of some images."""
        return replace(self, clean=self.clean[rows], start=self.start[rows])

    def tried(self, number: int, now: Tensor) -> Tensor:
        """(N, 3, H, W), what query number `number` asks about, given the best images so far."""
        if number == 0:
            return self.clean
        if number == 1:
            return self.start
        first, length = block(number - 2, now[0].numel())
        moved = now - self.clean
        # A pixel at the end of the range cannot move further, and counts as moved there.
        middle = 0.0 if self.clip_values is None else sum(map(float, self.clip_values)) / 2
        up = (moved > 0) | ((moved == 0) & (self.clean > middle))
        other = self.clean + torch.where(up, -self.eps, self.eps)
        other = clipped(other, self.clip_values, self.clean)
        tried = now.flatten(1).clone()
        tried[:, first : first + length] = other.flatten(1)[:, first : first + length]
        return tried.view_as(now)


def block(number: int, size: int) -> tuple[int, int]:
    """First value and length of a block of a flattened image of `size` values.

    Args:
        number: from 0, which is all of it; 1 and 2 are the halves, 3 to 6 the quarters. After the
            smallest blocks it begins anew.
        size: of the image.
    """
    number %= 2 * (1 << (size - 1).bit_length()) - 1
    level = (number + 1).bit_length() - 1
    length = -(-size // (1 << level))
    return min((number + 1 - (1 << level)) * length, size - length), length
