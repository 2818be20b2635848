"""What a study consists of: cells, each filled by one run of an attack on one network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hpe_art.attacks import AttackSetting
from hpe_art.attacks.shared import shareable
from hpe_art.evaluation.arguments import FLIP
from hpe_art.evaluation.results import attack_name

PARTS = ("noise", "fgsm", "igsm", "iterations", "universal")
DEFENCES = ("smoothing", FLIP)
TRANSFER_ITERATIONS = 10


@dataclass(frozen=True)
class Grid:
    """What is asked of every network.

    Attributes:
        parts: out of `PARTS`.
        eps: of noise, FGSM and IGSM, in grey levels.
        targeted_eps: of the targeted ones; default `eps`.
        all_eps: of those with the loss over all outputs; default `eps`.
        all_targeted: whether targeted attacks are run with the loss over all outputs too.
        curve_eps: of the long runs, and of what is shown to other networks.
        untargeted_curve: steps of the untargeted long run that are scored.
        targeted_curve: steps of the targeted one.
        universal_eps: of universal perturbations.
        seed: of noise, target poses and intervals.
        batch_size: images per pass.
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
    seed: int = 0
    batch_size: int = 32


QUICK = Grid(
    eps=(2.0, 8.0, 16.0),
    targeted_eps=(8.0,),
    all_eps=(8.0,),
    all_targeted=False,
    untargeted_curve=(1, 2, 3, 5, 7, 10),
    targeted_curve=(1, 2, 5, 10, 15, 20),
)


@dataclass(frozen=True)
class Studied:
    """What the plan has to know of a network.

    Attributes:
        name: of the network.
        outputs: their number; with several, the loss over all of them is studied too.
        bundled: eps of its fitted universal perturbations (for the last output); None if they are
            fitted in the study.
    """

    name: str
    outputs: int
    bundled: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Cell:
    """One run, and all that it serves.

    Attributes:
        network: name of the attacked network.
        name: of the cell's file, for example "igsm-u-all_eps8".
        settings: in the order of the results; one run serves them. None of them: clean images.
        shown: of each setting, the names of the networks and defences that its images are shown
            to; for clean images one tuple.
    """

    network: str
    name: str
    settings: tuple[AttackSetting, ...] = ()
    shown: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Cost:
    """Images passed through networks.

    Attributes:
        forward: through the attacked network, with its defences.
        backward: through the attacked network.
        elsewhere: forward through each of the networks that look on.
    """

    forward: int
    backward: int
    elsewhere: Mapping[str, int]


def plan(networks: Sequence[Studied], grid: Grid) -> list[Cell]:
    """All cells, network by network, in the order in which they run.

    Args:
        networks: to be studied.
        grid: what is asked for.
    """
    cells = []
    for network in networks:
        others = tuple(other.name for other in networks if other != network)
        everybody = (*others, *DEFENCES)
        cells.append(Cell(network.name, "clean", shown=(everybody,)))
        for group in shareable(_settings(grid, network)):
            shown = tuple(everybody if _is_shown(s, grid) else () for s in group)
            cells.append(Cell(network.name, _name(group), tuple(group), shown))
    return cells


def cost(cell: Cell, people: int, fit_passes: int = 0, train_people: int = 0) -> Cost:
    """What a cell costs; equal to what is counted when it runs.

    Args:
        cell: of a plan.
        people: of the test set.
        fit_passes: images that a universal perturbation is fitted on, all epochs together; 0 if it
            is fitted already.
        train_people: training people that universal perturbations are scored on as well.
    """
    forward = backward = alone = 0
    if not cell.settings:
        forward = people
    elif cell.settings[0].attack == "uap":
        # Training people are seen clean and perturbed.
        forward, backward = people + 2 * train_people + fit_passes, fit_passes
        alone = 1  # every network sees the perturbation alone
    else:
        steps = {"noise": 0, "fgsm": 1}.get(
            cell.settings[0].attack, max(s.iterations for s in cell.settings)
        )
        forward, backward = people * (steps + len(cell.settings)), people * steps
    elsewhere: dict[str, int] = {}
    for names in cell.shown:
        for name in names:
            if name in DEFENCES:
                forward += people
            else:
                elsewhere[name] = elsewhere.get(name, alone) + people
    return Cost(forward + alone, backward, elsewhere)


def _settings(grid: Grid, network: Studied) -> list[AttackSetting]:
    common = AttackSetting("noise", seed=grid.seed, batch_size=grid.batch_size)
    found: list[AttackSetting] = []
    if "noise" in grid.parts:
        found += [replace(common, eps=eps) for eps in grid.eps]
    for outputs in ("last", "all") if network.outputs > 1 else ("last",):
        base = replace(common, outputs=outputs)
        for targeted in (False, True) if outputs == "last" or grid.all_targeted else (False,):
            for attack in ("fgsm", "igsm"):
                if attack in grid.parts:
                    one = replace(base, attack=attack, targeted=targeted)
                    found += [replace(one, eps=eps) for eps in _eps(grid, outputs, targeted)]
            if "iterations" in grid.parts:
                long = replace(base, attack="igsm", targeted=targeted, eps=grid.curve_eps)
                curve = grid.targeted_curve if targeted else grid.untargeted_curve
                found += [replace(long, max_iter=steps) for steps in curve]
        if "universal" in grid.parts:
            sizes = grid.universal_eps
            if network.bundled is not None:
                sizes = tuple(e for e in sizes if e in network.bundled and outputs == "last")
            found += [replace(base, attack="uap", eps=eps) for eps in sizes]
    return list({_known_by(setting): setting for setting in found}.values())


def _eps(grid: Grid, outputs: str, targeted: bool) -> tuple[float, ...]:
    if outputs == "all" and grid.all_eps is not None:
        return grid.all_eps
    return grid.eps if not targeted or grid.targeted_eps is None else grid.targeted_eps


def _known_by(setting: AttackSetting) -> AttackSetting:
    """Ten steps by default are the same as ten steps asked for."""
    return replace(setting, max_iter=setting.iterations) if setting.attack == "igsm" else setting


def _is_shown(setting: AttackSetting, grid: Grid) -> bool:
    """Whether others see the images: those of the paper's transfer matrices and defences."""
    if setting.attack == "uap":
        return True
    short = setting.attack == "igsm" and setting.iterations == TRANSFER_ITERATIONS
    plain = not setting.targeted and setting.outputs == "last"
    return short and plain and setting.eps == grid.curve_eps


def _name(group: Sequence[AttackSetting]) -> str:
    one = group[0]
    name = attack_name(one.attack, one.targeted, one.iterations, one.outputs).lower()
    name = name.replace(f"-{one.iterations}", "") if one.attack == "igsm" else name
    return name if one.attack == "fgsm" else f"{name}_eps{one.eps:g}"
