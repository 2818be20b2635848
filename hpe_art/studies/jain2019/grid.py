"""What the study asks of every network: which attacks, at which eps, and who sees their images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hpe_art.attacks import AttackSpec, Universal
from hpe_art.attacks.fgsm import Fgsm
from hpe_art.attacks.noise import Noise
from hpe_art.attacks.pgd import Igsm
from hpe_art.errors import UserError
from hpe_art.evaluation.spec import FLIP

ITERATIONS, UNIVERSAL = "iterations", "universal"
OVER_EPS = (Noise.name, Fgsm.name, Igsm.name)
PARTS = (*OVER_EPS, ITERATIONS, UNIVERSAL)
DEFENCES = ("smoothing", FLIP)
SHORT_U = Igsm(max_iter=10).label
SHORT_T = Igsm(targeted=True, max_iter=20).label
USUAL = {
    one.label
    for one in (Noise(), Fgsm(), Fgsm(targeted=True), Igsm(), Igsm(targeted=True), Universal())
}
"""Labels of the attacks whose images are kept: not those of more steps or of all outputs."""


@dataclass(frozen=True)
class Grid:
    """What is asked of every network.

    Attributes:
        parts: out of `PARTS`.
        eps: of noise, FGSM and IGSM, in grey levels.
        targeted_eps: of the targeted ones; None: `eps`.
        all_eps: of those with the loss over all outputs; None: `eps`.
        all_targeted: whether targeted attacks are run with the loss over all outputs too.
        curve_eps: of the long runs, and of what is shown to other networks.
        untargeted_curve, targeted_curve: steps of the long runs that are scored.
        universal_eps: of universal perturbations.
        fits: whether universal perturbations are fitted, where there are training people; else
            the bundled ones are taken.
    """

    parts: tuple[str, ...] = PARTS
    eps: tuple[float, ...] = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
    targeted_eps: tuple[float, ...] | None = None
    all_eps: tuple[float, ...] | None = None
    all_targeted: bool = True
    curve_eps: float = 8.0
    untargeted_curve: tuple[int, ...] = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100)
    targeted_curve: tuple[int, ...] = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100)
    universal_eps: tuple[float, ...] = (8.0, 16.0)
    fits: bool = True

    def __post_init__(self) -> None:
        unknown = [part for part in self.parts if part not in PARTS]
        if unknown:
            raise UserError(f"Expected parts out of {', '.join(PARTS)}. Got {', '.join(unknown)}.")

    @property
    def universal(self) -> bool:
        """Whether universal perturbations are asked for."""
        return UNIVERSAL in self.parts

    @property
    def record(self) -> dict[str, Any]:
        """As results say it, with the names of the attacks that stand for all."""
        leads = {"leading_attack": SHORT_U, "leading_targeted_attack": SHORT_T}
        return {**asdict(self), **leads}


QUICK = Grid(
    eps=(2.0, 8.0, 16.0),
    targeted_eps=(8.0,),
    all_eps=(8.0,),
    all_targeted=False,
    untargeted_curve=(1, 2, 3, 5, 7, 10),
    targeted_curve=(1, 2, 5, 10, 15, 20),
    fits=False,
)


def attacks_of(
    grid: Grid, seed: int, outputs: int, universal: Sequence[Universal]
) -> list[AttackSpec]:
    """Every attack on one network, each once; of several outputs over the last and over all."""
    found: list[AttackSpec] = []
    if Noise.name in grid.parts:
        found += [Noise(eps=eps, seed=seed) for eps in grid.eps]
    for which in _asked_outputs(outputs):
        for targeted in (False, True) if which == "last" or grid.all_targeted else (False,):
            common: dict[str, Any] = dict(targeted=targeted, outputs=which, seed=seed)
            for kind in (Fgsm, Igsm):
                if kind.name in grid.parts:
                    found += [kind(eps=eps, **common) for eps in _eps(grid, which, targeted)]
            if ITERATIONS in grid.parts:
                curve = grid.targeted_curve if targeted else grid.untargeted_curve
                found += [Igsm(eps=grid.curve_eps, max_iter=steps, **common) for steps in curve]
        if grid.universal:
            found += [one for one in universal if one.outputs == which]
    # Ten steps by default are the same as ten steps asked for.
    return list({(one.label, one.eps): one for one in found}.values())


def universal_to_fit(grid: Grid, seed: int, outputs: int) -> list[Universal]:
    """The universal perturbations that a network is asked for where they are fitted."""
    return [
        Universal(eps=eps, outputs=which, seed=seed)
        for which in _asked_outputs(outputs)
        for eps in grid.universal_eps
    ]


def shown(grid: Grid, attacks: Iterable[AttackSpec]) -> tuple[int, ...]:
    """Places of the attacks whose images others see: transfer matrices, and defences."""
    return tuple(
        i
        for i, one in enumerate(attacks)
        if isinstance(one, Universal) or (one.label == SHORT_U and one.eps == grid.curve_eps)
    )


def _asked_outputs(count: int) -> tuple[str, ...]:
    return ("last", "all") if count > 1 else ("last",)


def _eps(grid: Grid, outputs: str, targeted: bool) -> tuple[float, ...]:
    asked = grid.all_eps if outputs == "all" else None
    if asked is None and targeted:
        asked = grid.targeted_eps
    return grid.eps if asked is None else asked
