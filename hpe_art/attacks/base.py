"""What every attack here has: parameters that are set or left, and gradients that are counted."""

from __future__ import annotations

from typing import Any

from art.attacks.attack import EvasionAttack
from numpy.typing import NDArray

from hpe_art.gradients import GradientTally, say_gradients


class PoseAttack(EvasionAttack):
    """An ART evasion attack on a pose estimator.

    Attributes:
        details: of the last call, arrays (N, ...) by name, what it says of each person beside an
            image. `gradients` (N,) is 0, or of images that had none to climb a state as in
            `hpe_art.gradients`.
    """

    def __init__(self, estimator: Any, summary_writer: Any = False) -> None:
        super().__init__(estimator=estimator, summary_writer=summary_writer)
        self.details: dict[str, NDArray[Any]] = {}

    def set_params(self, **kwargs: Any) -> None:
        """As in ART; what is refused leaves everything as it was.

        Raises:
            ValueError: an argument that there is not, or out of range.
        """
        before = dict(vars(self))
        try:
            super().set_params(**kwargs)
        except Exception:
            self.__dict__ = before
            raise

    def _tell_gradients(self, tally: GradientTally) -> None:
        """To who has called `generate`, which calls this."""
        states = self.details["gradients"] = tally.states()
        say_gradients(states, stacklevel=3)
