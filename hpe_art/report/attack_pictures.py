"""The pictures of one run: what each attack did to the first people, and the curve over eps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from hpe_art.evaluation.results import Attack, Run
from hpe_art.report.curves import eps_curve
from hpe_art.report.leading import is_noise
from hpe_art.report.pictures import PersonPictures, save_pictures


def pictured_attacks(run: Run) -> dict[str, Attack]:
    """The attacks that are worth a picture, by name: all but noise, each at its largest eps."""
    pictured: dict[str, Attack] = {}
    for attack in run.attacks:
        known = pictured.get(attack.name)
        if not is_noise(run, attack) and (known is None or (attack.eps or 0) > (known.eps or 0)):
            pictured[attack.name] = attack
    return pictured


def draw_pictures(
    folder: str | Path, people_by_attack: Mapping[str, Sequence[PersonPictures]], run: Run
) -> int:
    """Writes a picture for each attack and person, and the curve if there are several eps.

    Args:
        folder: made if it is missing.
        people_by_attack: by the names of `pictured_attacks`, at their eps; others are not drawn.
        run: its results.

    Returns:
        The number of pictures.
    """
    folder, count = Path(folder), 0
    for name, attack in pictured_attacks(run).items():
        count += len(save_pictures(folder, people_by_attack.get(name, ()), attack, run))
    if len({attack.eps for attack in run.attacks if attack.eps}) > 1:
        folder.mkdir(parents=True, exist_ok=True)
        eps_curve(run).savefig(folder / "eps_curve.png", dpi=150)
        count += 1
    return count
