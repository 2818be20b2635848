"""Targets encoded once for the poses of a batch, however many steps an attack takes."""

from __future__ import annotations

from typing import Any

import numpy as np
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

    def of(self, given: Any, y: Tensor, count: int) -> Targets:
        """What each of `count` outputs is trained towards, as `OutputAdaptor.targets` gives it.

        Args:
            given: (N, K, 3), poses in crop pixels as the caller has them: NumPy, or a tensor
                anywhere.
            y: the same on the device.
            count: number of outputs.
        """
        place = getattr(given, "device", None)
        # What is made in inference mode can never be gone back through.
        mode = torch.is_inference_mode_enabled()
        mark = (count, type(given), place, y.shape, y.dtype, y.device, mode)
        if mark != self._mark or not self._same(given):
            self._targets = self._adaptor.targets(y, count)
            self._mark = mark
            # On the host somebody may write to it without PyTorch's knowing, so values are kept.
            # Elsewhere the tensor is, whose memory then is not given to another one.
            on_device = isinstance(given, Tensor) and given.device.type != "cpu"
            version = None if not on_device or given.is_inference() else given._version
            self._poses = (given, version) if on_device else _copied(given)
        return self._targets

    def _same(self, given: Any) -> bool:
        if not isinstance(given, Tensor):
            return np.array_equal(given, self._poses, equal_nan=True)
        if given.device.type == "cpu":
            return _equal(given, self._poses)
        kept, version = self._poses
        if version is None or given.is_inference():  # how often it was changed is not counted
            return False
        place = (given.data_ptr(), given.stride(), given._version)
        return bool(place == (kept.data_ptr(), kept.stride(), version))


def _equal(one: Tensor, other: Tensor) -> bool:
    """Also where joints that do not count are NaN."""
    same_nowhere = torch.equal(one.isnan(), other.isnan())
    return same_nowhere and torch.equal(one.nan_to_num(), other.nan_to_num())


def _copied(given: Any) -> Any:
    return given.detach().clone() if isinstance(given, Tensor) else np.array(given)
