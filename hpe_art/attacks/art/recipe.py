"""How an attack of ART is run, and what recipes share."""

from __future__ import annotations

from dataclasses import dataclass

from hpe_art.attacks.art.adaptations import EPS, Generate

QUIET = dict(verbose=False)


@dataclass(frozen=True)
class Recipe:
    """How an attack of ART is run.

    Attributes:
        through: "estimator", "view" (`PoseClassifierView`), or a word on a changed view.
        generate: (target, x, y) to perturbed images; the target is the estimator or the view.
        eps: bound on the largest change of a pixel; None where the attack has none of that kind.
        needs: package that has to be installed, if any.
        note: what a user should know.
    """

    through: str
    generate: Generate
    eps: float | None = EPS
    needs: str | None = None
    note: str = ""
