"""The robustness card of one network, by a protocol that nothing changes (docs/protocol.md).

A card is made from two runs of the attack loop: the worst case of many people, and the smallest eps
of fewer. It can be made for any network of any data set; cards of one data set can be compared.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmengine.config import Config
from pydantic import ValidationError

from hpe_art.attacks import AttackSpec
from hpe_art.attacks.auto import Auto
from hpe_art.attacks.minimum_spec import Fmn
from hpe_art.attacks.pgd import Igsm
from hpe_art.errors import UserError, first_fault
from hpe_art.evaluation.collecting import checkpoint_record
from hpe_art.evaluation.processes import is_main
from hpe_art.evaluation.result_files import ResultsError, read_document
from hpe_art.evaluation.results import Attack, CheckRecord, Interval, Measured, Record, Run
from hpe_art.evaluation.running import attack_runner, loop_of
from hpe_art.evaluation.spec import RunSpec, run_spec
from hpe_art.files import write_whole

PROTOCOL = 1
PEOPLE, MINIMUM_PEOPLE = 128, 16
EPS: dict[Any, tuple[float, ...]] = {"inf": (0.5, 1.0, 2.0, 4.0, 8.0), 2: (50.0, 100.0, 200.0)}
"""By norm, as results have it."""
FEW = 3
"""How many of the weakest joints are named."""


class Worst(Record):
    """What the strongest attack leaves at one eps.

    `score` is of the image of each person that loses most joints, `relative` in percent of the
    clean score; `joints_reached` is the percentage of joints that any image lost. `gradients` is
    the mean for each person.
    """

    score: float | None
    interval: Interval | None
    relative: float | None
    joints_reached: float | None
    gradients: float


class Card(Record):
    """One network's robustness.

    Attributes:
        protocol: version of the protocol.
        by_protocol: whether as many people were attacked as it asks for.
        worst_inf, worst_2: by eps, in grey levels, and in norm 2 of all pixels.
        paper_inf: what ten steps of the paper's attack leave, for comparison: score by eps.
        minimum_inf, minimum_2: median of the smallest eps that moves a joint.
        joints_inf: the same of each joint; null where none was found for most people.
        weakest: the joints that give way first.
        broken_inf: percentage of joints that are lost at an eps, each by an image of its own.
    """

    protocol: int = PROTOCOL
    by_protocol: bool
    network: str
    config: str
    checkpoint: str | None
    sha256: str | None
    dataset: str
    annotations: str
    people: int
    minimum_people: int
    metric: str
    unit: str
    clean: float | None
    clean_interval: Interval | None
    attack: str
    worst_inf: dict[str, Worst]
    worst_2: dict[str, Worst]
    paper: str
    paper_inf: dict[str, float | None]
    minimum_inf: Measured
    minimum_2: Measured
    joints_inf: dict[str, float | None]
    weakest: list[str]
    broken_inf: dict[str, float]
    checks: list[CheckRecord]
    passed: bool
    forward_passes: int
    backward_passes: int
    seconds: float
    date: str
    seed: int
    device: str
    precision: str
    versions: dict[str, str]


def protocol_attacks() -> tuple[list[AttackSpec], list[AttackSpec]]:
    """Those of many people, and those of few."""
    many: list[AttackSpec] = [Igsm(eps=eps) for eps in EPS["inf"]]
    for norm, bounds in EPS.items():
        many += [Auto(eps=eps, norm=float(norm)) for eps in bounds]
    return many, [Fmn(norm=float(norm)) for norm in EPS]


def protocol_runs(people: int | None = None, **settings: Any) -> dict[str, RunSpec]:
    """The two runs of a card by their folders; takes what `measure` takes."""
    counts, attacks = (PEOPLE, MINIMUM_PEOPLE), protocol_attacks()
    found = {}
    for part, count, asked in zip(("worst", "minimum"), counts, attacks, strict=True):
        size = dict(num_samples=people) if people else dict(max_samples=count)
        found[part] = run_spec(attacks=asked, **size, **settings)
    return found


def measure(
    cfg: Config,
    checkpoint: str,
    folder: Path,
    people: int | None = None,
    launcher: str = "none",
    say: Callable[[str], None] = lambda line: None,
    **settings: Any,
) -> Card | None:
    """The card of a network; it goes on where it was stopped.

    Args:
        cfg: of the network, from `load_config`.
        checkpoint: where the weights are from.
        folder: of the two runs.
        people: how many; None: as many as the protocol says, or all if fewer.
        launcher: none, pytorch, slurm or mpi.
        say: told what begins.
        **settings: of `RunSpec`, such as device and precision.

    Returns:
        The card, in the main process.

    Raises:
        UserError: something cannot be used; the message says what and the mend.
    """
    runs: list[Run] = []
    for part, spec in protocol_runs(people, **settings).items():
        say(f"{part}: {len(spec.attacks)} attacks")
        runner = attack_runner(cfg, spec, folder / part, checkpoint, launcher)
        runner.test()
        if is_main():
            runs.append(loop_of(runner).finished[1])
    return card_of(runs[0], runs[1], by_protocol=people is None) if runs else None


def card_of(many: Run, few: Run, by_protocol: bool = True) -> Card:
    """The card of two finished runs: the worst case of many people, the smallest eps of few."""
    ensembles = [one for one in many.attacks if one.attack == Auto.name]
    papers = [one for one in many.attacks if one.attack == Igsm.name]
    smallest = {one.norm: one.minimum for one in few.attacks}
    near, far = smallest["inf"], smallest[2]
    assert near is not None and far is not None
    joints = {joint: found.value for joint, found in near.joints.items()}
    ranked = sorted((value, joint) for joint, value in joints.items() if value is not None)
    worst: dict[Any, dict[str, Worst]] = {norm: {} for norm in EPS}
    for one in ensembles:
        worst[one.norm][f"{one.eps:g}"] = _worst(one, many.dataset.num_samples)
    everything = [*many.attacks, *few.attacks]
    return Card(
        by_protocol=by_protocol,
        network=Path(many.config).stem,
        config=Path(many.config).name,
        checkpoint=many.checkpoint.path,
        sha256=many.checkpoint.sha256,
        dataset=many.dataset.type,
        annotations=Path(many.dataset.ann_file).name,
        people=many.dataset.num_samples,
        minimum_people=few.dataset.num_samples,
        metric=many.metric.label,
        unit=many.metric.unit,
        clean=many.clean.score.value,
        clean_interval=many.clean.score.interval,
        attack=ensembles[0].name,
        worst_inf=worst["inf"],
        worst_2=worst[2],
        paper=papers[0].name,
        paper_inf={f"{one.eps:g}": one.score.value for one in papers},
        minimum_inf=near.median,
        minimum_2=far.median,
        joints_inf=joints,
        weakest=[joint for _, joint in ranked[:FEW]],
        broken_inf=near.broken,
        checks=many.checks,
        passed=all(check.passed for check in many.checks),
        forward_passes=sum(one.forward_passes for one in everything),
        backward_passes=sum(one.backward_passes for one in everything),
        seconds=sum(one.seconds for one in everything),
        date=many.started[:10],
        seed=many.seed,
        device=many.device,
        precision=many.precision,
        versions=many.versions,
    )


def _worst(attack: Attack, people: int) -> Worst:
    reached = attack.joints_reached
    return Worst(
        score=attack.score.value,
        interval=attack.score.interval,
        relative=attack.relative.value,
        joints_reached=None if reached is None else reached.value,
        gradients=attack.backward_passes / people,
    )


def write_card(path: Path, card: Card) -> None:
    """Writes a card as JSON, whole or not at all."""
    write_whole(path, card.model_dump_json(indent=1) + "\n")


def check_replaced(path: Path, checkpoint: str, by_protocol: bool) -> None:
    """Sees that a card which is there will give way to none that says less, or of other weights.

    Raises:
        UserError: it would; or the file is no card.
    """
    if not path.is_file():
        return
    held, found = _read_card(path), checkpoint_record(checkpoint)
    name = "sha256" if found["sha256"] else "path"  # of what is to be downloaded
    known = held.sha256 if name == "sha256" else held.checkpoint
    other = f"of other weights, {held.checkpoint}" if known != found[name] else ""
    other = other or ("of all people" if held.by_protocol and not by_protocol else "")
    if other:
        raise UserError(
            f"Expected a folder without another card of this name. Got {path}, {other}: name "
            "another with --cards, or --overwrite."
        )


def read_cards(folder: Path) -> list[Card]:
    """All cards of a folder, in the order of their names.

    Raises:
        UserError: a file that is no card, or whose eps are not those of others of its protocol; it
            is named.
    """
    cards: list[Card] = []
    eps_of: dict[int, list[str]] = {}
    for path in sorted(folder.glob("*.json")):
        card = _read_card(path)
        eps = [*card.worst_inf, *card.worst_2]
        if (usual := eps_of.setdefault(card.protocol, eps)) != eps:
            raise UserError(
                f"Expected robustness cards of protocol {card.protocol} with eps "
                f"{', '.join(usual)}. Got {path} with {', '.join(eps)}."
            )
        cards.append(card)
    return cards


def _read_card(path: Path) -> Card:
    try:
        card = Card.model_validate(read_document(path))
    except (ResultsError, ValidationError) as error:
        what = first_fault(error) if isinstance(error, ValidationError) else error
        raise UserError(f"Expected a robustness card. Got {path}: {what}.") from None
    name = card.network
    if Path(name).name != name or name in ("", "..") or not name.isprintable():
        raise UserError(f"Expected a robustness card. Got {path} of a network called {name!r:.80}.")
    for eps in (*card.worst_inf, *card.worst_2):
        if not _is_eps(eps):
            raise UserError(f"Expected a robustness card. Got {path} with eps {eps!r:.80}.")
    if not card.worst_inf:
        raise UserError(f"Expected a robustness card. Got {path} without worst_inf.")
    return card


def _is_eps(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal() and float(text) > 0
