"""Targets encoded once for the poses of a batch, however many steps an attack takes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from hpe_art.estimators.adaptors import OutputAdaptor

Targets = list[tuple[Tensor, Tensor]]


class EncodedTargets:
    """Remembers the last poses that were asked for, and what they are encoded to."""

    def __init__(self, adaptor: OutputAdaptor) -> None:
        self._adaptor = adaptor
        self._poses: Any = None
        self._mark: tuple[Any, ...] = ()
        self._targets: Targets = []

    def of(self, y: Tensor, count: int) -> Targets:
        """What each of `count` outputs is trained towards, as `OutputAdaptor.targets` gives it.

        Args:
            y: (N, K, 3), poses in crop pixels, on the device.
            count: number of outputs.
        """
        mark = (count, y.shape, y.dtype, y.device)
        if mark != self._mark or not self._same(y):
            self._targets = self._adaptor.targets(y, count)
            self._mark = mark
            # On a CPU somebody may write to it without PyTorch's knowing, so values are kept.
            # Elsewhere the tensor is, whose memory then is not given to another one.
            self._poses = y.clone() if y.device.type == "cpu" else (y, y._version)
        return self._targets

    def _same(self, y: Tensor) -> bool:
        if y.device.type == "cpu":
            return torch.equal(y, self._poses)
        kept, version = self._poses
        place = (y.data_ptr(), y.stride(), y._version)
        return bool(place == (kept.data_ptr(), kept.stride(), version))
