"""The pictures of one attack run: what each attack did to the first people, and the curve."""

from __future__ import annotations

from typing import Any

from hpe_art.evaluation.attack_run import Prepared, rgb
from hpe_art.evaluation.attacked import Attacked, Evaluation
from hpe_art.metrics import pckh
from hpe_art.reporting.curves import eps_curve
from hpe_art.reporting.pictures import Person, save_pictures


def draw_pictures(run: Prepared, done: Evaluation, document: dict[str, Any]) -> int:
    """Writes `OUT/pictures/`: each gradient attack at its largest eps, and the curve over eps.

    Args:
        run: what was asked for.
        done: what came out, with examples.
        document: the result document.

    Returns:
        The number of pictures.
    """
    folder, count = run.args.out / "pictures", 0
    sizes = {attacked.setting.eps for attacked in done.attacked}
    for attacked in done.attacked:
        setting = attacked.setting
        if setting.attack != "noise" and setting.eps == max(sizes):
            targeted = setting.targeted
            people = _people(run, done, attacked, targeted)
            count += len(save_pictures(folder, people, attacked.entry["name"], setting.eps))
    if len(sizes) > 1:
        folder.mkdir(parents=True, exist_ok=True)
        eps_curve(document).savefig(folder / "eps_curve.png", dpi=150)
        count += 1
    return count


def _people(run: Prepared, done: Evaluation, attacked: Attacked, targeted: bool) -> list[Person]:
    perturbed = rgb(run.estimator, attacked.examples)
    clean = rgb(run.estimator, run.crops.x[: len(perturbed)])
    targets = done.targets.poses if targeted and done.targets else None
    return [
        Person(
            index=int(run.crops.index[i]),
            clean=clean[i],
            perturbed=perturbed[i],
            clean_pose=done.clean_poses[i],
            perturbed_pose=attacked.poses[i],
            target_pose=None if targets is None else targets[i],
            clean_pckh=pckh(done.clean_hits[i : i + 1]).PCKh,
            perturbed_pckh=pckh(attacked.hits[i : i + 1]).PCKh,
        )
        for i in range(len(perturbed))
    ]
