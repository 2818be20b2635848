"""Losses by name.

What an attack climbs is a function `(outputs, y, head) -> (N,)`, registered by name in `LOSSES`:
the raw outputs that it is put on, as a list; the poses y (N, K, 3) on the device; and the adaptor
of the head, with its `targets`, `loss`, `distances` and `parts` (`hpe_art.estimators.heads.base`)
and the `goal` of the attack (`hpe_art.losses.goal`), None where there is none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mmengine.registry import Registry
from torch import Tensor

from hpe_art.registries import registered

PoseLoss = Callable[[list[Tensor], Tensor, Any], Tensor]

LOSSES = Registry("loss", scope="hpe_art")
TRAINING = "training"
DISTANCE = "distance"
L1 = "l1"
MARGIN = "margin"
REMAINING = "remaining"


def loss_function(loss: str | PoseLoss) -> PoseLoss:
    """A loss by its name in `LOSSES`, or the function itself.

    Raises:
        ValueError: no function, and no name that is registered.
    """
    found: PoseLoss = loss if callable(loss) else registered(LOSSES, loss)
    return found


def needs_goal(loss: str | PoseLoss) -> bool:
    """Whether a loss asks for the goal of an attack."""
    return bool(getattr(loss_function(loss), "needs_goal", False))


def with_goal(loss: PoseLoss) -> PoseLoss:
    """A loss that asks for the goal of an attack: `head.goal` is then there."""
    setattr(loss, "needs_goal", True)  # noqa: B010  (functions have no such attribute to mypy)
    return loss


def loss_name(loss: str | PoseLoss) -> str:
    """The name of a loss for the record; of a function its own."""
    return loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
