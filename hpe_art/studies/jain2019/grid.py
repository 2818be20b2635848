"""What the study asks of every network: which attacks, at which eps, and who sees their images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from hpe_art.attacks import AttackSpec, Universal
from hpe_art.attacks.apgd_spec import Apgd
from hpe_art.attacks.auto import Auto
from hpe_art.attacks.fgsm import Fgsm
from hpe_art.attacks.noise import Noise
from hpe_art.attacks.pgd import Igsm
from hpe_art.attacks.transfer_spec import Transferable
from hpe_art.errors import UserError
from hpe_art.evaluation.spec import FLIP

ITERATIONS, UNIVERSAL, STRONGEST = "iterations", "universal", "strongest"
OVER_EPS = (Noise.name, Fgsm.name, Igsm.name)
PARTS = (*OVER_EPS, ITERATIONS, UNIVERSAL)
"""Those of the paper."""
ALL_PARTS = (*PARTS, STRONGEST)
DEFENCES = ("smoothing", FLIP)
SHORT_U = Igsm(max_iter=10).label
SHORT_T = Igsm(targeted=True, max_iter=20).label
AUTO, CARRIED = Auto().label, Transferable().label
LAST_ONLY = Apgd(max_iter=99, schedule="linear")
"""What AUTO does, with the loss over the last output instead of all; at another eps."""
USUAL = {
    one.label
    for one in (Noise(), Fgsm(), Fgsm(targeted=True), Igsm(), Igsm(targeted=True), Universal())
}
"""Labels of the attacks whose images are kept: not those of more steps or of all outputs."""


@dataclass(frozen=True)
class Grid:
    """What is asked of every network.

    Attributes:
        parts: out of `ALL_PARTS`.
        eps: of noise, FGSM and IGSM, in grey levels.
        targeted_eps: of the targeted ones; None: `eps`.
        all_eps: of those with the loss over all outputs; None: `eps`.
        all_targeted: whether targeted attacks are run with the loss over all outputs too.
        curve_eps: of the long runs, and of what is shown to other networks.
        untargeted_curve, targeted_curve: steps of the long runs that are scored.
        universal_eps: of universal perturbations.
        fits: whether universal perturbations are fitted, where there are training people; else
            the bundled ones are taken.
        strongest_eps: of the strongest attack, and of the paper's beside it.
        last_eps: of the strongest attack with the loss over the last output alone.
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
    strongest_eps: tuple[float, ...] = (0.5, 1.0, 2.0)
    last_eps: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        unknown = [part for part in self.parts if part not in ALL_PARTS]
        if unknown:
            known = ", ".join(ALL_PARTS)
            raise UserError(f"Expected parts out of {known}. Got {', '.join(unknown)}.")

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
    strongest_eps=(1.0,),
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
    if STRONGEST in grid.parts:
        found += _strongest(grid, seed, outputs)
    # Ten steps by default are the same as ten steps asked for.
    return list({(one.label, one.eps): one for one in found}.values())


def _strongest(grid: Grid, seed: int, outputs: int) -> list[AttackSpec]:
    """The strongest attacks, in the white box and on other networks; the paper's beside them."""
    found: list[AttackSpec] = []
    for eps in grid.strongest_eps:
        found += [Auto(eps=eps, seed=seed), Igsm(eps=eps, seed=seed)]
    if outputs > 1:
        found += [replace(LAST_ONLY, eps=eps, seed=seed) for eps in grid.last_eps]
    return [
        *found,
        Igsm(eps=grid.curve_eps, seed=seed),
        Transferable(eps=grid.curve_eps, seed=seed),
    ]


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
        if isinstance(one, Universal)
        or (one.label in (SHORT_U, CARRIED) and one.eps == grid.curve_eps)
    )


def _asked_outputs(count: int) -> tuple[str, ...]:
    return ("last", "all") if count > 1 else ("last",)


def _eps(grid: Grid, outputs: str, targeted: bool) -> tuple[float, ...]:
    asked = grid.all_eps if outputs == "all" else None
    if asked is None and targeted:
        asked = grid.targeted_eps
    return grid.eps if asked is None else asked
