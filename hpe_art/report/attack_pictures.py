"""The pictures of one attack run: what each attack did to the first people, and the curve."""

from __future__ import annotations

from typing import Any

import numpy as np

from hpe_art.evaluation.attack_run import Prepared, rgb
from hpe_art.evaluation.attacked import Attacked, Evaluation
from hpe_art.metrics import pckh
from hpe_art.report.curves import eps_curve
from hpe_art.report.pictures import Person, save_pictures
from hpe_art.report.table import entry_label


def draw_pictures(run: Prepared, done: Evaluation, document: dict[str, Any]) -> int:
    """Writes `OUT/pictures/`: each attack but noise at its largest eps, and the curve over eps.

    Args:
        run: what was asked for.
        done: what came out, with examples.
        document: the result document.

    Returns:
        The number of pictures.
    """
    folder, count = run.args.out / "pictures", 0
    largest: dict[str, Attacked] = {}
    for attacked in done.attacked:
        name, setting = entry_label(attacked.entry), attacked.setting
        known = largest.get(name)
        if setting.attack != "noise" and (known is None or setting.eps > known.setting.eps):
            largest[name] = attacked
    for name, attacked in largest.items():
        setting = attacked.setting
        people = _people(run, done, attacked, setting.targeted)
        count += len(save_pictures(folder, people, name, setting.eps, setting.norm))
    if len({attacked.setting.eps for attacked in done.attacked}) > 1:
        folder.mkdir(parents=True, exist_ok=True)
        eps_curve(document).savefig(folder / "eps_curve.png", dpi=150)
        count += 1
    return count


def _people(run: Prepared, done: Evaluation, attacked: Attacked, targeted: bool) -> list[Person]:
    perturbed = rgb(run.estimator, attacked.examples)
    clean = rgb(run.estimator, run.crops.x[: len(perturbed)])
    targets = None
    if targeted and done.targets:
        poses = done.targets.poses
        targets = np.where(poses[..., 2:] > 0, poses[..., :2], np.nan)  # the others may go anywhere
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
