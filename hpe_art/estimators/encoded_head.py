"""What a loss is given of a head: its adaptor, with the targets that are encoded once.

Shapes: N images, K joints.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from hpe_art.estimators.heads import HeadAdaptor, Part
from hpe_art.losses import Goal

Targets = list[tuple[Tensor, Tensor]]


class EncodedHead:
    """The adaptor of a head as a loss sees it: for the outputs that the loss is put on.

    Args:
        head: the adaptor.
        y: (n, K, 3), the poses that are encoded.
        first: number of the first of these outputs.
        encoded: gives the targets of all outputs for y, encoded once.
        goal: where the attacker wants each joint of y; None where nobody says.
        progress: share of the attack's steps that are done, 0 to 1.
    """

    def __init__(
        self,
        head: HeadAdaptor,
        y: Tensor,
        first: int,
        encoded: Callable[[], Targets],
        goal: Goal | None = None,
        progress: float = 0.0,
    ) -> None:
        self._head = head
        self._y = y
        self._first = first
        self._encoded = encoded
        self.goal = goal
        self.progress = progress

    @property
    def codec(self) -> Any:
        """MMPose's codec of the head."""
        return self._head.codec

    def targets(self, y: Tensor, count: int) -> Targets:
        """What each of `count` outputs is trained towards; for other poses encoded anew."""
        if y is self._y:
            return self._encoded()[self._first :]
        return self._head.targets(y, self._first + count)[self._first :]

    def loss(self, index: int, output: Tensor, target: tuple[Tensor, Tensor]) -> Tensor:
        """The training loss (n,) of output number `index` among these."""
        return self._head.loss(self._first + index, output, target)

    def distances(self, output: Tensor, y: Tensor) -> Tensor:
        """How far each joint lies from y, in crop pixels, with a gradient: (n, K)."""
        return self._head.distances(output, y)

    def parts(self, output: Tensor) -> list[Part]:
        """What the output says of each place; none for coordinates."""
        return self._head.parts(output)

    def decode(self, output: Tensor) -> Tensor:
        """The output as poses (n, K, 3)."""
        return self._head.decode(output)
