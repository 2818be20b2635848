"""What a study and an ensemble cost at scale, on paper; `python -m benchmarks.scale` writes it.

Passes are those that `--plan` counts; what one multiplies is counted on the networks themselves,
without weights or numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import jinja2
import torch
from torch.utils.flop_counter import FlopCounterMode

from hpe_art.attacks import AttackSpec, shareable
from hpe_art.attacks.auto import Auto
from hpe_art.estimators.heads import head_adaptor
from hpe_art.estimators.loading import build_model, load_config
from hpe_art.estimators.network import forward
from hpe_art.evaluation.attacking import batches_of
from hpe_art.evaluation.perturbations import EPOCHS, FIT_SAMPLES
from hpe_art.files import write_whole
from hpe_art.studies.jain2019.grid import DEFENCES, Grid, attacks_of, shown, universal_to_fit

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "scale.md"
PEOPLE = {"MPII validation": 2958, "COCO validation": 6352}
DEVICES = (1, 2, 4, 8, 16, 32, 64)
BATCH_SIZE = 64
TFLOP_PER_SECOND = 50.0
"""What a device is taken to multiply in a second, with all that goes on beside it."""


@dataclass(frozen=True)
class Network:
    """A network at the paper's size: 1e9 operations of one pass forward, and its outputs."""

    name: str
    gflop: float
    outputs: int


@dataclass(frozen=True)
class Cost:
    """Passes for each person, of one network, forward alone and with a gradient.

    `elsewhere` are those forward through others, and `fitted` gradients not for each person.
    """

    forward: int
    gradients: int
    elsewhere: int = 0
    fitted: int = 0


def networks(folder: Path) -> list[Network]:
    """Those of a folder of configs, but for other beginnings of the same."""
    found = []
    for file in sorted(folder.glob("*.py")):
        if file.stem.endswith("_pretrained"):
            continue
        with torch.device("meta"):
            model = build_model(load_config(file, {"load_from": None})).eval()
        adaptor = head_adaptor(model.head)  # type: ignore[arg-type]
        width, height = adaptor.input_size
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            raw = forward(model, torch.zeros(1, 3, height, width, device="meta"))
        found.append(Network(file.stem, counter.get_total_flops() / 1e9, len(adaptor.outputs(raw))))
    return found


def study(outputs: int, others: int) -> Cost:
    """The paper's study of one network, which `others` networks see too."""
    grid = Grid()
    universal = universal_to_fit(grid, 0, outputs)
    attacks = attacks_of(grid, 0, outputs, universal)
    own = _passes(attacks)
    seen = (1 + len(shown(grid, attacks))) * (others + len(DEFENCES))
    return Cost(own.forward, own.gradients, seen, len(universal) * FIT_SAMPLES * EPOCHS)


def ensemble() -> Cost:
    """`--attack auto --size standard` at one eps, at most."""
    return _passes([Auto(size="standard")])


def _passes(attacks: Sequence[AttackSpec]) -> Cost:
    """With the clean images, and the scoring of all."""
    each = [type(group[0]).passes(group) or (0, 0) for group in shareable(attacks)]
    gradients = sum(backward for _, backward in each)
    return Cost(1 + len(attacks) + sum(f for f, _ in each) - gradients, gradients)


def hours(cost: Cost, network: Network, mean_gflop: float, people: int, devices: int) -> float:
    """Of the process that has most people; back through a network costs as much as forward."""
    shares = batches_of(people, BATCH_SIZE, devices)
    most = max(sum(map(len, shares[rank::devices])) for rank in range(devices))
    own = (cost.forward + 2 * cost.gradients) * network.gflop + cost.elsewhere * mean_gflop
    fits = cost.fitted / devices * 2 * network.gflop
    return (most * own + fits) / (TFLOP_PER_SECOND * 1e3) / 3600


def page() -> str:
    """`docs/scale.md`."""
    known = networks(ROOT / "mmpose_configs" / "mpii")
    mean = sum(one.gflop for one in known) / len(known)
    costs = {one.name: (study(one.outputs, len(known) - 1), ensemble()) for one in known}
    rows = {
        (what, data): [
            sum(hours(costs[one.name][i], one, mean, people, n) for one in known) for n in DEVICES
        ]
        for i, what in enumerate(("the paper's study", "AUTO, standard, one eps"))
        for data, people in PEOPLE.items()
    }
    template = resources.files("benchmarks").joinpath("templates/scale.md.j2").read_text()
    return (
        jinja2.Environment(
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            keep_trailing_newline=True,
            autoescape=False,  # noqa: S701  (Markdown of our own numbers)
        )
        .from_string(template)
        .render(networks=known, costs=costs, rows=rows, devices=DEVICES, tflop=TFLOP_PER_SECOND)
    )


if __name__ == "__main__":
    write_whole(PAGE, page())
